import Docker from 'dockerode';
import { readSeenHosts } from '../../activities/host-steps';
import { MedperfError } from '../../contract';
import type { CubeType } from '../../contract';
import { findCredentials } from '../../engine/registry-credentials';
import { ImageRegistries } from '../../hosting/oci-registry';
import { judgeBenchmark, judgeCube, judgeName } from '../../mlcube/pre-flight-cube';
import type { PreFlightCube } from '../../mlcube/pre-flight-cube';
import type { HostFacts, ImageLookups, UrlFacts } from '../../mlcube/pre-flight-facts';
import { sortFindings } from '../../mlcube/pre-flight-findings';
import type { PreFlightCode, PreFlightFinding, PreFlightOwner } from '../../mlcube/pre-flight-findings';
import { foundImage, judgeArchive, judgeImage } from '../../mlcube/pre-flight-image';
import type { ImageQuestion } from '../../mlcube/pre-flight-image';
import { couldNotCheck, judgeHosts, judgeSpace, judgeUrls } from '../../mlcube/pre-flight-places';
import type { MedperfRegistry } from '../../registry';
import { readHostSpace } from '../../store/host-space';
import { wantedFormat } from '../cube-arguments';
import { openStore } from '../open-store';
import { knownProfile, withRegistry } from '../session';
import type { Cli } from '../session';
import { openTemporal } from '../temporal';
import { findInDaemon, readCubeFolder, readLocalDocker } from './local-facts';
import type { LocalDocker } from './local-facts';
import { askForUrl, findByName, findInRegistry, readBenchmark, shownOf } from './remote-facts';

export interface PreFlightQuestion {
  readonly directory: string;
  readonly type?: CubeType;
  readonly benchmark?: number;
  /** To be registered under. */
  readonly name?: string;
  readonly gpus?: number;
  /** For each check. */
  readonly timeoutMs: number;
}

export interface PreFlightReport {
  readonly findings: readonly PreFlightFinding[];
  readonly type: CubeType | null;
  readonly image: string | null;
  /** The image's name by the digest that its registry has now. */
  readonly pinned: string | null;
  readonly imageBytes: number | null;
}

/** What was found out of the cube's image. */
interface CheckedImage {
  readonly report: Pick<PreFlightReport, 'image' | 'pinned' | 'imageBytes'>;
  /** What comes to Docker's images, in bytes. */
  readonly pulled: number;
  /** What comes to the store, in bytes. */
  readonly archived: number;
}

const NO_IMAGE: CheckedImage = { report: { image: null, pinned: null, imageBytes: null }, pulled: 0, archived: 0 };
/** Room for what a pull keeps beside an image's packed layers, and an archive beside its files. */
const UNPACKED_FACTOR = 3;
const THIS_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

/** Answers in seconds what would go wrong later: pulls nothing, starts nothing, and needs no worker. */
export async function preFlight(cli: Cli, question: PreFlightQuestion): Promise<PreFlightReport> {
  return new PreFlight(cli, question).report();
}

/** The checks of one question, side by side; one that does not answer is a finding. */
class PreFlight {
  private readonly findings: PreFlightFinding[] = [];
  private readonly docker = new Docker();

  constructor(
    private readonly cli: Cli,
    private readonly question: PreFlightQuestion,
  ) {}

  async report(): Promise<PreFlightReport> {
    const { directory, gpus = 0 } = this.question;
    const wanted = wantedFormat(await knownProfile(this.cli));
    const { cube: written, bytes } = await readCubeFolder(directory, wanted, this.question.type);
    const cube = judgeCube(written);
    this.findings.push(...cube.findings);

    const local = this.within(() => readLocalDocker(this.docker)).catch(() => null);
    const hosts = this.hosts(local);
    const [image, demoBytes] = await Promise.all([
      this.ofImage({ cube, gpus }, local, hosts),
      this.ofBenchmark(cube),
      this.ofName(),
      this.ofTemporal(),
      hosts,
    ]);
    await this.ofSpace(bytes + demoBytes, image, await local);
    return { findings: sortFindings(this.findings), type: cube.type, ...image.report };
  }

  private async ofImage(
    question: Omit<ImageQuestion, 'hosts'>,
    local: Promise<LocalDocker | null>,
    hosts: Promise<readonly HostFacts[]>,
  ): Promise<CheckedImage> {
    const { image } = question.cube;
    if (image === null) return NO_IMAGE;
    if (image.kind === 'archive') return this.ofArchive(image.name, { ...question, hosts: await hosts });
    const lookups = await this.lookups(image.name, local, hosts);
    this.findings.push(...judgeImage({ ...question, hosts: await hosts }, lookups));
    const { registry, daemon } = lookups;
    const pullable = registry.found === 'image' ? registry : null;
    const imageBytes = foundImage(lookups)?.bytes ?? null;
    return {
      report: { image: image.name, pinned: pullable?.pinned ?? null, imageBytes },
      pulled: daemon.found === 'image' ? 0 : (pullable?.image.bytes ?? 0),
      archived: 0,
    };
  }

  private async ofArchive(url: string, question: ImageQuestion): Promise<CheckedImage> {
    const file = { what: "the image's archive", owner: 'model', url } as const;
    const { size, ...facts } = await askForUrl(file, AbortSignal.timeout(this.question.timeoutMs));
    this.findings.push(...judgeUrls([facts]), ...(facts.answer.ok ? judgeArchive(question, size) : []));
    const bytes = size ?? 0;
    return { report: { image: shownOf(url), pinned: null, imageBytes: size }, pulled: bytes, archived: bytes };
  }

  private async hosts(local: Promise<LocalDocker | null>): Promise<HostFacts[]> {
    const { store, close } = openStore(this.cli.places);
    const records = await this.check('hosts', 'operator', 'which hosts there are', () => readSeenHosts(store)).finally(
      close,
    );
    const seen = (records ?? []).map(({ host, gpus, architecture, gpuDrivers = [] }) => ({
      name: host,
      gpus,
      gpuDrivers,
      ...(architecture === undefined ? {} : { architecture }),
    }));
    const here = (await local)?.host;
    const all = here === undefined ? seen : [here, ...seen];
    this.findings.push(...judgeHosts(all));
    return all;
  }

  private async lookups(
    image: string,
    local: Promise<LocalDocker | null>,
    hosts: Promise<readonly HostFacts[]>,
  ): Promise<ImageLookups> {
    const noAnswer = (why: string) => ({ found: 'no-answer', why, next: 'try again later' }) as const;
    const daemon = this.within(() => findInDaemon(this.docker, image)).catch(() => noAnswer('Docker does not answer'));
    const known = (await hosts).find((host) => host.architecture !== undefined)?.architecture;
    const registries = new ImageRegistries({
      credentials: findCredentials,
      plainHttpHosts: (await local)?.plainHttpHosts ?? [],
      limits: { answerMs: this.question.timeoutMs },
    });
    try {
      const registry = await this.within((signal) =>
        findInRegistry(registries, image, known ?? THIS_ARCHITECTURE, signal),
      ).catch((error: unknown) => noAnswer(`its registry does not answer (${reasonOf(error)})`));
      return { registry, daemon: await daemon };
    } finally {
      await registries.close();
    }
  }

  /** @returns bytes of the demo dataset, as far as they are known. */
  private async ofBenchmark(cube: PreFlightCube): Promise<number> {
    const { benchmark: uid } = this.question;
    if (uid === undefined) return 0;
    const read = await this.ofRegistry('benchmark', `benchmark ${uid}`, (registry, signal) =>
      readBenchmark(registry, uid, signal),
    );
    if (read === null) return 0;
    this.findings.push(...judgeBenchmark(read.benchmark, cube));
    const urls: (UrlFacts & { size: number | null })[] = await Promise.all(
      read.files.map((file) => askForUrl(file, AbortSignal.timeout(this.question.timeoutMs))),
    );
    this.findings.push(...judgeUrls(urls));
    return urls[0]?.size ?? 0;
  }

  private async ofName(): Promise<void> {
    const { name } = this.question;
    if (name === undefined) return;
    const taken = await this.ofRegistry('name', `whether the name ${name} is taken`, async (registry, signal) => ({
      maxLength: registry.nameLength,
      takenBy: await findByName(registry, name, signal),
    }));
    if (taken !== null) this.findings.push(...judgeName({ name, ...taken }));
  }

  private async ofTemporal(): Promise<void> {
    await this.check('temporal', 'operator', 'whether runs can be started', async () => {
      const temporal = await openTemporal(this.cli.places);
      await temporal.connection.close();
    });
  }

  private async ofSpace(
    filesBytes: number,
    { pulled, archived }: CheckedImage,
    local: LocalDocker | null,
  ): Promise<void> {
    const { store } = this.cli.places;
    const needs = [
      { place: 'the store', folder: store, neededBytes: filesBytes * UNPACKED_FACTOR + archived },
      ...(local === null || pulled === 0
        ? []
        : [{ place: 'Docker’s images', folder: local.rootDirectory, neededBytes: pulled * UNPACKED_FACTOR }]),
    ];
    for (const { folder, ...need } of needs) {
      const free = await this.check('disk-space', 'operator', `the disk of ${need.place}`, () => readHostSpace(folder));
      if (free !== null) this.findings.push(...judgeSpace([{ ...need, freeBytes: free.freeBytes }]));
    }
  }

  private ofRegistry<T>(
    code: PreFlightCode,
    what: string,
    work: (registry: MedperfRegistry, signal: AbortSignal) => Promise<T>,
  ): Promise<T | null> {
    return this.check(code, 'you', what, (signal) => withRegistry(this.cli, (registry) => work(registry, signal)));
  }

  /** Null, with a finding that says why, when the check fails or takes too long. */
  private async check<T>(
    code: PreFlightCode,
    owner: PreFlightOwner,
    what: string,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | null> {
    try {
      return await this.within(work);
    } catch (error) {
      const next = error instanceof MedperfError ? error.facts.next : 'try again, or go on without this check';
      this.findings.push(couldNotCheck(code, owner, what, reasonOf(error), next));
      return null;
    }
  }

  /** Ends in time also where the work does not heed its signal. */
  private async within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timeoutMs } = this.question;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    try {
      return await Promise.race([
        work(late.signal),
        new Promise<never>((_, reject) => {
          late.signal.addEventListener('abort', () => reject(late.signal.reason as Error), { once: true });
        }),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof MedperfError) return error.facts.found ?? error.facts.what;
  return error instanceof Error ? error.message : String(error);
}
