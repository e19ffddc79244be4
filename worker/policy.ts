import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { MedperfError } from '../contract';
import type { RunLimits } from '../engine/engine';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const DAY_MS = 24 * 60 * 60 * 1000;
const bytes = z.int().positive();

const LimitsSchema = z.strictObject({
  memoryBytes: bytes.default(8 * GIB),
  cpus: z.number().positive().default(4),
  pids: z.int().positive().default(512),
  wallClockMs: z.int().positive().default(DAY_MS),
  outputBytes: bytes.default(64 * GIB),
  outputFiles: z.int().positive().default(1_000_000),
  logBytes: bytes.default(64 * MIB),
  tmpBytes: bytes.default(GIB),
  shmBytes: bytes.default(GIB),
});

const PolicySchema = z.strictObject({
  limits: LimitsSchema.prefault({}),
  /** GPUs that every model's infer task gets, whatever the run asks for. */
  inferGpus: z.int().nonnegative().default(0),
});

/** What the operator of a container host allows; read once, when the worker starts. */
export interface Policy {
  readonly limits: RunLimits;
  readonly inferGpus: number;
}

export const DEFAULT_POLICY: Policy = PolicySchema.parse({});

/** Reads the operator's policy (JSON). Unknown keys are errors, so that a misspelt limit is not silently absent. */
export async function readPolicy(file: string): Promise<Policy> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new MedperfError(
      'InvalidRequest',
      { what: `The policy file ${file} cannot be read as JSON.`, next: 'mend the file or leave --policy out.' },
      { cause },
    );
  }
  const policy = PolicySchema.safeParse(content);
  if (policy.success) return policy.data;
  throw new MedperfError('InvalidRequest', {
    what: `The policy file ${file} is not valid.`,
    found: z.prettifyError(policy.error),
    next: 'mend the file; docs/architecture.md lists the keys.',
  });
}
