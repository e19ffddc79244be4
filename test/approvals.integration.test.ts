import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MedperfClient } from '../client';
import type { Progress, RegisteredCube } from '../contract';
import { EmbeddedStack, EXAMPLE_CUBES, lookNow } from './embedded-stack';
import { keepHistory } from './kept-histories';
import { eventually } from './medperf-stack';

const BENCHMARK_PARTS = [
  'demo_dataset_tarball_url',
  'demo_dataset_tarball_hash',
  'demo_dataset_generated_uid',
  'data_preparation_mlcube',
  'reference_model_mlcube',
  'data_evaluator_mlcube',
];

describe('approvals on real parts', () => {
  let stack: EmbeddedStack;
  let owner: MedperfClient;
  let committee: MedperfClient;
  let benchmarks = 0;

  beforeAll(async () => {
    stack = await EmbeddedStack.start();
    [owner, committee] = [await stack.clientOf('modelOwner'), await stack.clientOf('benchmarkOwner')];
  });
  afterAll(() => stack.stop());

  /** A copy of an example cube whose file says something else, published and registered. */
  async function registered(
    name: string,
    example: string,
    file: string,
    edit: (text: string) => string,
  ): Promise<RegisteredCube> {
    const folder = join(stack.home, name);
    await mkdir(folder);
    await cp(join(EXAMPLE_CUBES, example, 'mlcube'), folder, { recursive: true });
    await writeFile(join(folder, file), edit(await readFile(join(folder, file), 'utf8')));
    const cube = await owner.ingestCube(folder, name);
    const packaged = await (await owner.startPackage({ cube })).result();
    const { files } = await (await owner.startHost({ packaged, name })).result();
    return (await owner.startSubmit({ name, files, operational: true })).result();
  }

  function model(name: string): Promise<RegisteredCube> {
    return registered(name, 'chestxray_mlp', 'mlcube.yaml', (text) => `# ${name}\n${text}`);
  }

  async function change(
    party: 'administrator' | 'benchmarkOwner',
    method: string,
    path: string,
    body: object,
  ): Promise<unknown> {
    const reply = await stack.parties.call(party, method, path, body);
    if (reply.status >= 300) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  /** As the tutorial's, approved, and still to be changed by its owner. */
  async function newBenchmark(): Promise<number> {
    const { body } = await stack.parties.call('benchmarkOwner', 'GET', '/benchmarks/1/');
    const parts = Object.fromEntries(
      Object.entries(body as object).filter(([field]) => BENCHMARK_PARTS.includes(field)),
    );
    const benchmark = { ...parts, name: `benchmark-${(benchmarks += 1)}` };
    const { id } = (await change('benchmarkOwner', 'POST', '/benchmarks/', benchmark)) as { id: number };
    await change('administrator', 'PUT', `/benchmarks/${id}/`, { approval_status: 'APPROVED' });
    return id;
  }

  async function rowsOf(modelUid: number, benchmark: number): Promise<string[]> {
    const { body } = await stack.parties.call('benchmarkOwner', 'GET', '/me/mlcubes/associations/?limit=100');
    const { results } = body as {
      results: { id: number; model_mlcube: number; benchmark: number; approval_status: string }[];
    };
    const rows = results.filter((row) => row.model_mlcube === modelUid && row.benchmark === benchmark);
    return rows.sort((a, b) => a.id - b.id).map(({ approval_status: status }) => status);
  }

  async function waitsFor(id: string, what: Progress['needs'][number]['what']): Promise<void> {
    await eventually(
      () => owner.progress(id),
      ({ needs }) => needs.some((need) => need.what === what),
    );
  }

  async function steps(id: string): Promise<string[]> {
    return (await owner.progress(id)).stages.flatMap((stage) => stage.steps.map(({ name, detail }) => detail ?? name));
  }

  it('tests again when the benchmark changes, and sends only results that are no longer the same', async () => {
    const benchmark = await newBenchmark();
    const { uid } = await model('waiting');
    const stricter = await registered('stricter', 'chestxray_metrics', 'workspace/parameters.yaml', (text) =>
      text.replace('threshold: 0.5', 'threshold: 0.4'),
    );
    const run = await owner.startAssociate({ benchmark, modelUid: uid });
    await waitsFor(run.id, 'confirmation');
    await owner.confirm(run.id, { send: true, by: 'testmo' });
    await waitsFor(run.id, 'committee-decision');

    await change('benchmarkOwner', 'PUT', `/benchmarks/${benchmark}/`, { reference_model_mlcube: uid });
    await lookNow(owner, run.id);
    await eventually(
      () => steps(run.id),
      (names) =>
        names.filter((name) => name.startsWith('wait for')).length === 1 &&
        names.filter((name) => name === 'write the test report').length === 2,
    );
    await waitsFor(run.id, 'committee-decision');
    expect(await rowsOf(uid, benchmark)).toEqual(['PENDING']);

    await change('benchmarkOwner', 'PUT', `/benchmarks/${benchmark}/`, { data_evaluator_mlcube: stricter.uid });
    await lookNow(owner, run.id);
    await waitsFor(run.id, 'confirmation');
    expect(await rowsOf(uid, benchmark)).toEqual(['PENDING']);
    await owner.confirm(run.id, { send: true, by: 'testmo' });
    await waitsFor(run.id, 'committee-decision');
    expect(await rowsOf(uid, benchmark)).toEqual(['REJECTED', 'PENDING']);

    const approval = await committee.startApprove({ benchmark, modelUid: uid });
    expect(await approval.result()).toMatchObject({ decision: 'APPROVED', test: { reused: true } });
    await keepHistory(stack.temporal.client, approval.id, 'approve');
    await lookNow(owner, run.id);
    const { decision, test } = await run.result();
    expect(decision).toBe('APPROVED');
    expect(test?.candidate.results).toBeDefined();
    await keepHistory(stack.temporal.client, run.id, 'associate-tested-again');

    const again = await committee.startApprove({ benchmark, modelUid: uid });
    expect(await again.result()).toEqual({ benchmark, modelUid: uid, decision: 'APPROVED', test: null });
  });

  it('takes the request back when the new test fails, and approves nothing that fails its test', async () => {
    const benchmark = await newBenchmark();
    const { uid } = await model('no-longer');
    const run = await owner.startAssociate({ benchmark, modelUid: uid, confirmed: true });
    await waitsFor(run.id, 'committee-decision');
    const unfit = await registered('unfit', 'failing/crash', 'mlcube.yaml', (text) => `# unfit\n${text}`);

    const crashes = await newBenchmark();
    const registry = await stack.registryOf('modelOwner');
    await registry.requestAssociation({ modelUid: unfit.uid, benchmark: crashes, testResult: {}, newest: null });
    const approval = await committee.startApprove({ benchmark: crashes, modelUid: unfit.uid, noReference: true });
    await expect(approval.result()).rejects.toMatchObject({ cause: { cause: { type: 'ContainerFailed' } } });
    expect((await registry.association(unfit.uid, crashes))?.status).toBe('PENDING');
    await registry.close();

    await change('benchmarkOwner', 'PUT', `/benchmarks/${benchmark}/`, { data_evaluator_mlcube: unfit.uid });
    await lookNow(owner, run.id);
    await expect(run.result()).rejects.toThrow();
    expect((await owner.progress(run.id)).outcome).toBe('failed');
    expect(await rowsOf(uid, benchmark)).toEqual(['REJECTED']);
  });

  it('withdraws at the deadline, and says so', async () => {
    const benchmark = await newBenchmark();
    const { uid } = await model('too-late');
    const options = { benchmark, modelUid: uid, confirmed: true, approvalDeadlineMs: 3_000 };
    const run = await owner.startAssociate(options);
    expect(await run.result()).toMatchObject({ decision: 'EXPIRED', modelUid: uid });
    expect((await owner.progress(run.id)).outcome).toBe('expired');
    expect(await rowsOf(uid, benchmark)).toEqual(['REJECTED']);
    await keepHistory(stack.temporal.client, run.id, 'associate-expired');

    const later = await owner.startAssociate({ ...options, again: true, approvalDeadlineMs: 600_000 });
    await waitsFor(later.id, 'committee-decision');
    expect(await rowsOf(uid, benchmark)).toEqual(['REJECTED', 'PENDING']);
    await owner.cancel(later.id);
    await expect(later.result()).rejects.toThrow();
  });
});
