import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MedperfError } from '../contract';

/** The generations of MedPerf's server that a dev stack can have. */
export const STACK_DIALECTS = ['E23', 'E25', 'HEAD'] as const;
export type StackDialect = (typeof STACK_DIALECTS)[number];

const FILE = 'dialect';

/**
 * The dialect of the stack on a state folder: the tutorial's own unless another is asked for at the first start, and the same
 * for good, since its registry's database is of it.
 * @throws MedperfError `InvalidRequest` when another one is asked for later.
 */
export async function dialectOfStack(stateDirectory: string, asked: StackDialect | undefined): Promise<StackDialect> {
  const known = await knownDialect(stateDirectory);
  if (known !== null && asked !== undefined && known !== asked) {
    throw new MedperfError('InvalidRequest', {
      what: `The dev stack here speaks another dialect of MedPerf's server.`,
      expected: known,
      found: asked,
      next: 'Start one of that dialect in a place of its own: set TEMPORAL_MEDPERF_HOME to an empty folder.',
    });
  }
  const dialect = known ?? asked ?? 'E23';
  if (known === null) await writeFile(join(stateDirectory, FILE), `${dialect}\n`);
  return dialect;
}

async function knownDialect(stateDirectory: string): Promise<StackDialect | null> {
  const text = await readFile(join(stateDirectory, FILE), 'utf8').catch(() => '');
  return STACK_DIALECTS.find((dialect) => dialect === text.trim()) ?? null;
}
