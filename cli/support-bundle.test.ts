import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { asFailure } from '../activities/failures';
import { MedperfError } from '../contract';
import type { Session } from './session';
import { exportRun } from './support-bundle';

const PATIENT = 'Jane Roe, born 1948';
const SIGNED = 'https://h.example/demo.tar.gz?sig=SECRET';
const DIGEST = `sha256:${'a'.repeat(64)}` as const;

/** A run whose container wrote of a patient, as Temporal and the store know it. */
function sessionWithPatient(): Session {
  const error = new MedperfError('ContainerFailed', { what: 'infer failed', next: 'mend it', log: [PATIENT] });
  const failure = defaultFailureConverter.errorToFailure(asFailure(error), defaultPayloadConverter);
  const report = { report: DIGEST, candidate: { model: 'm', results: DIGEST, log: DIGEST } };
  const result = { payloads: [defaultPayloadConverter.toPayload(report)] };
  const events = [
    { eventId: 1, activityTaskFailedEventAttributes: { failure } },
    { eventId: 2, activityTaskScheduledEventAttributes: { activityId: 'report' } },
    { eventId: 3, activityTaskCompletedEventAttributes: { scheduledEventId: 2, result } },
  ];
  const steps = [{ lastFailure: error.message, heartbeat: { lastLogLine: PATIENT } }];
  return {
    medperf: { progress: () => Promise.resolve({ stages: [{ steps }] }) },
    temporal: {
      client: { workflow: { getHandle: () => ({ fetchHistory: () => Promise.resolve({ events }) }) } },
      connection: { workflowService: { getSystemInfo: () => Promise.resolve({ serverVersion: '1' }) } },
    },
    store: { readBytes: () => Promise.resolve(Buffer.from(JSON.stringify({ demo_dataset_url: SIGNED }))) },
  } as unknown as Session;
}

/** Every file of the bundle, payloads decoded. */
async function bundle(withLogs: boolean): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), 'medperf-bundle-test-'));
  try {
    await exportRun(sessionWithPatient(), 'id', folder, { withLogs });
    const texts: Record<string, string> = {};
    for (const file of await readdir(folder)) {
      const text = await readFile(join(folder, file), 'utf8');
      texts[file] = text.replace(/"data": "([A-Za-z0-9+/=]+)"/g, (_, data: string) =>
        Buffer.from(data, 'base64').toString(),
      );
    }
    return texts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('has no word of a patient and no signature in any file', async () => {
  const files = await bundle(false);
  expect(Object.keys(files).sort()).toEqual(['history.json', 'progress.json', 'report.json', 'versions.json']);
  for (const text of Object.values(files)) {
    expect(text).not.toContain(PATIENT);
    expect(text).not.toContain('SECRET');
  }
  expect(files['report.json']).toContain('https://h.example/demo.tar.gz');
});

it('has the log lines for who asks for them', async () => {
  const files = await bundle(true);
  expect(files['history.json']).toContain(PATIENT);
  expect(files['progress.json']).toContain(PATIENT);
  expect(files['report.json']).not.toContain('SECRET');
});
