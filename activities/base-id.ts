import type { BenchmarkBaseInput } from '../contract';
import { digestOf } from './action-key';

/**
 * The id under which equal shared work meets: a digest over everything that it is asked for, less what is only known of it
 * by now, since that changes while the asking goes on.
 */
export function baseId(input: BenchmarkBaseInput, version: number): string {
  return `benchmark-base/${digestOf({ version, asked: asked(input) }).slice('sha256:'.length)}`;
}

function asked(input: BenchmarkBaseInput): object {
  const { data } = input;
  const common = { ...input, data: 'url' in data ? { url: data.url, hash: data.hash } : data };
  return input.part === 'reference-run'
    ? { ...common, reference: input.reference.ref, evaluator: input.evaluator.ref }
    : { ...common, dataPreparator: input.dataPreparator.ref };
}
