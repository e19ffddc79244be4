import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toContainerConfig } from './container-config';
import { parseManifest } from './manifest';

const CUBES = join(__dirname, '..', 'examples', 'cubes');
const convert = (text: string) => toContainerConfig(parseManifest(text).manifest);
const example = (name: string): string => readFileSync(join(CUBES, name, 'mlcube', 'mlcube.yaml'), 'utf8');

describe('a container_config', () => {
  it('says what the tutorial’s model says, with MLCube’s arguments in its command', () => {
    expect(convert(example('chestxray_mlp'))).toEqual({
      config: {
        container_type: 'DockerImage',
        image: 'temporal-medperf/chestxray-model:1',
        tasks: {
          infer: {
            run_args: {
              command: [
                'infer',
                '--data_path=/mlcommons/volumes/data',
                '--parameters_file=/mlcommons/volumes/parameters/parameters_file.yaml',
                '--weights=/mlcommons/volumes/additional_files/weights.json',
                '--output_path=/mlcommons/volumes/predictions',
              ],
            },
            input_volumes: {
              data_path: { mount_path: '/mlcommons/volumes/data', type: 'directory' },
              parameters_file: { mount_path: '/mlcommons/volumes/parameters/parameters_file.yaml', type: 'file' },
              additional_files: { mount_path: '/mlcommons/volumes/additional_files', type: 'directory' },
            },
            output_volumes: { output_path: { mount_path: '/mlcommons/volumes/predictions', type: 'directory' } },
          },
        },
      },
      readsParameters: true,
      readsAdditionalFiles: true,
      findings: [],
    });
  });

  it('has the places of a metrics cube’s files', () => {
    const { config } = convert(example('chestxray_metrics'));
    expect(config?.tasks['evaluate']).toMatchObject({
      input_volumes: { labels: { mount_path: '/mlcommons/volumes/labels' } },
      output_volumes: { output_path: { mount_path: '/mlcommons/volumes/results/results.yaml', type: 'file' } },
    });
  });

  it('takes over a custom program, variables, shared memory and GPUs', () => {
    const { config } = convert(`
platform: { accelerator_count: 2 }
docker: { image: 'a/b:1', gpu_args: '--gpus all --shm-size 12g --env MODE=fast' }
tasks:
  infer:
    entrypoint: python3 /app/run.py
    parameters:
      inputs: { data_path: { type: directory } }
      outputs: { output_path: { type: directory } }
`);
    expect(config?.tasks['infer']?.run_args).toEqual({
      entrypoint: 'python3',
      command: ['/app/run.py', '--data_path=/mlcommons/volumes/data', '--output_path=/mlcommons/volumes/predictions'],
      environment: { MODE: 'fast' },
      gpus: 2,
      shm_size: '12884901888b',
    });
    const wish = convert(`
docker: { image: 'a/b:1', gpu_args: '--gpus all' }
tasks: { infer: { entrypoint: run, parameters: { inputs: { data_path: data/ }, outputs: { output_path: out/ } } } }
`);
    expect(wish.config?.tasks['infer']?.run_args).toEqual({ entrypoint: 'run', command: [], gpus: 'all' });
  });

  it('is not made where today’s MedPerf would give or take something else; every reason is told', () => {
    const { config, findings } = convert(`
docker: { runner: x }
tasks:
  infer:
    parameters:
      inputs: { data_path: data/, other: { type: file, default: other.txt }, up: ../additional_files/x }
      outputs: { output_path: out/, extra: more/ }
  train: {}
`);
    expect(config).toBeNull();
    expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'error: it names no Docker image',
      'error: today\'s MedPerf gives infer no "other"',
      'error: today\'s MedPerf gives infer no "up"',
      'error: today\'s MedPerf takes no "extra" from infer',
      'warning: the task train is left out: MedPerf does not run it',
    ]);
    expect(convert(example('chestxray_prep')).findings[0]?.message).toBe(
      'today\'s MedPerf gives sanity_check no "report_file"',
    );
    expect(convert('name: nothing').findings.map(({ message }) => message)).toContain(
      'it has no task that MedPerf runs',
    );
  });
});
