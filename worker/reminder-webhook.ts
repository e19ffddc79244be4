import { isIP } from 'node:net';
import { request } from 'undici';
import type { SendReminder, SentReminder } from '../activities/remind';
import { MedperfError } from '../contract';

const TIMEOUT_MS = 10_000;

/**
 * Posts reminders as JSON to an address that the operator chose. Its `text` is a sentence, which chat services show; the
 * other fields are the facts. The address is a secret of many such services, so it is in no message.
 * @throws MedperfError `InvalidRequest` for what is no address, or one that reminders would travel to in the clear.
 */
export function reminderWebhook(address: string): SendReminder {
  const url = checked(address);
  return async (reminder, signal) => {
    const status = await post(url, { text: sentence(reminder), ...reminder }, signal);
    if (status >= 200 && status < 300) return;
    throw notTaken(`status ${status}`);
  };
}

async function post(url: URL, body: object, signal: AbortSignal): Promise<number> {
  try {
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      signal,
    });
    await answer.body.dump();
    return answer.statusCode;
  } catch (error) {
    if (signal.aborted) throw error;
    const hasCode = typeof error === 'object' && error !== null && 'code' in error;
    throw notTaken(hasCode ? String(error.code) : 'no answer');
  }
}

function sentence({ from, message, since, count, until, run }: SentReminder): string {
  const given = until === undefined ? '' : `, and is given up at ${until}`;
  return `Reminder ${count} to ${from}: ${message}. This waits since ${since}${given} (run ${run}).`;
}

function checked(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) return url;
  throw new MedperfError('InvalidRequest', {
    what: 'The address for reminders cannot be used.',
    expected: 'an https URL, or an http one of this machine',
    found: url === null ? 'no URL' : `a URL of ${url.protocol}//`,
    next: `correct ${REMINDER_URL} and start the worker again.`,
  });
}

/** The environment variable that holds the address. */
export const REMINDER_URL = 'TEMPORAL_MEDPERF_REMINDER_URL';

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}

function notTaken(found: string): MedperfError {
  return new MedperfError('NeedsAttention', {
    what: 'The reminder was not taken by the place that reminders are sent to.',
    expected: 'a status of 200 to 299',
    found,
    next: `check the address in ${REMINDER_URL} of the control workers; the run itself goes on.`,
  });
}
