import type { Client } from '@temporalio/client';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { WORKFLOWS } from '../contract';
import type { Digest } from '../contract';

const TYPES = Object.values(WORKFLOWS)
  .map((name) => `'${name}'`)
  .join(', ');
const DIGESTS = /sha256:[0-9a-f]{64}/g;

/** Every digest in the histories of our open workflows: what they may still ask the store for. */
export async function* digestsOfRunningWork(client: Client): AsyncGenerator<Digest> {
  const { payloadCodecs } = client.options.loadedDataConverter;
  const open = client.workflow.list({ query: `ExecutionStatus = 'Running' AND WorkflowType IN (${TYPES})` });
  for await (const { history } of open.intoHistories()) yield* await digestsOf(payloadsIn(history), payloadCodecs);
}

async function digestsOf(payloads: Payload[], codecs: readonly PayloadCodec[]): Promise<Set<Digest>> {
  let plain = payloads;
  for (const codec of codecs) plain = await codec.decode(plain);
  const found = new Set<Digest>();
  for (const { data } of plain)
    for (const [digest] of Buffer.from(data ?? [])
      .toString()
      .matchAll(DIGESTS))
      found.add(digest as Digest);
  return found;
}

function payloadsIn(value: unknown): Payload[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  if ('metadata' in value && 'data' in value && value.data instanceof Uint8Array) return [value as Payload];
  return Object.values(value).flatMap(payloadsIn);
}
