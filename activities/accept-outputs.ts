import { MedperfError } from '../contract';
import type { Digest, RunTaskInput } from '../contract';
import type { Store } from '../store/store';
import { readResultFile } from './result-file';

/** The outputs that MedPerf itself reads have to make sense before the result may be reused. */
export async function acceptOutputs(
  store: Store,
  { task, cube }: RunTaskInput,
  outputs: Readonly<Record<string, Digest>>,
): Promise<void> {
  if (task !== 'statistics' && task !== 'evaluate') return;
  const what = `The output_path that ${task} of ${cube.name} wrote cannot be used.`;
  const output = outputs['output_path'];
  if (output === undefined) {
    throw new MedperfError('IncompatibleModel', {
      what,
      expected: 'an output named output_path',
      found: Object.keys(outputs).join(', ') || 'no outputs',
      next: "declare it under the task's outputs.",
    });
  }
  await readResultFile(store, output, what);
}
