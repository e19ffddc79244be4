/** Every code of `docs/pre-flight.md`. */
export const PRE_FLIGHT_CODES = [
  'manifest',
  'task',
  'cube-file',
  'docker-option',
  'image-name',
  'image-tag',
  'image-missing',
  'image-local',
  'image-unknown',
  'image-architecture',
  'image-user',
  'image-entrypoint',
  'image-size',
  'image-cuda',
  'gpus',
  'benchmark',
  'name',
  'url',
  'disk-space',
  'temporal',
  'hosts',
] as const;
export type PreFlightCode = (typeof PRE_FLIGHT_CODES)[number];

/** Whose a finding is: who can do what its fix says. */
export type PreFlightOwner = 'model' | 'benchmark' | 'operator' | 'you';

/** `unknown`: the check could not be made, so what it would have found is open. */
export interface PreFlightFinding {
  readonly severity: 'error' | 'warning' | 'unknown';
  readonly code: PreFlightCode;
  readonly owner: PreFlightOwner;
  readonly message: string;
  readonly where?: { readonly file: string; readonly line?: number };
  readonly fix: string;
}

const ORDER = ['error', 'warning', 'unknown'] as const;

/** Errors first, then by code and line; the same findings always come in the same order. */
export function sortFindings(findings: readonly PreFlightFinding[]): PreFlightFinding[] {
  const rank = ({ severity, code, where }: PreFlightFinding): number[] => [
    ORDER.indexOf(severity),
    PRE_FLIGHT_CODES.indexOf(code),
    where?.line ?? 0,
  ];
  return [...findings].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return at < 0 ? a.message.localeCompare(b.message, 'en') : (left[at] ?? 0) - (right[at] ?? 0);
  });
}

export function isPreFlightCode(text: string | undefined): text is PreFlightCode {
  return PRE_FLIGHT_CODES.some((code) => code === text);
}
