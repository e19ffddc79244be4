import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { MedperfError, stepsToRepeat } from '../contract';
import type { NoCache } from '../contract';

export interface CacheOptions {
  readonly cache: boolean;
  readonly rerun?: readonly string[];
}

export function withCacheOptions(command: Command): Command {
  return command
    .option('--no-cache', 'run every container again; with =<steps>, as --rerun')
    .option('--rerun <steps>', 'run these again, such as infer-model or infer,evaluate', stepNames);
}

/** What a run is asked for; nothing when results may be reused. */
export function noCacheFrom({ cache, rerun }: CacheOptions): { noCache?: NoCache } {
  if (!cache) return { noCache: true };
  return rerun === undefined ? {} : { noCache: rerun };
}

function stepNames(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw new InvalidArgumentError('Name at least one step.');
  try {
    stepsToRepeat(names);
  } catch (error) {
    if (error instanceof MedperfError) throw new InvalidArgumentError(`\n${error.message}`);
    throw error;
  }
  return names;
}
