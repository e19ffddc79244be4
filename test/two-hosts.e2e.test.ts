import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { LiveProgress } from '../client';
import type { TestRunResult } from '../contract';
import { endProcess } from '../devstack/process-identity';
import type { ProcessIdentity } from '../devstack/process-identity';
import type { StackRecord } from '../devstack/stack-record';
import { leftBehind } from './faults/left-behind';
import { slowModel } from './faults/slow-model';
import { eventually, MedperfStack } from './medperf-stack';
import { OwnDockerDaemon } from './own-docker-daemon';

const TEST = ['test', 'run', '--benchmark', '1', '--no-reference', '--model'];
const IMAGES = ['prep', 'model', 'metrics'].map((part) => `temporal-medperf/chestxray-${part}:1`);

describe('two hosts', () => {
  const here = new Docker();
  const workers: ChildProcess[] = [];
  let stack: MedperfStack;
  let daemon: OwnDockerDaemon;

  beforeAll(async () => {
    stack = await MedperfStack.start();
    daemon = await OwnDockerDaemon.start();
    await daemon.loadImages(IMAGES);
    await writeFile(join(stack.home, 'policy.yaml'), 'hostGivenUpAfterMs: 5000\n');
  });

  afterAll(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    await daemon.close();
    await stack.stop();
  });

  /** A container worker of the other host, which shares the store and nothing else. */
  async function workerOfOtherHost(): Promise<ChildProcess> {
    const { temporal } = await stack.readState<StackRecord>('dev-stack.json');
    return startWorker(['--role', 'containers', '--policy', join(stack.home, 'policy.yaml')], {
      TEMPORAL_MEDPERF_HOME: join(stack.home, 'other'),
      TEMPORAL_MEDPERF_STORE: join(stack.home, 'state', 'store'),
      TEMPORAL_ADDRESS: temporal.address,
      DOCKER_HOST: `unix://${daemon.socket}`,
    });
  }

  async function startWorker(args: readonly string[], more: NodeJS.ProcessEnv): Promise<ChildProcess> {
    const worker = stack.spawn(['worker', 'start', ...args], more);
    workers.push(worker);
    let said = '';
    for (const stream of [worker.stdout, worker.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    }
    await eventually(
      () => Promise.resolve(said),
      (text) => {
        if ((worker.exitCode ?? worker.signalCode) !== null) throw new Error(`the worker ended:\n${text}`);
        return text.includes('worker ready');
      },
    );
    return worker;
  }

  const containersOf = (docker: Docker, id: string): Promise<Docker.ContainerInfo[]> =>
    docker.listContainers({ all: true, filters: { label: [`org.temporal-medperf.workflow-id=${id}`] } });

  it('a run stays on its host while that is there, and goes on on the other one when it is gone', async () => {
    const alike = await slowModel(join(stack.home, 'alike'), 'alike', 0);
    const undisturbed = await stack.json<TestRunResult>([...TEST, alike]);
    await endProcess(await stack.readState<ProcessIdentity>('worker.json'), 30_000);
    const control = await startWorker(['--role', 'control'], {});
    const other = await workerOfOtherHost();
    const model = await slowModel(join(stack.home, 'moves'), 'moves', 4000);
    const { id } = await stack.json<{ id: string }>([...TEST, model, '--detach']);
    await eventually(
      () => containersOf(daemon.docker, id),
      (list) =>
        list.some(({ State, Labels }) => State === 'running' && Labels['org.temporal-medperf.task'] === 'infer'),
    );
    expect(await containersOf(here, id)).toEqual([]);

    other.kill('SIGKILL');
    await daemon.kill();
    control.kill('SIGTERM');
    await once(control, 'exit');
    await stack.expectDone(['dev', 'start']);
    const { result } = await stack.json<{ result: TestRunResult }>(['run', 'watch', id]);
    expect(result.candidate.results).toBe(undisturbed.candidate.results);
    await eventually(
      () => leftBehind(here, stack.home, [id]),
      (left) => left.containers.length + left.folders.length === 0,
    );
    const { stages } = await stack.json<LiveProgress>(['run', 'show', id]);
    const claims = stages.flatMap(({ steps }) => steps).filter(({ activityId }) => activityId === 'claim-host');
    expect(new Set(claims.map(({ host }) => host)).size).toBe(2);

    // The other host comes back: what it was left with is cleared away by its first sweep.
    await daemon.start();
    await workerOfOtherHost();
    await eventually(
      () => containersOf(daemon.docker, id),
      (list) => list.length === 0,
    );
  });
});
