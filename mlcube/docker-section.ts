import { quote } from './complaints';
import { judgeDockerOptions, readDockerOptions } from './docker-arguments';
import type { DockerArguments, DockerOption } from './docker-arguments';
import { isNull, readSection, readText } from './field-reading';
import type { ManifestReading } from './field-reading';
import type { YamlEntry, YamlMapping } from './yaml-document';

/** The manifest's `docker` section, as far as a run here takes anything from it. */
export interface DockerSection {
  readonly line: number;
  readonly image?: string;
  readonly arguments: DockerArguments;
}

/** MLCube's runner stops at any other key of the section (reference: mlcube.md, parts 2 and 4). */
const KNOWN_KEYS = new Set(
  [
    'image docker runner env_args gpu_args cpu_args build_args build_context build_file build_strategy',
    '--network --security-opt --gpus --memory --cpuset-cpus --mount_opts',
  ].flatMap((keys) => keys.split(' ')),
);
/** A runner's keys that are Docker options; `--mount_opts` is MLCube's own, and inputs are read-only here anyway. */
const OPTION_KEYS = ['--network', '--security-opt', '--gpus', '--memory', '--cpuset-cpus'];
const IMAGE_REFERENCE = /^[A-Za-z0-9][\w./:@-]{0,511}$/;

export function readDockerSection(entry: YamlEntry | undefined, reading: ManifestReading): DockerSection | undefined {
  if (entry === undefined || isNull(entry)) return undefined;
  const { entries } = readSection(entry, 'docker', reading);
  for (const [key, { line }] of entries) {
    if (!KNOWN_KEYS.has(key)) {
      reading.complaints.error(line, `docker has the unknown key ${quote(key)}`, 'remove it: MLCube would stop here');
    }
  }
  const image = readImage(entries.get('image'), reading);
  return { line: entry.line, ...(image === undefined ? {} : { image }), arguments: readArguments(entries, reading) };
}

function readImage(entry: YamlEntry | undefined, reading: ManifestReading): string | undefined {
  const image = readText(entry, 'docker.image', reading);
  if (entry === undefined || image === undefined || IMAGE_REFERENCE.test(image)) return image;
  reading.complaints.error(entry.line, `docker.image ${quote(image)} names no image`, 'write it as name:tag');
  return undefined;
}

/**
 * MLCube takes either `cpu_args` or `gpu_args`, then `env_args`. Which of the two depends on the run, and the plan must
 * not: they are taken together, and a variable that differs between them is an error.
 */
function readArguments(entries: YamlMapping['entries'], whole: ManifestReading): DockerArguments {
  const complaints = whole.complaints.under('docker-option');
  const reading = { ...whole, complaints };
  const cpu = readArgumentText(entries, 'cpu_args', reading);
  const gpu = readArgumentText(entries, 'gpu_args', reading);
  const env = judgeDockerOptions(
    readEnvironmentOptions(entries.get('env_args'), reading),
    'docker.env_args',
    complaints,
  );
  const keys = judgeDockerOptions(readOptionKeys(entries), 'docker', complaints);
  for (const [name, value] of Object.entries(gpu.environment)) {
    const other = cpu.environment[name];
    if (other === undefined || other === value || name in env.environment) continue;
    const message = `docker.cpu_args and docker.gpu_args set the environment variable ${name} differently`;
    complaints.error(entries.get('gpu_args')?.line, message, 'set it once, in docker.env_args');
  }
  const all = [cpu, gpu, env, keys];
  const shmBytes = Math.max(0, ...all.map((part) => part.shmBytes ?? 0));
  return {
    environment: { ...cpu.environment, ...gpu.environment, ...env.environment },
    ...(shmBytes === 0 ? {} : { shmBytes }),
    wantsGpu: all.some((part) => part.wantsGpu),
  };
}

function readArgumentText(
  entries: YamlMapping['entries'],
  key: 'cpu_args' | 'gpu_args',
  reading: ManifestReading,
): DockerArguments {
  const entry = entries.get(key);
  const where = `docker.${key}`;
  const args = readText(entry, where, reading) ?? '';
  return judgeDockerOptions(
    readDockerOptions(args, where, entry?.line ?? 1, reading.complaints),
    where,
    reading.complaints,
  );
}

/** A text of options, or a mapping of variables. */
function readEnvironmentOptions(entry: YamlEntry | undefined, reading: ManifestReading): DockerOption[] {
  const where = 'docker.env_args';
  if (entry?.value.kind !== 'mapping') {
    return readDockerOptions(readText(entry, where, reading) ?? '', where, entry?.line ?? 1, reading.complaints);
  }
  return [...entry.value.entries].flatMap(([name, variable]) => {
    const { line, value } = variable;
    const scalar = value.kind === 'scalar' ? value.value : null;
    const plain = typeof scalar === 'number' || typeof scalar === 'boolean';
    const text = plain ? String(scalar) : readText(variable, `${where}.${name}`, reading);
    return [{ name: '--env', value: text === undefined ? name : `${name}=${text}`, line }];
  });
}

function readOptionKeys(entries: YamlMapping['entries']): DockerOption[] {
  return OPTION_KEYS.flatMap((name) => {
    const entry = entries.get(name);
    if (entry === undefined || isNull(entry)) return [];
    const value = entry.value.kind === 'scalar' ? String(entry.value.value) : '';
    return [{ name, value, line: entry.line }];
  });
}
