import type { Task } from '../contract';
import type { ValueKind } from './task-contract';

/** A volume as the file has it. */
export interface VolumePlace {
  readonly mount_path: string;
  readonly type: ValueKind;
}

export type VolumePlaces = Readonly<Record<string, VolumePlace>>;

const ROOT = '/mlcommons/volumes';
const at = (path: string, type: ValueKind): VolumePlace => ({ mount_path: `${ROOT}/${path}`, type });
const PREPARED = { data_path: at('data', 'directory'), labels_path: at('labels', 'directory') };
const METADATA = { metadata_path: at('metadata', 'directory') };

/** What today's MedPerf gives to a task and takes from it, at its usual places (reference: medperf.md, 5.3 and 8). */
export const TASK_VOLUMES: Readonly<Record<Task, { readonly inputs: VolumePlaces; readonly outputs: VolumePlaces }>> = {
  prepare: {
    inputs: { data_path: at('raw_data', 'directory'), labels_path: at('raw_labels', 'directory') },
    outputs: {
      output_path: PREPARED.data_path,
      output_labels_path: PREPARED.labels_path,
      ...METADATA,
      report_file: at('report/report.yaml', 'file'),
    },
  },
  sanity_check: { inputs: { ...PREPARED, ...METADATA }, outputs: {} },
  statistics: {
    inputs: { ...PREPARED, ...METADATA },
    outputs: { output_path: at('statistics/statistics.yaml', 'file') },
  },
  infer: {
    inputs: { data_path: PREPARED.data_path },
    outputs: { output_path: at('predictions', 'directory') },
  },
  evaluate: {
    inputs: { predictions: at('predictions', 'directory'), labels: PREPARED.labels_path },
    outputs: {
      output_path: at('results/results.yaml', 'file'),
      local_outputs_path: at('local_outputs', 'directory'),
    },
  },
};

/** What a cube itself brings to every task that has a volume for it. */
export const OWN_VOLUMES = {
  parameters_file: at('parameters/parameters_file.yaml', 'file'),
  additional_files: at('additional_files', 'directory'),
} satisfies VolumePlaces;

export type OwnVolume = keyof typeof OWN_VOLUMES;

/** Where a cube's folder has them. */
export const OWN_PLACES: Readonly<Record<OwnVolume, string>> = {
  parameters_file: 'workspace/parameters.yaml',
  additional_files: 'workspace/additional_files',
};

export function isOwnVolume(name: string): name is OwnVolume {
  return Object.hasOwn(OWN_VOLUMES, name);
}
