import { z } from 'zod';
import { MedperfError } from '../contract';
import type { ClaimedHost, ClaimHostInput, Heartbeat, ObtainedImage, ObtainImageInput } from '../contract';
import type { Engine } from '../engine/engine';
import type { Downloads } from '../store/downloads';
import type { Store } from '../store/store';
import { rememberImageId } from './known-cubes';
import { repairContents } from './repair-contents';

/** A host that has not said that it is there for this long is not sent to. */
const SEEN_WITHIN_MS = 3 * 60 * 1000;
const RECORDS = 'host/';

const hostRecord = z.object({
  host: z.string().min(1),
  gpus: z.int().nonnegative(),
  cpus: z.int().positive(),
  /** In Go's words, such as `amd64`; what older workers wrote lacks it and the drivers. */
  architecture: z.string().optional(),
  /** Of its GPUs, where the host tells. */
  gpuDrivers: z.array(z.string()).optional(),
  seenAt: z.iso.datetime(),
});

/** What a container worker says of its host in the store, where the other hosts' workers read it. */
export type HostRecord = z.infer<typeof hostRecord>;

export interface HostClaims {
  readonly engine: Pick<Engine, 'ping' | 'hostName' | 'gpuCount'>;
  readonly store: Pick<Store, 'listRecords' | 'readRecord'>;
  /** How long a claimed host may take no step before another one is claimed. */
  readonly givenUpAfterMs: number;
}

/** Name in the store of the record of a host. */
export function hostRecordName(host: string): string {
  return `${RECORDS}${host}`;
}

/**
 * Gives the asking workflow a host that has what the model needs: this one, whose Docker answers, else another one that
 * was seen lately; of several any, so that they share the work. A host that the workflow gave up comes last, and only if
 * it is this one.
 */
export async function claimHost(claims: HostClaims, input: ClaimHostInput, signal: AbortSignal): Promise<ClaimedHost> {
  const { engine, store, givenUpAfterMs } = claims;
  await engine.ping(signal);
  const here = { host: await engine.hostName(), gpus: engine.gpuCount() };
  const enough = ({ gpus }: { gpus: number }): boolean => gpus >= input.gpus;
  const wanted = ({ host }: { host: string }): boolean => !input.avoid.includes(host);
  if (enough(here) && wanted(here)) return { host: here.host, givenUpAfterMs };

  const others = (await readHosts(store)).filter(({ host }) => host !== here.host);
  const seen = others.filter(wasSeenLately);
  const other = anyOf(seen.filter(enough).filter(wanted));
  if (other !== undefined) return { host: other.host, givenUpAfterMs };
  if (enough(here)) return { host: here.host, givenUpAfterMs };
  const lost = others.filter(enough).filter((host) => !wanted(host));
  throw lost.length > 0 ? allGivenUp(input.gpus, lost) : nowhere(input.gpus, [here, ...seen]);
}

/** Hosts that said lately that they are there. */
export async function readSeenHosts(store: HostClaims['store']): Promise<HostRecord[]> {
  return (await readHosts(store)).filter(wasSeenLately);
}

function wasSeenLately({ seenAt }: HostRecord): boolean {
  return Date.now() - Date.parse(seenAt) <= SEEN_WITHIN_MS;
}

async function readHosts(store: HostClaims['store']): Promise<HostRecord[]> {
  const names = await store.listRecords(RECORDS);
  const records = await Promise.all(names.map((name) => store.readRecord(name)));
  // What another version wrote, and this one cannot read, is no host to send to.
  return records.flatMap((record) => hostRecord.safeParse(record).data ?? []);
}

function anyOf<T>(choices: readonly T[]): T | undefined {
  return choices[Math.floor(Math.random() * choices.length)];
}

function nowhere(gpus: number, hosts: readonly { host: string; gpus: number }[]): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: `The run asks for ${gpus} GPU(s), and no host that is there has as many.`,
    expected: `a host with ${gpus} GPU(s)`,
    found: hosts.map((host) => `${host.host} with ${host.gpus}`).join(', '),
    next: 'ask for fewer with --gpus, leave it out to run on the CPU, or start a worker on a host with that many GPUs.',
  });
}

function allGivenUp(gpus: number, hosts: readonly HostRecord[]): MedperfError {
  return new MedperfError('HostLost', {
    what: `Every host with ${gpus} GPU(s) was given up by this run, because it took no step for too long.`,
    found: hosts.map(({ host, seenAt }) => `${host}, last seen at ${seenAt}`).join('; '),
    next: 'start the worker of one of these hosts, or of another one with that many GPUs; the run then goes on by itself.',
  });
}

/** Makes a cube's image present on this host and checks that it is the promised one. */
export async function obtainImage(
  { engine, store, downloads, attempt }: { engine: Engine; store: Store; downloads: Downloads; attempt: number },
  { cube, offline }: ObtainImageInput,
  signal: AbortSignal,
  tell: (details: Heartbeat) => void,
): Promise<ObtainedImage> {
  const { archive } = cube.image;
  // What an earlier attempt found missing or damaged.
  if (attempt > 1 && archive !== undefined)
    await repairContents({ store, downloads, signal, tell }, { blobs: [archive.digest] });
  const imageId = await engine.obtainImage({ ...cube.image, offline, signal, onProgress: tell });
  await rememberImageId(store, cube.image, imageId);
  return { imageId };
}
