import * as path from 'node:path';
import type { ContainerCreateOptions, HostConfig, MountSettings } from 'dockerode';
import { MedperfError } from '../contract';
import type { ActionOutput } from '../contract';
import { LABELS, containerName, ownerHash, volumePrefix } from './container-name';
import type { RunRequest } from './engine';
import type { Gpu } from './gpu-inventory';

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}

/** What the host adds to a request. Folders are in the order that `inputMounts` and `outputMounts` give. */
export interface ContainerPlace {
  readonly host: string;
  readonly hostCpus: number;
  readonly user: ContainerUser;
  readonly inputFolders: readonly string[];
  readonly outputFolders: readonly string[];
  /** Folders that the image declares as volumes. */
  readonly imageVolumes: readonly string[];
  /** The devices that this run has leased. */
  readonly gpus: readonly Gpu[];
  readonly runtime?: string;
}

/**
 * Docker's own log writes a line of one character as some 80 bytes, and rotation loses lines: the recorder ends the run
 * long before this, however short its limit is.
 */
const LOG_BACKSTOP_FACTOR = 100;
const LOG_BACKSTOP_LEAST = 256 * 1024 ** 2;
const OPEN_FILES = 16_384;
const RESERVED_TARGETS = ['/proc', '/sys', '/dev'];

/** Mount targets of all inputs, in the order of their scratch folders and files. */
export function inputMounts({ action: { inputs, inputFiles = {} } }: Pick<RunRequest, 'action'>): string[] {
  return [...Object.keys(inputs), ...Object.keys(inputFiles)].sort();
}

/** Names of the outputs, in the order of their scratch folders. */
export function outputNames(request: Pick<RunRequest, 'action'>): string[] {
  return Object.keys(request.action.outputs).sort();
}

/** Throws `InvalidRequest` for what no container can be made of, before anything is prepared. */
export function checkMounts(request: Pick<RunRequest, 'action'>): void {
  const targets = [...inputMounts(request), ...Object.values(request.action.outputs).map(({ mount }) => mount)];
  for (const target of targets) {
    const parts = target.split('/').slice(1);
    const plain = target.startsWith('/') && parts.every((part) => part !== '' && part !== '.' && part !== '..');
    const reserved = RESERVED_TARGETS.some((place) => target === place || target.startsWith(`${place}/`));
    if (!plain || reserved) throw badMount(target, 'an absolute path below none of /proc, /sys and /dev');
    if (targets.indexOf(target) !== targets.lastIndexOf(target)) throw badMount(target, 'every mount target once');
  }
  for (const [name, { file }] of Object.entries(request.action.outputs)) {
    if (file !== undefined && (file === '' || file === '.' || file === '..' || file.includes('/'))) {
      throw badMount(file, `the plain name of a file for output "${name}"`);
    }
  }
}

/**
 * The sandbox: no network, read-only root and inputs, no capability or new privilege, a user without rights,
 * and a bound on memory, processors, processes, temporary space, shared memory, file size and log.
 */
export function containerOptions(request: RunRequest, place: ContainerPlace): ContainerCreateOptions {
  const { action, limits } = request;
  const { uid, gid } = place.user;
  return {
    name: containerName(request),
    Image: action.imageId,
    Hostname: 'medperf',
    User: `${uid}:${gid}`,
    ...(action.entrypoint === null ? {} : { Entrypoint: [...action.entrypoint] }),
    Cmd: [...action.command],
    Env: Object.entries({ HOME: '/tmp', ...action.environment, ...gpuEnvironment(place.gpus) }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    Labels: {
      ...request.labels,
      [LABELS.key]: request.key,
      [LABELS.owner]: ownerHash(request.owner),
      [LABELS.host]: place.host,
      ...(place.gpus.length === 0 ? {} : { [LABELS.gpus]: place.gpus.map(({ uuid }) => uuid).join(',') }),
    },
    Tty: false,
    OpenStdin: false,
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...(place.runtime === undefined ? {} : { Runtime: place.runtime }),
      ...deviceRequests(place.gpus),
      NetworkMode: 'none',
      IpcMode: 'private',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Init: true,
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(Math.min(limits.cpus, place.hostCpus) * 1e9),
      PidsLimit: limits.pids,
      ShmSize: limits.shmBytes,
      // The owner counts where the image has a /tmp of its own, whose mode then wins over this one.
      Tmpfs: { '/tmp': `rw,nosuid,nodev,mode=1777,uid=${uid},gid=${gid},size=${limits.tmpBytes}` },
      Ulimits: [
        { Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES },
        { Name: 'core', Soft: 0, Hard: 0 },
        { Name: 'fsize', Soft: limits.outputBytes, Hard: limits.outputBytes },
      ],
      LogConfig: {
        Type: 'json-file',
        Config: {
          'max-size': String(Math.max(LOG_BACKSTOP_LEAST, limits.logBytes * LOG_BACKSTOP_FACTOR)),
          'max-file': '1',
        },
      },
      Mounts: mounts(request, place),
    },
  };
}

function mounts(request: RunRequest, place: ContainerPlace): NonNullable<HostConfig['Mounts']> {
  const inputs = inputMounts(request);
  const outputs = outputNames(request).flatMap((name) => request.action.outputs[name] ?? []);
  const outputTargets = outputs.map(({ mount }) => mount);
  const outputPlaces = outputs.map((output, at) => outputPlace(output, place.outputFolders[at] ?? ''));
  const targets = [...inputs, ...outputTargets];
  return [
    ...place.imageVolumes
      .filter((target) => !targets.includes(target))
      .map((target, at) => volume(target, at, targets, request)),
    ...bind(inputs, place.inputFolders, true),
    ...bind(outputTargets, outputPlaces, false),
  ];
}

/**
 * A volume of the image would be writable and without bound. Read-only it still shows what the image has there; one that
 * holds a mount of ours has to be writable while the container is made, so it is an empty bounded tmpfs.
 */
function volume(target: string, at: number, targets: readonly string[], request: RunRequest): MountSettings {
  const holdsMount = targets.some((other) => other.startsWith(`${target}/`));
  if (holdsMount) {
    const TmpfsOptions = { SizeBytes: request.limits.tmpBytes, Mode: 0o1777 };
    return { Type: 'tmpfs', Source: '', Target: target, TmpfsOptions };
  }
  // Docker refuses a read-only one without a name.
  const VolumeOptions = { NoCopy: false, Labels: { ...request.labels }, DriverConfig: { Name: 'local', Options: {} } };
  const Source = `${volumePrefix(containerName(request))}${at}`;
  return { Type: 'volume', Source, Target: target, ReadOnly: true, VolumeOptions };
}

/** Devices by their UUIDs; GPUs that the operator listed are leased without a device of Docker's. */
function deviceRequests(gpus: readonly Gpu[]): Pick<HostConfig, 'DeviceRequests'> {
  const DeviceIDs = gpus.filter(({ attach }) => attach).map(({ uuid }) => uuid);
  if (DeviceIDs.length === 0) return {};
  return { DeviceRequests: [{ Driver: '', DeviceIDs, Capabilities: [['gpu']], Options: {} }] };
}

/**
 * Images made for GPUs ask for all of them by this variable, and a daemon whose default runtime is NVIDIA's would give
 * them; Docker itself sets it for the devices that are asked for.
 */
function gpuEnvironment(gpus: readonly Gpu[]): Readonly<Record<string, string>> {
  return gpus.some(({ attach }) => attach) ? {} : { NVIDIA_VISIBLE_DEVICES: 'void' };
}

/** What is mounted of an output's scratch folder: itself, or the file in it that was touched. */
export function outputPlace(output: ActionOutput, folder: string): string {
  const file = output.touched === true ? outputFile(output) : undefined;
  return file === undefined ? folder : path.join(folder, file);
}

/** Name of the file in the scratch folder of an output that is one. */
export function outputFile({ mount, file, touched }: ActionOutput): string | undefined {
  return touched === true ? path.posix.basename(mount) : file;
}

function bind(targets: readonly string[], places: readonly string[], readOnly: boolean) {
  return targets.map((target, at) => ({
    Type: 'bind' as const,
    Source: places[at] ?? '',
    Target: target,
    ReadOnly: readOnly,
    BindOptions: { Propagation: 'rprivate' as const },
  }));
}

function badMount(found: string, expected: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'A mount of the container is not usable.',
    expected,
    found: JSON.stringify(found),
    next: "Correct the cube's manifest.",
  });
}
