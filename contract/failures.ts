/**
 * What kind of failure it is says whose it is and what happens next:
 * the model's and the request's are not retried, the place's is retried with backoff,
 * a person's waits for that person.
 */
export const FAILURE_TYPES = {
  IncompatibleModel: 'model',
  ContainerFailed: 'model',
  InvalidManifest: 'model',
  InvalidRequest: 'request',
  HashMismatch: 'request',
  RegistryRejected: 'request',
  RegistryUnavailable: 'place',
  EngineUnavailable: 'place',
  StoreUnavailable: 'place',
  HostLost: 'place',
  NeedsAttention: 'person',
  Undecided: 'person',
} as const;

export type FailureType = keyof typeof FAILURE_TYPES;
export type FailureOwner = (typeof FAILURE_TYPES)[FailureType];

export function isFailureType(text: unknown): text is FailureType {
  return typeof text === 'string' && Object.hasOwn(FAILURE_TYPES, text);
}

/** The parts that every failure shows; each is one short plain sentence or value, free of secrets and host paths. */
export interface FailureFacts {
  /** What failed, and with which file, field or record. */
  readonly what: string;
  readonly expected?: string;
  readonly found?: string;
  /** What the reader should do next. */
  readonly next: string;
  /** Last lines of a container's log. */
  readonly log?: readonly string[];
  /** Every finding, when a check reports all at once. */
  readonly findings?: readonly Finding[];
}

/** One complaint of a check. `line` counts from 1. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line?: number;
  readonly message: string;
  readonly fix: string;
  /** What kind of complaint it is, where a check tells (`docs/pre-flight.md`). */
  readonly code?: string;
}

/** The error that every library of ours throws for what it foresees; activities turn it into a Temporal failure. */
export class MedperfError extends Error {
  override readonly name = 'MedperfError';
  readonly facts: FailureFacts;

  constructor(
    readonly type: FailureType,
    facts: FailureFacts,
    options?: { cause?: unknown },
  ) {
    const shown = bounded(facts);
    super(failureMessage(shown), options);
    this.facts = shown;
  }
}

const TEXT_CHARACTERS = 2000;
const LINE_CHARACTERS = 500;
const LOG_LINES = 15;
const FINDINGS = 100;

/** Facts quote what others wrote; a failure stays in a workflow's history, where it may not be large. */
function bounded({ what, expected, found, next, log, findings }: FailureFacts): FailureFacts {
  return {
    what: cut(what, TEXT_CHARACTERS),
    ...(expected === undefined ? {} : { expected: cut(expected, TEXT_CHARACTERS) }),
    ...(found === undefined ? {} : { found: cut(found, TEXT_CHARACTERS) }),
    next: cut(next, TEXT_CHARACTERS),
    ...(log === undefined ? {} : { log: log.slice(-LOG_LINES).map((line) => cut(line, LINE_CHARACTERS)) }),
    ...(findings === undefined ? {} : { findings: boundedFindings(findings) }),
  };
}

function boundedFindings(findings: readonly Finding[]): Finding[] {
  const shown = findings.slice(0, FINDINGS).map((finding) => ({
    ...finding,
    file: cut(finding.file, LINE_CHARACTERS),
    message: cut(finding.message, LINE_CHARACTERS),
    fix: cut(finding.fix, LINE_CHARACTERS),
  }));
  const last = shown.at(-1);
  const more = findings.length - shown.length;
  if (last === undefined || more === 0) return shown;
  return [...shown, { severity: last.severity, file: last.file, message: `and ${more} more`, fix: 'mend these first' }];
}

function cut(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters - 1)}…` : text;
}

export function failureMessage(facts: FailureFacts): string {
  const sentences = [facts.what];
  if (facts.expected !== undefined) sentences.push(`Expected: ${facts.expected}.`);
  if (facts.found !== undefined) sentences.push(`Found: ${facts.found}.`);
  for (const finding of facts.findings ?? []) sentences.push(`\n  ${formatFinding(finding)}`);
  sentences.push(`Next: ${facts.next}`);
  if (facts.log?.length)
    sentences.push(`\nLast lines of the container's log:\n${facts.log.map((l) => `  | ${l}`).join('\n')}`);
  return sentences.join(' ');
}

export function formatFinding(finding: Finding): string {
  const place = finding.line === undefined ? finding.file : `${finding.file}:${finding.line}`;
  return `${place}: ${finding.severity}: ${finding.message} (${finding.fix})`;
}
