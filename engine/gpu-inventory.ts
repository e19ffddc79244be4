import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { plainLine } from './log-tail';

/** One GPU of this host. */
export interface Gpu {
  readonly uuid: string;
  readonly index: number;
  readonly name: string;
  readonly memoryBytes: number;
  readonly driver: string;
  /** Such as `9.0`; empty where the driver does not tell. */
  readonly computeCapability: string;
  /** Found by `nvidia-smi`, so that Docker gives it to a container; one that an operator listed is only counted. */
  readonly attach: boolean;
}

const listedGpu = z.strictObject({
  uuid: z.string().regex(/^[\w.-]{1,64}$/),
  name: z.string().default('listed'),
  memoryBytes: z.int().nonnegative().default(0),
  driver: z.string().default(''),
  computeCapability: z.string().default(''),
});

/** Where a host's GPUs are known from: `nvidia-smi`, the operator's list, or there are none. */
export const GpuSourceSchema = z.union([
  z.enum(['detect', 'none']),
  z.array(listedGpu).refine((gpus) => new Set(gpus.map(({ uuid }) => uuid)).size === gpus.length, {
    error: 'every uuid once',
  }),
]);
export type GpuSource = z.output<typeof GpuSourceSchema>;

const MIB = 1024 ** 2;
const TIMEOUT_MS = 30_000;
const NO_DEVICES = /no devices were found/i;

export async function readGpus(source: GpuSource): Promise<Gpu[]> {
  if (source === 'none') return [];
  if (source === 'detect') return detect();
  return source.map((gpu, index) => ({ ...gpu, index, attach: false }));
}

/**
 * None where the program is absent or finds none; drivers before 470 do not know the compute capability.
 * @throws MedperfError `EngineUnavailable` where the program fails: work must not pass a host of GPUs by as if it had none.
 */
async function detect(): Promise<Gpu[]> {
  const told = await query('compute_cap');
  const known = 'failure' in told ? await query(null) : told;
  if ('failure' in known) throw noAnswer(known.failure);
  return known.gpus;
}

async function query(capability: 'compute_cap' | null): Promise<{ gpus: Gpu[] } | { failure: string }> {
  // The name comes last: it may hold commas.
  const fields = [
    'index',
    'uuid',
    'memory.total',
    'driver_version',
    ...(capability === null ? [] : [capability]),
    'name',
  ];
  const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  try {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    const { stdout } = await promisify(execFile)('nvidia-smi', args, { timeout: TIMEOUT_MS, env });
    return { gpus: stdout.split('\n').flatMap((line) => readLine(line, capability !== null)) };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (code === 'ENOENT' || NO_DEVICES.test(stdout)) return { gpus: [] };
    return { failure: plainLine(`${stdout} ${stderr}`.replaceAll(/\s+/g, ' ')) || 'no answer' };
  }
}

function noAnswer(found: string): MedperfError {
  return new MedperfError('EngineUnavailable', {
    what: 'nvidia-smi fails on this host, so that its GPUs are not known.',
    found,
    next: 'Mend the NVIDIA driver; or, where there is no GPU, say "gpus: none" in the policy file (worker start --policy FILE).',
  });
}

function readLine(line: string, hasCapability: boolean): Gpu[] {
  const [index = '', uuid = '', memory = '', driver = '', ...rest] = line.split(',').map((field) => field.trim());
  if (!/^GPU-[\w-]+$/.test(uuid)) return [];
  const computeCapability = hasCapability ? (rest.shift() ?? '') : '';
  const memoryBytes = (Number(memory) || 0) * MIB;
  return [
    { uuid, index: Number(index) || 0, name: rest.join(', '), memoryBytes, driver, computeCapability, attach: true },
  ];
}
