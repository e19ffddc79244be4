import { isMap } from 'yaml';
import type { Pair, YAMLMap } from 'yaml';
import { shellWords } from './shell-words';
import type { YamlSource } from './yaml-source';

/** What of an existing cube's Docker arguments is honoured. */
export interface DockerArguments {
  readonly environment: Readonly<Record<string, string>>;
  readonly shmBytes?: number;
  /** A wish: GPUs are granted by `--gpus` or the operator's policy alone. */
  readonly wantsGpu: boolean;
}

interface Honoured {
  environment: Record<string, string>;
  shmBytes?: number;
  wantsGpu: boolean;
}

type Take = (value: string, honoured: Honoured) => { ignored?: string; refused?: string };

const BECAUSE_CONFINED = 'every container runs without rights and network anyway; leave it out';
const GRANTED_ELSEWHERE = 'GPUs are granted by --gpus or the operator; leave it out';

/** Options with a value, by name; everything that is not here is refused. */
const WITH_VALUE: Readonly<Record<string, Take>> = {
  '-u': () => ({ ignored: BECAUSE_CONFINED }),
  '--user': () => ({ ignored: BECAUSE_CONFINED }),
  '--network': (value) =>
    value === 'none' ? { ignored: BECAUSE_CONFINED } : { refused: 'only --network none is possible' },
  '--net': (value) => (value === 'none' ? { ignored: BECAUSE_CONFINED } : { refused: 'only --net none is possible' }),
  '--gpus': wishForGpu,
  '--runtime': (value, honoured) =>
    value === 'nvidia' ? wishForGpu(value, honoured) : { refused: 'the operator chooses the runtime' },
  '--shm-size': takeShmSize,
  '-e': takeVariable,
  '--env': takeVariable,
};
const WITHOUT_VALUE: Readonly<Record<string, string>> = { '--rm': BECAUSE_CONFINED };

/** Names that decide how programs are loaded or which devices they see. */
const RESERVED_VARIABLES = /^(PATH|HOME|LD_.*|DOCKER_.*|NVIDIA_.*|CUDA_VISIBLE_DEVICES)$/;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s;
const SIZE = /^(\d+)([bkmg]?)$/i;
const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const SECTION_KEYS = ['cpu_args', 'gpu_args', 'env_args'];
/** Keys of MLCube's docker section that its runner takes and that change nothing here. */
const HARMLESS_KEYS = new Set([
  'image',
  'build_context',
  'build_file',
  'build_strategy',
  'build_args',
  'docker',
  'runner',
]);

/** Reads the argument strings of a docker section through the allow-list; what it refuses is a finding with its line. */
export function readDockerArguments(source: YamlSource, docker: YAMLMap): DockerArguments {
  const honoured: Honoured = { environment: {}, wantsGpu: false };
  for (const { key, value, pair } of source.members(docker)) {
    if (HARMLESS_KEYS.has(key)) continue;
    if (!SECTION_KEYS.includes(key)) {
      source.error(
        pair,
        `docker.${key} is not possible here`,
        'leave it out; containers are confined the same way for all',
      );
    } else if (isMap(value)) {
      const variables = Object.entries(source.plain(value) as Record<string, unknown>);
      readOptions(
        source,
        pair,
        key,
        variables.flatMap(([name, text]) => ['-e', `${name}=${String(text)}`]),
        honoured,
      );
    } else if (value !== null) {
      const words = shellWords(source.text(value) ?? '');
      if (words === null) source.error(pair, `docker.${key} has an unclosed quote`, 'close it');
      else readOptions(source, pair, key, words, honoured);
    }
  }
  return honoured;
}

function readOptions(source: YamlSource, pair: Pair, key: string, words: readonly string[], honoured: Honoured): void {
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const [, option = word, inline] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? [];
    const harmless = WITHOUT_VALUE[option];
    const take = WITH_VALUE[option];
    if (harmless !== undefined) source.warning(pair, `docker.${key}: ${word} is ignored`, harmless);
    else if (take === undefined) {
      source.error(
        pair,
        `docker.${key}: ${word} is not allowed`,
        'leave it out; a cube may set -e, --shm-size and --gpus only',
      );
      // Its value would be taken for the next option.
      if (queue[0] !== undefined && !queue[0].startsWith('-')) queue.shift();
    } else {
      const { ignored, refused } = take(inline ?? queue.shift() ?? '', honoured);
      if (refused !== undefined) source.error(pair, `docker.${key}: ${word} is not allowed`, refused);
      if (ignored !== undefined) source.warning(pair, `docker.${key}: ${word} is ignored`, ignored);
    }
  }
}

function wishForGpu(_value: string, honoured: Honoured): { ignored: string } {
  honoured.wantsGpu = true;
  return { ignored: GRANTED_ELSEWHERE };
}

function takeShmSize(value: string, honoured: Honoured): { refused?: string } {
  const [, digits, unit = ''] = SIZE.exec(value) ?? [];
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? NaN);
  if (!Number.isSafeInteger(bytes)) return { refused: `${value || 'nothing'} is no size such as 12g` };
  honoured.shmBytes = bytes;
  return {};
}

function takeVariable(value: string, honoured: Honoured): { refused?: string } {
  const [, name, text] = VARIABLE.exec(value) ?? [];
  if (name === undefined || text === undefined) return { refused: 'write NAME=VALUE; nothing is taken from the host' };
  if (RESERVED_VARIABLES.test(name)) return { refused: `the variable ${name} is reserved` };
  honoured.environment[name] = text;
  return {};
}
