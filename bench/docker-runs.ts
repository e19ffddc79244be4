import { execFile } from 'node:child_process';
import { chmod, chown, cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DEFAULT_POLICY } from '../worker';

const execute = promisify(execFile);
const USER = 65_532;

interface Task {
  readonly image: string;
  readonly task: string;
  /** Argument to folder below the bench's folder; `file` is the name in it. */
  readonly inputs: Readonly<Record<string, readonly [folder: string, file?: string]>>;
  readonly outputs: Readonly<Record<string, readonly [folder: string, file?: string]>>;
}

const PREP = 'temporal-medperf/chestxray-prep:1';
const TASKS: readonly Task[] = [
  {
    image: PREP,
    task: 'prepare',
    inputs: { data_path: ['data/images'], labels_path: ['data/labels'], parameters_file: ['prep', 'parameters.yaml'] },
    outputs: {
      output_path: ['out/data'],
      output_labels_path: ['out/labels'],
      report_file: ['out/report', 'report.yaml'],
    },
  },
  {
    image: PREP,
    task: 'sanity_check',
    inputs: {
      data_path: ['out/data'],
      labels_path: ['out/labels'],
      parameters_file: ['prep', 'parameters.yaml'],
      report_file: ['out/report', 'report.yaml'],
    },
    outputs: {},
  },
  {
    image: PREP,
    task: 'statistics',
    inputs: { data_path: ['out/data'], labels_path: ['out/labels'], parameters_file: ['prep', 'parameters.yaml'] },
    outputs: { output_path: ['out/statistics', 'statistics.yaml'] },
  },
  {
    image: 'temporal-medperf/chestxray-model:1',
    task: 'infer',
    inputs: {
      data_path: ['out/data'],
      parameters_file: ['model', 'parameters.yaml'],
      weights: ['model/additional_files', 'weights.json'],
    },
    outputs: { output_path: ['out/predictions'] },
  },
  {
    image: 'temporal-medperf/chestxray-metrics:1',
    task: 'evaluate',
    inputs: {
      predictions: ['out/predictions'],
      labels: ['out/labels'],
      parameters_file: ['metrics', 'parameters.yaml'],
    },
    outputs: { output_path: ['out/results', 'results.yaml'] },
  },
];

/** What a user would do without us: the same five containers, confined alike, one `docker run` after the other. */
export class DockerRuns {
  constructor(private readonly folder: string) {}

  async prepare(examples: string, demoData: string): Promise<void> {
    for (const [name, cube] of [
      ['prep', 'chestxray_prep'],
      ['model', 'chestxray_mlp'],
      ['metrics', 'chestxray_metrics'],
    ] as const) {
      await cp(join(examples, cube, 'mlcube', 'workspace'), join(this.folder, name), { recursive: true });
    }
    await cp(demoData, join(this.folder, 'data'), { recursive: true });
  }

  async run(): Promise<void> {
    await rm(join(this.folder, 'out'), { recursive: true, force: true });
    for (const task of TASKS) await this.runTask(task);
  }

  private async runTask({ image, task, inputs, outputs }: Task): Promise<void> {
    const { limits } = DEFAULT_POLICY;
    const mounts: string[] = [];
    const parameters: string[] = [];
    const mount = async (
      name: string,
      [folder, file]: readonly [string, string?],
      writable: boolean,
    ): Promise<void> => {
      const source = join(this.folder, folder);
      const target = `/mlcube_io${parameters.length}`;
      if (writable) {
        await mkdir(source, { recursive: true });
        await chmod(source, 0o755);
        if (process.getuid?.() === 0) await chown(source, USER, USER);
      }
      mounts.push('--volume', `${source}:${target}${writable ? '' : ':ro'}`);
      parameters.push(`--${name}=${file === undefined ? target : `${target}/${file}`}`);
    };
    for (const [name, place] of Object.entries(inputs)) await mount(name, place, false);
    for (const [name, place] of Object.entries(outputs)) await mount(name, place, true);
    await execute('docker', [
      ...['run', '--rm', '--init', '--network', 'none', '--read-only', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges', '--user', `${USER}:${USER}`, '--pids-limit', String(limits.pids)],
      ...['--memory', String(limits.memoryBytes), '--memory-swap', String(limits.memoryBytes), '--env', 'HOME=/tmp'],
      ...['--shm-size', String(limits.shmBytes), '--tmpfs', `/tmp:rw,nosuid,nodev,mode=1777,size=${limits.tmpBytes}`],
      ...mounts,
      image,
      task,
      ...parameters,
    ]);
  }
}
