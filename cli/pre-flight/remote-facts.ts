import { MedperfError, parseImageReference } from '../../contract';
import { ImageRegistryFailure } from '../../hosting/image-registry-failures';
import type { ImageRegistries } from '../../hosting/oci-registry';
import type { ImageLookup, PreFlightBenchmark, UrlFacts } from '../../mlcube/pre-flight-facts';
import type { CubeContent, MedperfRegistry } from '../../registry';
import { requestFile, shownUrl } from '../../store/file-request';

/** The image by its registry's manifest and configuration; nothing is pulled. */
export async function findInRegistry(
  registries: ImageRegistries,
  name: string,
  architecture: string,
  signal: AbortSignal,
): Promise<ImageLookup> {
  const reference = parseImageReference(name);
  if (reference === null) return { found: 'nothing', why: 'that is not the name of an image' };
  try {
    const { transferBytes, manifestDigest, ...image } = await registries.describe(reference, architecture, signal);
    const pinned = `${name.split('@')[0]?.replace(/:[^/:]*$/, '') ?? name}@${manifestDigest}`;
    return { found: 'image', image: { ...image, bytes: transferBytes }, pinned };
  } catch (error) {
    if (!(error instanceof ImageRegistryFailure)) throw error;
    const why = error.facts.found ?? error.facts.what;
    if (error.problem === 'not-found') return { found: 'nothing', why: `its registry has ${why}` };
    return { found: 'no-answer', why: `${error.facts.what} ${why}`, next: error.facts.next };
  }
}

type NamedUrl = Pick<UrlFacts, 'what' | 'owner' | 'url'>;

/** The benchmark, and every file of it and its cubes that a run has to fetch. */
export async function readBenchmark(
  registry: MedperfRegistry,
  uid: number,
  signal: AbortSignal,
): Promise<{ readonly benchmark: PreFlightBenchmark; readonly files: readonly NamedUrl[] }> {
  const record = await registry.benchmark(uid, signal);
  const roles = [
    ['data preparator', await registry.cube(record.dataPreparator, signal)],
    ['reference model', (await registry.model(record.referenceModel, signal)).cube],
    ['evaluator', await registry.cube(record.evaluator, signal)],
  ] as const;
  const cubes = roles.map(([role, cube]) =>
    cube === null
      ? []
      : urlsOf(cube.content).map((url) => ({
          what: `a file of the ${role} of benchmark ${uid}, cube ${cube.uid},`,
          owner: 'benchmark' as const,
          url,
        })),
  );
  const demo = {
    what: `the demo dataset of benchmark ${uid}`,
    owner: 'benchmark' as const,
    url: record.demoDatasetUrl,
  };
  return {
    benchmark: {
      uid,
      name: record.name,
      isValid: record.isValid,
      isActive: record.isActive,
      approved: record.approvalStatus === 'APPROVED',
      operational: record.state === 'OPERATION',
    },
    files: [demo, ...cubes.flat()],
  };
}

function urlsOf(content: CubeContent): readonly string[] {
  if (content.format === 'mlcube') return Object.values(content.urls) as string[];
  return content.additionalFiles === null ? [] : [content.additionalFiles.url];
}

/** Asks for a file and reads nothing of it. */
export async function askForUrl(
  { what, owner, url }: NamedUrl,
  signal: AbortSignal,
): Promise<UrlFacts & { readonly size: number | null }> {
  const common = { what, owner };
  try {
    const answer = await requestFile(url, { signal });
    answer.close();
    return { ...common, url: answer.shownUrl, answer: { ok: true }, size: answer.size };
  } catch (error) {
    const failure = error instanceof MedperfError ? error : null;
    const found = signal.aborted ? 'no answer in time' : (failure?.facts.found ?? 'no answer');
    const definite = failure?.type === 'InvalidRequest';
    return { ...common, url: shownOf(url), answer: { ok: false, definite, found }, size: null };
  }
}

/** An address as it may be shown. */
export function shownOf(url: string): string {
  try {
    return shownUrl(url);
  } catch {
    return 'an address that is none';
  }
}

/** The cube that has the name, one's own before others'. */
export async function findByName(
  registry: MedperfRegistry,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly uid: number; readonly mine: boolean } | null> {
  for (const mine of [true, false]) {
    for await (const cube of registry.cubes({ mine, name }, signal)) return { uid: cube.uid, mine };
  }
  return null;
}
