import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { asFailure } from '../activities/failures';
import { MedperfError } from '../contract';
import { redacted, redactedHistory } from './redaction';

const PATIENT = 'Jane Roe, born 1948';
const SIGNED = 'https://someone:pass@h.example:8443/model.tar.gz?sig=SECRET';
const LOGGED = new MedperfError('ContainerFailed', {
  what: `The task infer failed on ${SIGNED}.`,
  found: 'exit code 3',
  next: 'mend the model',
  log: [`reads ${PATIENT}`, 'stops'],
});

/** A history in which a step was given a signed URL, failed with log lines, and left a result. */
function historyJson(): string {
  const payload = (value: unknown): object => defaultPayloadConverter.toPayload(value);
  const failure = defaultFailureConverter.errorToFailure(asFailure(LOGGED), defaultPayloadConverter);
  return historyToJSON({
    events: [
      {
        eventId: 1 as never,
        workflowExecutionStartedEventAttributes: {
          input: { payloads: [payload({ urls: { manifestUrl: SIGNED } })] },
          memo: { fields: { request: payload('sha256:abc') } },
        },
      },
      { eventId: 2 as never, activityTaskFailedEventAttributes: { failure } },
      {
        eventId: 3 as never,
        activityTaskCompletedEventAttributes: { result: { payloads: [payload({ log: 'sha256:def' })] } },
      },
    ],
  });
}

/** What a reader finds in the history, its payloads decoded. */
function readable(history: unknown): string {
  const decode = (_: string, data: string): string => Buffer.from(data, 'base64').toString();
  return JSON.stringify(history).replace(/"data":"([A-Za-z0-9+/=]+)"/g, decode);
}

describe('a history in a support bundle', () => {
  it('quotes no log, credentials or signatures, and keeps the rest', () => {
    const before: unknown = JSON.parse(historyJson());
    expect(readable(before)).toContain(PATIENT);
    const after = readable(redactedHistory(before, { withLogs: false }));
    for (const secret of [PATIENT, 'SECRET', 'someone', 'pass@']) expect(after).not.toContain(secret);
    expect(after.split('<log left out>')).toHaveLength(3);
    for (const kept of ['exit code 3', 'https://h.example:8443/model.tar.gz', 'sha256:abc', '"log":"sha256:def"']) {
      expect(after).toContain(kept);
    }
  });

  it('quotes logs when asked to, and still no signatures', () => {
    const after = readable(redactedHistory(JSON.parse(historyJson()), { withLogs: true }));
    expect(after).toContain(PATIENT);
    expect(after).not.toContain('SECRET');
  });

  it('is still a history', () => {
    const { events } = historyFromJSON(redactedHistory(JSON.parse(historyJson()), { withLogs: false }));
    const [input] = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    expect(defaultPayloadConverter.fromPayload(input!)).toEqual({
      urls: { manifestUrl: 'https://h.example:8443/model.tar.gz' },
    });
  });
});

describe('progress in a support bundle', () => {
  const step = { name: 'infer', heartbeat: { log: 'run-1', lastLogLine: PATIENT }, lastFailure: LOGGED.message };

  it('quotes no log of a running or failed step', () => {
    const after = redacted({ steps: [step] }, { withLogs: false });
    expect(after).toMatchObject({
      steps: [{ name: 'infer', heartbeat: { log: 'run-1', lastLogLine: '<log left out>' } }],
    });
    expect(JSON.stringify(after)).not.toContain(PATIENT);
    expect(redacted(step, { withLogs: true })).toMatchObject({ heartbeat: { lastLogLine: PATIENT } });
  });
});
