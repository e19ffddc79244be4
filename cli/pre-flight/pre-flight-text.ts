import type { PreFlightFinding } from '../../mlcube/pre-flight-findings';
import { table } from '../tables';
import type { PreFlightReport } from './pre-flight';

const WORDS = { model: "the model's", benchmark: "the benchmark's", operator: "the operator's", you: 'yours' } as const;

/** The findings for people, each with what to do about it, and what they come to. */
export function preFlightText({ findings, type, image, pinned, imageBytes }: PreFlightReport): string {
  const rows = findings.flatMap((finding) => [
    [finding.severity, finding.code, placeOf(finding), WORDS[finding.owner], finding.message],
    ['', '', '', '', `  fix: ${finding.fix}`],
  ]);
  return [
    ...(rows.length === 0 ? [] : [table(['Severity', 'Code', 'Where', 'Whose', 'Finding'], rows), '']),
    ...(image === null ? [] : [`image: ${image}${imageBytes === null ? '' : `, ${mib(imageBytes)}`}`]),
    ...(pinned === null ? [] : [`pinned: ${pinned}`]),
    summary(findings, type),
  ].join('\n');
}

function summary(findings: readonly PreFlightFinding[], type: PreFlightReport['type']): string {
  const count = (severity: PreFlightFinding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings, unknown] = [count('error'), count('warning'), count('unknown')];
  const cube = type === null ? 'The cube' : `The ${type} cube`;
  const rest = `${warnings} warning(s), ${unknown} not known`;
  if (errors > 0) return `${cube} is not ready: ${errors} error(s), ${rest}.`;
  return findings.length === 0 ? `${cube} is ready: nothing was found.` : `${cube} is ready: no error, ${rest}.`;
}

function placeOf({ where }: PreFlightFinding): string {
  if (where === undefined) return '';
  return where.line === undefined ? where.file : `${where.file}:${where.line}`;
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
