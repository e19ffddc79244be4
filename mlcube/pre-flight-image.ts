import { judgeCuda } from './cuda-requirement';
import { imagePlace } from './pre-flight-cube';
import type { PreFlightCube } from './pre-flight-cube';
import type { HostFacts, ImageFacts, ImageLookups } from './pre-flight-facts';
import type { PreFlightFinding } from './pre-flight-findings';
import type { ProgramOfImage } from './written-cube';

const GIB = 1024 ** 3;
/** Beyond it, every host that runs the cube waits long for it. */
const LARGE_BYTES = 10 * GIB;
const ROOT = /^(?:root|0+)?(?::|$)/;

export interface ImageQuestion {
  readonly cube: Pick<PreFlightCube, 'file' | 'image' | 'ofImage'>;
  /** Hosts that could run the cube; none when none is known. */
  readonly hosts: readonly HostFacts[];
  /** GPUs that the model is to get. */
  readonly gpus: number;
}

type Add = (
  severity: PreFlightFinding['severity'],
  code: PreFlightFinding['code'],
  message: string,
  fix: string,
) => void;

/** The image that was found: what others can pull counts before what only this machine has. */
export function foundImage({ registry, daemon }: ImageLookups): ImageFacts | null {
  if (registry.found === 'image') return registry.image;
  return daemon.found === 'image' ? daemon.image : null;
}

export function judgeImage({ cube, hosts, gpus }: ImageQuestion, lookups: ImageLookups): PreFlightFinding[] {
  const { findings, add } = gather(cube);
  if (cube.image === null) return [];
  const reference = cube.image.name;
  judgePlaces(reference, lookups, add);
  judgeGpuCount(hosts, gpus, add);
  const image = foundImage(lookups);
  if (image === null) return findings;
  judgePlatform(reference, image, hosts, add);
  if (ROOT.test(image.user)) {
    const fix = 'set USER in the Dockerfile, and see that the program needs to write to its outputs and /tmp only';
    add('warning', 'image-user', `${reference} runs as root by itself; here it runs as a user without rights`, fix);
  }
  judgePrograms(reference, image, cube, add);
  judgeSize(reference, image.bytes, add);
  judgeDrivers(reference, image, hosts, gpus, add);
  return findings;
}

/** No registry can be asked about an archive, and what is in it only the whole archive tells. */
export function judgeArchive({ cube, hosts, gpus }: ImageQuestion, bytes: number | null): PreFlightFinding[] {
  const { findings, add } = gather(cube);
  const message =
    'the architecture, user, entry point and CUDA of the image in the archive are not known before it is fetched';
  add('unknown', 'image-unknown', message, 'run the compatibility test, which loads it (temporal-medperf test run)');
  judgeGpuCount(hosts, gpus, add);
  judgeSize("the image's archive", bytes ?? 0, add);
  return findings;
}

function gather(cube: ImageQuestion['cube']): { readonly findings: PreFlightFinding[]; readonly add: Add } {
  const findings: PreFlightFinding[] = [];
  const where = imagePlace(cube);
  return {
    findings,
    add: (severity, code, message, fix) => findings.push({ severity, code, owner: ownerOf(code), message, where, fix }),
  };
}

function judgeSize(what: string, bytes: number, add: Add): void {
  if (bytes <= LARGE_BYTES) return;
  const message = `${what} has ${gib(bytes)}, which every host has to fetch`;
  add('warning', 'image-size', message, 'leave out what inference does not need, such as compilers and caches');
}

function judgePlaces(reference: string, { registry, daemon }: ImageLookups, add: Add): void {
  if (registry.found === 'image') return;
  const local = daemon.found === 'image';
  if (registry.found === 'no-answer') {
    add('unknown', 'image-unknown', `whether ${reference} can be pulled is not known: ${registry.why}`, registry.next);
  } else if (local) {
    const message = `${reference} is in this machine's Docker only: ${registry.why}`;
    add('warning', 'image-local', message, 'push it where data owners can pull it, under this name, before you submit');
  } else {
    const beside = daemon.found === 'nothing' ? 'and this machine’s Docker has none' : daemon.why;
    const message = `${reference} cannot be pulled: ${registry.why}, ${beside}`;
    add('error', 'image-missing', message, 'push the image, or correct its name');
  }
}

function judgePlatform(
  reference: string,
  { os, architecture }: ImageFacts,
  hosts: readonly HostFacts[],
  add: Add,
): void {
  const rebuild = 'build it for the hosts, such as docker build --platform linux/amd64';
  if (os !== 'linux') {
    add('error', 'image-architecture', `${reference} is made for ${os}, not for linux`, rebuild);
    return;
  }
  const known = hosts.filter((host) => host.architecture !== undefined);
  const others = known.filter((host) => host.architecture !== architecture);
  if (others.length === 0) return;
  const names = others.map((host) => `${host.name} (${host.architecture ?? ''})`).join(', ');
  const severity = others.length === known.length ? 'error' : 'warning';
  add(
    severity,
    'image-architecture',
    `${reference} is made for ${architecture}, which is not that of ${names}`,
    rebuild,
  );
}

/** Docker starts the image's entry point with what the task gives; without one, that is the program. */
function judgePrograms(
  reference: string,
  { entrypoint, command }: ImageFacts,
  { ofImage }: ImageQuestion['cube'],
  add: Add,
): void {
  if (entrypoint.length > 0) return;
  const leaving = (what: ProgramOfImage): string =>
    [...ofImage].flatMap(([task, left]) => (left === what ? [task] : [])).join(', ');
  const named = leaving('entry point');
  if (named !== '') {
    const message = `${reference} has no entry point, so ${named} would be looked for as a program in it`;
    add('warning', 'image-entrypoint', message, 'set ENTRYPOINT in the Dockerfile, or entrypoint in the tasks');
  }
  const started = leaving('whole command');
  if (started !== '' && command.length === 0) {
    const message = `${reference} has neither an entry point nor a command, and ${started} names no program`;
    add(
      'error',
      'image-entrypoint',
      message,
      'write run_args.command in the tasks, or set ENTRYPOINT in the Dockerfile',
    );
  }
}

function judgeGpuCount(hosts: readonly HostFacts[], gpus: number, add: Add): void {
  if (gpus === 0 || hosts.length === 0 || hosts.some((host) => host.gpus >= gpus)) return;
  const most = Math.max(...hosts.map((host) => host.gpus));
  const message = `no host that is known has ${gpus} GPU(s); the most that one has is ${most}`;
  add('warning', 'gpus', message, 'ask for fewer, or start a worker on a host with that many');
}

function judgeDrivers(
  reference: string,
  { environment }: ImageFacts,
  hosts: readonly HostFacts[],
  gpus: number,
  add: Add,
): void {
  const judged = hosts.flatMap(({ name, gpuDrivers }) =>
    [...new Set(gpuDrivers)].map((driver) => ({ name, driver, verdict: judgeCuda(environment, driver) })),
  );
  const unfit = judged.filter(({ verdict }) => verdict.fits === false);
  const [first] = unfit;
  if (first?.verdict.fits !== false) return;
  const names = unfit.map(({ name, driver }) => `${name} (driver ${driver})`).join(', ');
  const severity = gpus > 0 && unfit.length === judged.length ? 'error' : 'warning';
  const message = `${reference} needs ${first.verdict.needs} for its GPU work, more than ${names} offers`;
  add(severity, 'image-cuda', message, 'build it on an older CUDA, or have the operator update the driver');
}

function ownerOf(code: PreFlightFinding['code']): PreFlightFinding['owner'] {
  if (code === 'gpus') return 'operator';
  return code === 'image-unknown' ? 'you' : 'model';
}

function gib(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
