import { TASKS } from '../contract';
import type { CubeType, Task } from '../contract';

export type ValueKind = 'file' | 'directory';
type Values = Readonly<Record<string, ValueKind>>;

const DATA: Values = { data_path: 'directory', labels_path: 'directory' };

/** What MedPerf hands to each task and reads from it (reference: medperf.md, 5.3). */
export const TASK_CONTRACT: Readonly<Record<Task, { readonly inputs: Values; readonly outputs: Values }>> = {
  prepare: {
    inputs: DATA,
    outputs: {
      output_path: 'directory',
      output_labels_path: 'directory',
      metadata_path: 'directory',
      report_file: 'file',
    },
  },
  sanity_check: { inputs: { ...DATA, metadata_path: 'directory', report_file: 'file' }, outputs: {} },
  statistics: { inputs: { ...DATA, metadata_path: 'directory' }, outputs: { output_path: 'file' } },
  infer: { inputs: { data_path: 'directory' }, outputs: { output_path: 'directory' } },
  evaluate: { inputs: { predictions: 'directory', labels: 'directory' }, outputs: { output_path: 'file' } },
};

/** The tasks that make a cube one of MedPerf's types. */
export const TYPE_TASKS: Readonly<Record<CubeType, readonly Task[]>> = {
  'data-preparator': ['prepare', 'sanity_check', 'statistics'],
  model: ['infer'],
  metrics: ['evaluate'],
};

export function isContractTask(name: string): name is Task {
  return TASKS.some((task) => task === name);
}
