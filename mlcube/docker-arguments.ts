import { quote } from './complaints';
import type { Complaints } from './complaints';
import { splitShellWords } from './shell-words';
import type { ShellWord } from './shell-words';

/** What is left of a cube's Docker arguments. */
export interface DockerArguments {
  readonly environment: Readonly<Record<string, string>>;
  /** Size of `/dev/shm` in bytes that the cube asks for. */
  readonly shmBytes?: number;
  /** The cube would like GPUs; it gets them only by `--gpus` or the operator's policy. */
  readonly wantsGpu: boolean;
}

/** One option, in whichever way it was written; `value` is null when none was given. */
export interface DockerOption {
  readonly name: string;
  readonly value: string | null;
  readonly line: number;
}

interface Allowed {
  /** False: the option is a switch. */
  readonly takesValue: boolean;
  /** Whether this value may be used; absent: every one. */
  readonly allows?: (value: string | null) => boolean;
  readonly effect: 'dropped' | 'gpu' | 'shm' | 'environment';
}

const USER: Allowed = { takesValue: true, effect: 'dropped' };
const REMOVE: Allowed = { takesValue: false, effect: 'dropped' };
const NETWORK: Allowed = { takesValue: true, allows: (value) => value === 'none', effect: 'dropped' };
const ENVIRONMENT: Allowed = { takesValue: true, effect: 'environment' };

/** Everything else is refused: a model is untrusted, and its manifest must not open the sandbox. */
const ALLOWED: ReadonlyMap<string, Allowed> = new Map<string, Allowed>([
  ['-u', USER],
  ['--user', USER],
  ['--rm', REMOVE],
  ['--network', NETWORK],
  ['--net', NETWORK],
  ['--gpus', { takesValue: true, effect: 'gpu' }],
  ['--runtime', { takesValue: true, allows: (value) => value === 'nvidia', effect: 'gpu' }],
  ['--shm-size', { takesValue: true, effect: 'shm' }],
  ['-e', ENVIRONMENT],
  ['--env', ENVIRONMENT],
]);

/**
 * Names that a cube may not set: they choose programs and libraries (also for the hooks that a container runtime starts
 * with the container's environment), or devices that the host's lease decides, or belong to MedPerf.
 */
const RESERVED_NAMES = /^(?:PATH|CUDA_VISIBLE_DEVICES|(?:LD|NVIDIA|DOCKER|MEDPERF)_.*)$/;
const VARIABLE_NAME = /^(?!__proto__$)[A-Za-z_]\w*$/;

/** The options of `cpu_args`, `gpu_args` or `env_args`, without a shell; what cannot be read as options is an error. */
export function readDockerOptions(args: string, where: string, line: number, complaints: Complaints): DockerOption[] {
  const split = splitShellWords(args);
  if ('problem' in split) {
    complaints.error(line, `${where} holds ${split.problem}`, 'write plain options; no shell reads them here');
    return [];
  }
  const options: DockerOption[] = [];
  const words = [...split.words];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const option = toOption(word, words, where, line, complaints);
    if (option !== null) options.push(option);
  }
  return options;
}

function toOption(
  { text, expands }: ShellWord,
  following: ShellWord[],
  where: string,
  line: number,
  complaints: Complaints,
): DockerOption | null {
  const { name, attached } = splitOption(text);
  const allowed = ALLOWED.get(name);
  if (allowed === undefined) {
    refuse(name, where, line, complaints);
    // Most likely its value: one complaint is enough.
    if (attached === null && following[0]?.text.startsWith('-') === false) following.shift();
    return null;
  }
  const next = attached === null && allowed.takesValue ? following.shift() : undefined;
  if (attached === null && allowed.takesValue && next === undefined) {
    complaints.error(line, `the option ${name} in ${where} has no value`, 'give it one, or remove the option');
    return null;
  }
  // `-u $(id -u)` is common and dropped anyway.
  if ((expands || next?.expands === true) && allowed.effect !== 'dropped') {
    const written = next === undefined ? text : `${text} ${next.text}`;
    complaints.error(line, `${quote(written)} in ${where} needs a shell to fill it in`, 'write the value itself');
    return null;
  }
  return { name, value: attached ?? next?.text ?? null, line };
}

/** `--name=value`, `--name`, `-nvalue`, `-n=value` or `-n`; only the two known short options can hold a value. */
function splitOption(text: string): { name: string; attached: string | null } {
  const long = /^(--[^=]*)(?:=(.*))?$/s.exec(text);
  if (long !== null) return { name: long[1] ?? text, attached: long[2] ?? null };
  const short = /^(-[ue])=?(.+)$/s.exec(text);
  return short === null ? { name: text, attached: null } : { name: short[1] ?? text, attached: short[2] ?? null };
}

function refuse(name: string, where: string, line: number, complaints: Complaints): void {
  const what = name.startsWith('-') ? `the Docker option ${quote(name)}` : `the word ${quote(name)}`;
  complaints.error(line, `${what} in ${where} is not allowed`, 'remove it; a cube runs in a sandbox of the operator');
}

/** Judges options by the allow-list; `where` names the key of the manifest they come from. */
export function judgeDockerOptions(
  options: readonly DockerOption[],
  where: string,
  complaints: Complaints,
): DockerArguments {
  const environment: Record<string, string> = {};
  let shmBytes: number | undefined;
  let wantsGpu = false;
  for (const { name, value, line } of options) {
    const allowed = ALLOWED.get(name);
    if (allowed === undefined) {
      refuse(name, where, line, complaints);
    } else if (allowed.allows?.(value) === false) {
      const message = `the Docker option ${name} ${quote(value ?? '')} in ${where} is not allowed`;
      complaints.error(line, message, 'remove it; a cube runs in a sandbox of the operator');
    } else if (allowed.effect === 'dropped') {
      complaints.warning(line, `the Docker option ${name} in ${where} is ignored`, 'it may go: the sandbox sees to it');
    } else if (allowed.effect === 'gpu') {
      wantsGpu ||= value !== '' && value !== '0';
      complaints.warning(
        line,
        `the Docker option ${name} in ${where} is ignored`,
        'GPUs are asked for by --gpus or the policy',
      );
    } else if (allowed.effect === 'shm') {
      shmBytes = readShmSize(value ?? '', where, line, complaints) ?? shmBytes;
    } else {
      setVariable(environment, value ?? '', where, line, complaints);
    }
  }
  return { environment, ...(shmBytes === undefined ? {} : { shmBytes }), wantsGpu };
}

const SHM_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes of a Docker size such as `12g`, `512m` or `1048576`. */
function readShmSize(size: string, where: string, line: number, complaints: Complaints): number | null {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?(b|[kmg](?:i?b)?)?$/i.exec(size) ?? [];
  const bytes = Math.floor(Number(digits) * (SHM_UNITS[(unit ?? '').charAt(0).toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  complaints.error(
    line,
    `the --shm-size ${quote(size)} in ${where} is no size`,
    'write a number with b, k, m or g, such as 2g',
  );
  return null;
}

function setVariable(
  environment: Record<string, string>,
  assignment: string,
  where: string,
  line: number,
  complaints: Complaints,
): void {
  const at = assignment.indexOf('=');
  const name = at < 0 ? assignment : assignment.slice(0, at);
  const value = assignment.slice(at + 1);
  if (!VARIABLE_NAME.test(name) || value.includes('\0')) {
    complaints.error(line, `${quote(assignment)} in ${where} sets no environment variable`, 'write NAME=VALUE');
  } else if (RESERVED_NAMES.test(name)) {
    complaints.error(
      line,
      `the environment variable ${name} in ${where} is reserved`,
      'remove it, or use another name',
    );
  } else if (at < 0) {
    complaints.error(
      line,
      `the environment variable ${name} in ${where} has no value`,
      'write NAME=VALUE; none is taken from the host',
    );
  } else {
    environment[name] = value;
  }
}
