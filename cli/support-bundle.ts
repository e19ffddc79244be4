import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { create } from 'tar';
import { PACKAGE_ROOT } from '../devstack/package-root';
import { redacted, redactedHistory } from './redaction';
import type { Redaction } from './redaction';
import { finishedSteps, reportOf } from './run-history';
import type { Session } from './session';

/**
 * Writes what helps to understand a run, as a `.tar.gz` or a folder. Payloads carry no secrets or host paths by
 * construction; signatures in URLs are left out, and unless asked for, the lines of containers' logs that failures and
 * heartbeats quote, since they may say something of patients.
 */
export async function exportRun(session: Session, id: string, output: string, redaction: Redaction): Promise<void> {
  if (!output.endsWith('.tar.gz')) return writeBundle(session, id, output, redaction);
  const folder = await mkdtemp(join(tmpdir(), 'medperf-bundle-'));
  try {
    await writeBundle(session, id, folder, redaction);
    await create({ gzip: true, portable: true, cwd: folder, file: output }, ['.']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeBundle(session: Session, id: string, folder: string, redaction: Redaction): Promise<void> {
  const { temporal, medperf, store } = session;
  const history = await temporal.client.workflow.getHandle(id).fetchHistory();
  await mkdir(folder, { recursive: true });
  await writeJson(join(folder, 'history.json'), redactedHistory(JSON.parse(historyToJSON(history)), redaction));
  await writeJson(join(folder, 'progress.json'), redacted(await medperf.progress(id), redaction));
  await writeJson(join(folder, 'versions.json'), await versions(session));
  const report = reportOf(finishedSteps(history));
  if (report === null) return;
  const record: unknown = JSON.parse((await store.readBytes(report.report)).toString('utf8'));
  await writeJson(join(folder, 'report.json'), redacted(record, redaction));
}

async function versions({ temporal }: Session): Promise<Record<string, string>> {
  const { version } = JSON.parse(await readFile(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string };
  const { serverVersion } = await temporal.connection.workflowService.getSystemInfo({});
  return { 'temporal-medperf': version, node: process.version, platform: process.platform, temporal: serverVersion };
}

function writeJson(file: string, value: unknown): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
