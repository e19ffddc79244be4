import { hostedFileNames, parseImageReference } from '../contract';
import type { CubeType, Finding } from '../contract';
import { quote } from './complaints';
import { cubeType } from './cube-type';
import { imageLine } from './image-pin';
import { parseManifest } from './manifest';
import type { Manifest } from './manifest';
import { checkForPackaging } from './packaging-checks';
import type { CubeFacts, NameFacts, PreFlightBenchmark } from './pre-flight-facts';
import { isPreFlightCode } from './pre-flight-findings';
import type { PreFlightFinding } from './pre-flight-findings';

const FILE = hostedFileNames.manifest;

/** What the rules about other things need of the manifest. */
export interface JudgedCube {
  readonly manifest: Manifest;
  readonly type: CubeType | null;
  /** Line of `docker.image`. */
  readonly imageLine: number | null;
  readonly findings: readonly PreFlightFinding[];
}

/** Everything that packaging would say of the cube, and whether its image has a name that a registry can have. */
export function judgeCube({ manifest: text, files, type: given }: CubeFacts): JudgedCube {
  const { manifest, findings } = parseManifest(text);
  const type = given ?? cubeType(manifest);
  const line = imageLine(text);
  const all = [...findings, ...checkForPackaging(manifest, type, files)];
  return {
    manifest,
    type,
    imageLine: line,
    findings: [...all.map(ofPackaging), ...judgeImageName(manifest.docker?.image, line)],
  };
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

function judgeImageName(image: string | undefined, line: number | null): PreFlightFinding[] {
  if (image === undefined) return [];
  const reference = parseImageReference(image);
  const common = { owner: 'model', where: imagePlace(line) } as const;
  if (reference === null) {
    const message = `${quote(image)} is not the name of an image that a registry could have`;
    return [{ ...common, severity: 'error', code: 'image-name', message, fix: 'write it as owner/name:tag' }];
  }
  if (reference.digest !== null || reference.tag !== 'latest') return [];
  const message = `the tag latest of ${image} names another image tomorrow`;
  const fix = 'give the image a tag of its own, or pin it by its digest: NAME@sha256:…';
  return [{ ...common, severity: 'warning', code: 'image-tag', message, fix }];
}

/** Where a finding about the image points to. */
export function imagePlace(line: number | null): { file: string; line?: number } {
  return { file: FILE, ...(line === null ? {} : { line }) };
}

/** Whether a cube of that type can take part in the benchmark, as both are now. */
export function judgeBenchmark(benchmark: PreFlightBenchmark, type: CubeType | null): PreFlightFinding[] {
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
      where: { file: FILE },
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
