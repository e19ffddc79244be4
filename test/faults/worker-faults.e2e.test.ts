import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { LiveProgress } from '../../client';
import type { TestRunResult } from '../../contract';
import { endProcess, isAlive } from '../../devstack/process-identity';
import type { ProcessIdentity } from '../../devstack/process-identity';
import type { StackRecord } from '../../devstack/stack-record';
import { StartedContainers } from '../container-starts';
import { eventually, MedperfStack } from '../medperf-stack';
import { leftBehind } from './left-behind';
import { dyingAt, MOMENTS } from './moments';
import { faultSeed, seeded, shuffled } from './seeded';
import { slowModel } from './slow-model';

const seed = faultSeed();
const docker = new Docker();
const ids: string[] = [];
let stack: MedperfStack;
let started: StartedContainers;
/** Digest of the results that the model has when nothing disturbs it. */
let undisturbed: string;

beforeAll(async () => {
  process.stdout.write(`faults in the order of FAULT_SEED=${seed}\n`);
  started = await StartedContainers.listen(docker);
  stack = await MedperfStack.start();
  const model = await slowModel(join(stack.home, 'undisturbed'), 'undisturbed', 0);
  undisturbed = (await stack.json<TestRunResult>(testRun(model))).candidate.results;
});

afterEach(async () => {
  await eventually(
    () => leftBehind(docker, stack.home, ids),
    (left) => Object.values(left).flat().length === 0,
  );
});

afterAll(async () => {
  started.close();
  await stack.stop();
});

const testRun = (model: string): string[] => ['test', 'run', '--benchmark', '1', '--no-reference', '--model', model];

const worker = (): Promise<ProcessIdentity> => stack.readState<ProcessIdentity>('worker.json');

async function gone(process: ProcessIdentity): Promise<void> {
  await eventually(
    () => isAlive(process),
    (alive) => !alive,
    120,
  );
}

async function killWorker(): Promise<void> {
  const doomed = await worker();
  process.kill(doomed.pid, 'SIGKILL');
  await gone(doomed);
}

function modelContainers(id: string): Promise<Docker.ContainerInfo[]> {
  const label = [`org.temporal-medperf.workflow-id=${id}`, 'org.temporal-medperf.step=infer-model'];
  return docker.listContainers({ all: true, filters: { label } });
}

async function modelRuns(id: string): Promise<Docker.ContainerInfo> {
  const list = await eventually(
    () => modelContainers(id),
    (found) => found[0]?.State === 'running',
  );
  return list[0]!;
}

async function startTest(name: string, inferMs: number): Promise<string> {
  const model = await slowModel(join(stack.home, name), name, inferMs);
  const { id } = await stack.json<{ id: string }>([...testRun(model), '--detach']);
  ids.push(id);
  return id;
}

async function resultOf(id: string): Promise<string> {
  const { result } = await stack.json<{ result: TestRunResult }>(['run', 'watch', id]);
  return result.candidate.results;
}

it.each(shuffled(MOMENTS, seeded(seed)))('a worker that dies %s costs no second run of the model', async (moment) => {
  const mark = join(stack.home, `mark ${moment}`);
  await endProcess(await worker(), 30_000);
  await stack.expectDone(['dev', 'start'], '', dyingAt(moment, mark));
  const doomed = await worker();
  const id = await startTest(moment, 500);
  await gone(doomed);
  expect(await readFile(mark, 'utf8')).toBe(moment);
  await stack.expectDone(['dev', 'start']);
  expect(await resultOf(id)).toBe(undisturbed);
  expect(await started.ofStep(id, 'infer-model')).toEqual([1]);
});

it('a worker that is asked to stop hands its running model to the next one', async () => {
  const id = await startTest('drain', 8000);
  const container = await modelRuns(id);
  const stopping = await worker();
  process.kill(stopping.pid, 'SIGTERM');
  await gone(stopping);
  expect((await docker.getContainer(container.Id).inspect()).State.Running).toBe(true);
  await stack.expectDone(['dev', 'start']);
  expect(await resultOf(id)).toBe(undisturbed);
  expect(await started.ofStep(id, 'infer-model')).toEqual([1]);
});

it('an onboarding and its approval outlive their clients, their Temporal server and their workers', async () => {
  const model = await slowModel(join(stack.home, 'whole'), 'whole', 6000);
  const name = 'survivor';
  const client = stack.spawn(['onboard', model, '--name', name, '--benchmark', '1', '-y', '--no-reference']);
  const onboarding = (runs: { id: string; workflow: string }[]): string | undefined =>
    runs.find(({ workflow }) => workflow === 'medperfOnboard')?.id;
  const runs = await eventually(
    () => stack.json<{ id: string; workflow: string }[]>(['run', 'ls']),
    (list) => onboarding(list) !== undefined,
  );
  const id = onboarding(runs)!;
  ids.push(id);
  await modelRuns(id);
  client.kill('SIGKILL');
  const { temporal } = await stack.readState<StackRecord>('dev-stack.json');
  process.kill(temporal.process.pid, 'SIGKILL');
  await gone(temporal.process);
  await stack.expectDone(['dev', 'start']);

  // Until a worker has taken the workflow over, its progress is not known.
  const show = async (): Promise<LiveProgress | null> => {
    const { code, stdout } = await stack.cli(['run', 'show', id, '--json']);
    return code === 0 ? (JSON.parse(stdout) as LiveProgress) : null;
  };
  await eventually(show, (run) => run?.needs.some(({ what }) => what === 'committee-decision') === true, 120);
  expect(await started.ofStep(id, 'infer-model')).toEqual([1]);

  await killWorker();
  await stack.expectDone(['dev', 'start']);
  const pair = ['--benchmark', '1', '--model_uid', '5', '--profile', 'committee'];
  const tested = ['--after-test', '--no-reference', '--rerun', 'infer-model', '--detach'];
  const approval = await stack.json<{ id: string }>(['association', 'approve', ...pair, ...tested]);
  ids.push(approval.id);
  await modelRuns(approval.id);
  await killWorker();
  await stack.expectDone(['dev', 'start']);
  await eventually(show, (run) => run?.outcome === 'approved', 120);
  expect(await started.ofStep(approval.id, 'infer-model')).toEqual([1]);
  expect(await stack.json<unknown[]>(['mlcube', 'ls', '--mine'])).toMatchObject([{ uid: 5, name }]);
  expect(await stack.json<unknown[]>(['association', 'ls'])).toMatchObject([{ modelUid: 5, status: 'APPROVED' }]);
});
