import { parseImageReference } from '../contract';
import type { Finding } from '../contract';
import { quote } from './complaints';
import type { NameFacts, PreFlightBenchmark } from './pre-flight-facts';
import { isPreFlightCode } from './pre-flight-findings';
import type { PreFlightFinding } from './pre-flight-findings';
import { judgeWrittenCube } from './written-cube';
import type { JudgedCube, WrittenCube } from './written-cube';

/** What the rules about other things need of the cube. */
export interface PreFlightCube extends Omit<JudgedCube, 'findings'> {
  readonly findings: readonly PreFlightFinding[];
}

/** Everything that packaging would say of the cube, and whether its image has a name that a registry can have. */
export function judgeCube(written: WrittenCube): PreFlightCube {
  const judged = judgeWrittenCube(written);
  return { ...judged, findings: [...judged.findings.map(ofPackaging), ...judgeImageName(judged)] };
}

function ofPackaging({ severity, file, line, message, fix, code }: Finding): PreFlightFinding {
  return {
    severity,
    code: isPreFlightCode(code) ? code : 'manifest',
    owner: 'model',
    message,
    where: { file, ...(line === undefined ? {} : { line }) },
    fix,
  };
}

function judgeImageName(cube: JudgedCube): PreFlightFinding[] {
  if (cube.image?.kind !== 'image') return [];
  const { name } = cube.image;
  const reference = parseImageReference(name);
  const common = { owner: 'model', where: imagePlace(cube) } as const;
  if (reference === null) {
    const message = `${quote(name)} is not the name of an image that a registry could have`;
    return [{ ...common, severity: 'error', code: 'image-name', message, fix: 'write it as owner/name:tag' }];
  }
  if (reference.digest !== null || reference.tag !== 'latest') return [];
  const message = `the tag latest of ${name} names another image tomorrow`;
  const fix = 'give the image a tag of its own, or pin it by its digest: NAME@sha256:…';
  return [{ ...common, severity: 'warning', code: 'image-tag', message, fix }];
}

/** Where a finding about the image points to. */
export function imagePlace({ file, image }: Pick<JudgedCube, 'file' | 'image'>): { file: string; line?: number } {
  const line = image?.line ?? null;
  return { file, ...(line === null ? {} : { line }) };
}

/** Whether the cube can take part in the benchmark, as both are now. */
export function judgeBenchmark(
  benchmark: PreFlightBenchmark,
  { type, file }: Pick<JudgedCube, 'type' | 'file'>,
): PreFlightFinding[] {
  const { uid, name, isValid, isActive, approved, operational } = benchmark;
  const findings: PreFlightFinding[] = [];
  const add = (severity: 'error' | 'warning', message: string, fix: string): void => {
    findings.push({ severity, code: 'benchmark', owner: 'benchmark', message, fix });
  };
  const title = `benchmark ${uid}, ${quote(name)},`;
  const ask = 'ask its owner, or choose another benchmark (temporal-medperf benchmark ls)';
  if (!isValid || !isActive) add('error', `${title} is marked as ${isValid ? 'inactive' : 'invalid'}`, ask);
  if (!approved) add('warning', `${title} is not approved yet`, 'wait for the approval; a test run works already');
  if (!operational) add('warning', `${title} is in development`, 'associate once its owner has made it operational');
  if (type !== null && type !== 'model') {
    findings.push({
      severity: 'error',
      code: 'benchmark',
      owner: 'model',
      message: `a cube of type ${type} takes no part in a benchmark as a model`,
      where: { file },
      fix: 'check a model, which has the task infer, or leave --benchmark out',
    });
  }
  return findings;
}

/** Whether the cube can be registered under the name. */
export function judgeName({ name, maxLength, takenBy }: NameFacts): PreFlightFinding[] {
  const length = Array.from(name).length;
  const choose = `choose another name, of at most ${maxLength} characters`;
  const common = { code: 'name', owner: 'you' } as const;
  if (length === 0 || length > maxLength) {
    const message = `the name ${quote(name)} has ${length} characters; the registry takes 1 to ${maxLength}`;
    return [{ ...common, severity: 'error', message, fix: choose }];
  }
  if (takenBy === null) return [];
  const { uid, mine } = takenBy;
  if (!mine) {
    const message = `the name ${quote(name)} is taken by cube ${uid} of somebody else`;
    return [{ ...common, severity: 'error', message, fix: choose }];
  }
  const message = `you have registered cube ${uid} under the name ${quote(name)} already`;
  const fix = `submitting the same files finds that cube again; for other files ${choose}`;
  return [{ ...common, severity: 'warning', message, fix }];
}
