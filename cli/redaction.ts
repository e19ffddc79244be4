import { shownUrl } from '../store/file-request';

const LEFT_OUT = '<log left out>';
const URLS = /\bhttps?:\/\/[^\s"'`<>|]+/gi;
/** The container's log is the last part of a failure's message. */
const QUOTED_LOG = /Last lines of the container's log:.*$/s;
/** Payload encodings whose data is text. */
const TEXTUAL = new Set(['json/plain', 'json/protobuf']);

export interface Redaction {
  /** Keep the lines of containers' logs that failures and heartbeats quote. */
  readonly withLogs: boolean;
}

/** A value without quoted log lines, and with URLs as far as `shownUrl` shows them. */
export function redacted(value: unknown, redaction: Redaction): unknown {
  if (typeof value === 'string') return redactedText(value, redaction);
  if (Array.isArray(value)) return value.map((item) => redacted(item, redaction));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      redaction.withLogs ? redacted(part, redaction) : redactedPart(key, part, redaction),
    ]),
  );
}

/** The same for a history in Temporal's JSON, also within its payloads. */
export function redactedHistory(history: unknown, redaction: Redaction): unknown {
  if (Array.isArray(history)) return history.map((item) => redactedHistory(item, redaction));
  if (typeof history !== 'object' || history === null) return redacted(history, redaction);
  if (isPayload(history)) return { ...history, data: redactedPayload(history, redaction) };
  return Object.fromEntries(Object.entries(history).map(([key, part]) => [key, redactedHistory(part, redaction)]));
}

function redactedText(text: string, { withLogs }: Redaction): string {
  return (withLogs ? text : text.replace(QUOTED_LOG, LEFT_OUT)).replace(URLS, shown);
}

/** `log` is a list of lines in a failure, elsewhere the name of a log in the store. */
function redactedPart(key: string, part: unknown, redaction: Redaction): unknown {
  if (key === 'lastLogLine') return LEFT_OUT;
  return key === 'log' && Array.isArray(part) ? [LEFT_OUT] : redacted(part, redaction);
}

function shown(url: string): string {
  return URL.canParse(url) ? shownUrl(url) : '<address left out>';
}

interface Payload {
  readonly metadata: { readonly encoding: string };
  readonly data: string;
}

function isPayload(value: object): value is Payload {
  if (!('metadata' in value && 'data' in value) || typeof value.data !== 'string') return false;
  const { metadata } = value;
  return typeof metadata === 'object' && metadata !== null && 'encoding' in metadata;
}

function redactedPayload({ metadata, data }: Payload, redaction: Redaction): string {
  if (!TEXTUAL.has(Buffer.from(metadata.encoding, 'base64').toString())) return data;
  const value: unknown = JSON.parse(Buffer.from(data, 'base64').toString());
  return Buffer.from(JSON.stringify(redacted(value, redaction))).toString('base64');
}
