import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { create } from 'tar';
import { PACKAGE_ROOT } from '../devstack/package-root';
import { finishedSteps, reportOf } from './run-history';
import type { Session } from './session';

/**
 * Writes what helps to understand a run, as a `.tar.gz` or a folder. Payloads carry no secrets or host paths by
 * construction; containers' logs are left out, since they may quote patients' data.
 */
export async function exportRun(session: Session, id: string, output: string): Promise<void> {
  if (!output.endsWith('.tar.gz')) return writeBundle(session, id, output);
  const folder = await mkdtemp(join(tmpdir(), 'medperf-bundle-'));
  try {
    await writeBundle(session, id, folder);
    await create({ gzip: true, portable: true, cwd: folder, file: output }, ['.']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeBundle(session: Session, id: string, folder: string): Promise<void> {
  const { temporal, medperf, store } = session;
  const history = await temporal.client.workflow.getHandle(id).fetchHistory();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'history.json'), historyToJSON(history));
  await writeJson(join(folder, 'progress.json'), await medperf.progress(id));
  await writeJson(join(folder, 'versions.json'), await versions(session));
  const report = reportOf(finishedSteps(history));
  if (report !== null) await writeFile(join(folder, 'report.json'), await store.readBytes(report.report));
}

async function versions({ temporal }: Session): Promise<Record<string, string>> {
  const { version } = JSON.parse(await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string };
  const { serverVersion } = await temporal.connection.workflowService.getSystemInfo({});
  return { 'temporal-medperf': version, node: process.version, platform: process.platform, temporal: serverVersion };
}

function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
