import { toMedperfHash } from '../contract';
import type { HostingCheck } from '../contract';
import { table } from './tables';

/** What each URL serves and what is wrong with it, each finding with what to do about it, and what they come to. */
export function hostingCheckText(checks: readonly HostingCheck[]): string {
  const findings = checks.flatMap((check) => check.findings);
  const rows = findings.flatMap(({ severity, code, file, message, fix }) => [
    [severity, code, file, message],
    ['', '', '', `  fix: ${fix}`],
  ]);
  return [
    ...checks.flatMap(served),
    ...(rows.length === 0 ? [] : [table(['Severity', 'Code', 'URL', 'Finding'], rows), '']),
    summary(checks),
  ].join('\n');
}

function served({ url, file }: HostingCheck): string[] {
  if (file === null) return [];
  const { contentType, size, digest, resumable } = file;
  return [
    url,
    `  status 200, ${contentType === '' ? 'no type' : contentType}, ${size} bytes, ${resumable ? 'resumable' : 'not resumable'}`,
    `  SHA-256 ${toMedperfHash(digest)}`,
    '',
  ];
}

function summary(checks: readonly HostingCheck[]): string {
  const refused = checks.filter(hasError).length;
  if (refused > 0) return `${refused} of ${checks.length} URL(s) cannot be relied on.`;
  const warnings = checks.flatMap(({ findings }) => findings).length;
  return `${checks.length} URL(s) can be relied on${warnings === 0 ? '' : `, with ${warnings} warning(s)`}.`;
}

/** Whether a check found an error. */
export function hasError({ findings }: HostingCheck): boolean {
  return findings.some(({ severity }) => severity === 'error');
}
