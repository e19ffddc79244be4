import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';

export const HISTORIES = join(__dirname, 'histories');

/** A run's history as it is replayed by `replay.integration.test.ts`; recorded there where `npm run histories` asks for it. */
export async function keepHistory(client: Client, id: string, name: string): Promise<{ events: number; json: string }> {
  const history = await client.workflow.getHandle(id).fetchHistory();
  const json = historyToJSON(history);
  if (process.env['RECORD_HISTORIES'] !== undefined) {
    await mkdir(HISTORIES, { recursive: true });
    await writeFile(join(HISTORIES, `${name}.json`), json);
  }
  return { events: history.events?.length ?? 0, json };
}
