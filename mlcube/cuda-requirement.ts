/**
 * Whether a driver can run an image made for a version of CUDA, as the NVIDIA container runtime judges by the image's
 * environment: `NVIDIA_REQUIRE_CUDA` such as `cuda>=12.4 brand=tesla,driver>=470,driver<471` (a space is "or", a comma
 * "and"), else the major version in `CUDA_VERSION`.
 */
export type CudaVerdict =
  | { readonly fits: true }
  /** `needs` in words for people, such as `CUDA 12.4 (driver 550.54 or newer)`. */
  | { readonly fits: false; readonly needs: string }
  /** The image says nothing, or something that only the GPU's own runtime can judge. */
  | { readonly fits: null };

/** Oldest Linux driver of each CUDA version, newest first, by NVIDIA's release notes. */
const OLDEST_DRIVERS: readonly (readonly [cuda: string, driver: string])[] = [
  ['13.0', '580.65'],
  ['12.9', '575.51'],
  ['12.8', '570.26'],
  ['12.6', '560.28'],
  ['12.5', '555.42'],
  ['12.4', '550.54'],
  ['12.3', '545.23'],
  ['12.2', '535.54'],
  ['12.1', '530.30'],
  ['12.0', '525.60'],
  ['11.8', '520.61'],
  ['11.7', '515.43'],
  ['11.6', '510.39'],
  ['11.5', '495.29'],
  ['11.4', '470.42'],
  ['11.3', '465.19'],
  ['11.2', '460.27'],
  ['11.1', '455.23'],
  ['11.0', '450.36'],
  ['10.2', '440.33'],
  ['10.1', '418.39'],
  ['10.0', '410.48'],
];
const TERM = /^(cuda|driver|arch|brand)(>=|<=|!=|=|>|<)([\w.]{1,40})$/;
const MAX_CHARACTERS = 4096;

type Judgement = 'yes' | 'no' | 'unknown';

export function judgeCuda(environment: Readonly<Record<string, string>>, driver: string): CudaVerdict {
  const required = environment['NVIDIA_REQUIRE_CUDA'] ?? '';
  if (environment['NVIDIA_DISABLE_REQUIRE'] !== undefined && environment['NVIDIA_DISABLE_REQUIRE'] !== 'false') {
    return { fits: null };
  }
  if (required.trim() !== '') return byRequirement(required, driver);
  const major = /^(\d{2})\.\d/.exec(environment['CUDA_VERSION'] ?? '')?.[1];
  if (major === undefined) return { fits: null };
  // Within a major version, a driver runs newer minor versions too.
  const oldest = OLDEST_DRIVERS.findLast(([cuda]) => cuda.startsWith(`${major}.`));
  if (oldest === undefined) return { fits: null };
  return compare(driver, oldest[1]) >= 0 ? { fits: true } : { fits: false, needs: inWords(oldest[0]) };
}

function byRequirement(required: string, driver: string): CudaVerdict {
  const choices = required.slice(0, MAX_CHARACTERS).trim().split(/\s+/);
  const judged = choices.map((choice) => together(choice.split(',').map((term) => judge(term, driver))));
  if (judged.includes('yes')) return { fits: true };
  if (judged.includes('unknown')) return { fits: null };
  const least = choices.flatMap((choice) => /(?:^|,)cuda>=?([\d.]+)/.exec(choice)?.[1] ?? [])[0];
  return { fits: false, needs: least === undefined ? choices.join(' or ').slice(0, 200) : inWords(least) };
}

function judge(text: string, driver: string): Judgement {
  const [, name, operator, wanted] = TERM.exec(text) ?? [];
  if (name === undefined || operator === undefined || wanted === undefined) return 'unknown';
  // Which GPU it will be is known on the host only.
  if (name === 'arch' || name === 'brand') return 'unknown';
  const has = name === 'driver' ? driver : newestCuda(driver);
  if (has === null) return 'unknown';
  return holds(compare(has, wanted), operator) ? 'yes' : 'no';
}

function together(judgements: readonly Judgement[]): Judgement {
  if (judgements.includes('no')) return 'no';
  return judgements.includes('unknown') ? 'unknown' : 'yes';
}

/** What `nvidia-smi` shows as the driver's CUDA version; null for drivers older than the table. */
function newestCuda(driver: string): string | null {
  return OLDEST_DRIVERS.find(([, oldest]) => compare(driver, oldest) >= 0)?.[0] ?? null;
}

function inWords(cuda: string): string {
  const driver = OLDEST_DRIVERS.findLast(([version]) => compare(version, cuda) >= 0)?.[1];
  return `CUDA ${cuda}${driver === undefined ? '' : ` (driver ${driver} or newer)`}`;
}

function holds(order: number, operator: string): boolean {
  if (operator === '=') return order === 0;
  if (operator === '!=') return order !== 0;
  return order === 0 ? operator.endsWith('=') : operator.startsWith('>') === order > 0;
}

/** By number, part for part; a missing part counts as 0. */
function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (let at = 0; at < Math.max(left?.length ?? 0, right?.length ?? 0); at += 1) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
