import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import Docker from 'dockerode';
import { readNamespaceId, sweepHost } from '../activities/sweep-host';
import { listRuns } from '../cli/run-list';
import { CONTROL_QUEUE, sweepSchedule, WORKFLOWS } from '../contract';
import { containerName, LABELS, ownerHash } from '../engine/container-name';
import { ScratchFolder } from '../engine/scratch-folder';
import { OWNER_LABELS, sweepLeftovers } from '../engine/sweep';
import type { Execution, SweepReport } from '../engine/engine';
import type { SweepParts } from '../engine/sweep';
import { FileStore } from '../store/file-store';
import { runWorkers } from '../worker/workers';
import { keepHistory } from './kept-histories';
import { eventually } from './medperf-stack';
import { ensureNodeImage } from './node-image';
import { PaperHost } from './paper-host';

const NEVER = new AbortController().signal;
const DAY_MS = 24 * 60 * 60 * 1000;

describe('sweeping a host', () => {
  const docker = new Docker();
  let home: string;
  let work: string;
  let image: string;
  let temporal: TestWorkflowEnvironment;
  let namespaceId: string;
  let made: string[] = [];

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    home = await mkdtemp(join(tmpdir(), 'medperf-sweep-'));
    work = join(home, 'work');
    await mkdir(work);
    ({ id: image } = await ensureNodeImage(docker));
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    temporal = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path } } });
    namespaceId = await readNamespaceId(temporal.client);
  });

  afterEach(async () => {
    for (const name of made)
      await docker
        .getContainer(name)
        .remove({ force: true, v: true })
        .catch(() => undefined);
    made = [];
    for (const name of await readdir(work)) await rm(join(work, name), { recursive: true });
  });

  afterAll(async () => {
    await temporal.teardown();
    await rm(home, { recursive: true, force: true });
  });

  /** An execution that nobody serves, so that it runs until it is ended. */
  async function execution(end: 'runs' | 'terminated' | 'completed-long-ago'): Promise<Execution> {
    const workflowId = `sweep-test-${randomUUID()}`;
    if (end === 'completed-long-ago') return { workflowId, runId: randomUUID() };
    const options = { workflowId, taskQueue: 'nobody', args: [] };
    const handle = await temporal.client.workflow.start('anything', options);
    if (end === 'terminated') await handle.terminate();
    return { workflowId, runId: handle.firstExecutionRunId };
  }

  function labelsOf({ workflowId, runId }: Execution, namespace = namespaceId): Record<string, string> {
    return {
      [OWNER_LABELS.namespaceId]: namespace,
      [OWNER_LABELS.workflowId]: workflowId,
      [OWNER_LABELS.runId]: runId,
    };
  }

  function nameOf(owner: Execution): { name: string; labels: Record<string, string> } {
    const key = `sha256:${ownerHash(randomUUID())}` as const;
    const text = JSON.stringify([owner.workflowId, owner.runId, 'step']);
    return {
      name: containerName({ key, owner: text }),
      labels: { [LABELS.key]: key, [LABELS.owner]: ownerHash(text), [LABELS.host]: 'test' },
    };
  }

  async function container(labels: Record<string, string>, options: Docker.ContainerCreateOptions): Promise<string> {
    const { name } = options;
    const created = await docker.createContainer({
      Image: image,
      Cmd: ['/bin/node', '-e', 'setInterval(() => undefined, 1000)'],
      Labels: labels,
      ...options,
    });
    made.push(created.id);
    await created.start();
    return name ?? created.id;
  }

  async function ownedContainer(owner: Execution, namespace = namespaceId): Promise<string> {
    const { name, labels } = nameOf(owner);
    return container({ ...labels, ...labelsOf(owner, namespace) }, { name });
  }

  async function folder(owner: Execution | null, suffix = '', namespace = namespaceId): Promise<string> {
    const name = `${nameOf(owner ?? { workflowId: 'none', runId: 'none' }).name}${suffix}`;
    await mkdir(join(work, name, 'facts'), { recursive: true });
    await mkdir(join(work, name, 'out', '0'), { recursive: true });
    await writeFile(join(work, name, 'out', '0', 'half.txt'), 'half');
    if (owner !== null) await new ScratchFolder(work, name).writeFact('owner', labelsOf(owner, namespace));
    return name;
  }

  function sweepNow(parts: Partial<SweepParts> = {}): Promise<SweepReport> {
    const release = (name: string): Promise<void> => rm(join(work, name), { recursive: true });
    const isClosed = (): Promise<boolean> => Promise.reject(new Error('not asked in this test'));
    return sweepLeftovers({ docker, workDirectory: work, namespaceId, release, isClosed, signal: NEVER, ...parts });
  }

  function sweepAsking() {
    const reports: SweepReport[] = [];
    return sweepHost({
      client: temporal.client,
      engine: {
        sweep: async (request) => {
          reports.push(await sweepNow(request));
          return reports[0]!;
        },
      },
      signal: NEVER,
      tell: () => undefined,
    }).then((told) => ({ told, report: reports[0]! }));
  }

  async function isThere(name: string): Promise<boolean> {
    return docker
      .getContainer(name)
      .inspect()
      .then(
        () => true,
        () => false,
      );
  }

  it('removes the containers of closed executions and nobody else’s', async () => {
    const [ended, forgotten, live] = [
      await execution('terminated'),
      await execution('completed-long-ago'),
      await execution('runs'),
    ];
    const leftovers = [await ownedContainer(ended), await ownedContainer(forgotten)];
    const { name: withVolume, labels } = nameOf(ended);
    leftovers.push(await container({ ...labels, ...labelsOf(ended) }, { name: withVolume, Volumes: { '/data': {} } }));
    const { Mounts } = await docker.getContainer(withVolume).inspect();
    const spared = [
      await ownedContainer(live),
      await ownedContainer(ended, randomUUID()),
      await container({}, { name: `unlabelled-${randomUUID()}` }),
      // What somebody runs by hand from an image that carries our labels.
      await container({ ...nameOf(ended).labels, ...labelsOf(ended) }, { name: `by-hand-${randomUUID()}` }),
    ];

    const { told, report } = await sweepAsking();
    expect([...report.containers].sort()).toEqual([...leftovers].sort());
    expect(told).toEqual({ containers: 3, folders: 0, unanswered: 0, failed: [] });
    for (const name of leftovers) expect(await isThere(name)).toBe(false);
    for (const name of spared) expect((await docker.getContainer(name).inspect()).State.Running).toBe(true);
    await expect(docker.getVolume(Mounts[0]?.Name ?? '').inspect()).rejects.toMatchObject({ statusCode: 404 });

    expect((await sweepAsking()).told).toEqual({ containers: 0, folders: 0, unanswered: 0, failed: [] });
  });

  it('removes the scratch folders of closed executions, and what is surely left over', async () => {
    const [ended, live] = [await execution('terminated'), await execution('runs')];
    const oldDraft = await folder(null, '.draft');
    await utimes(join(work, oldDraft), new Date(), new Date(Date.now() - 2 * DAY_MS));
    const leftovers = [
      await folder(ended),
      await folder(ended, '.draft'),
      await folder(null, '.0badcafe.removed'),
      oldDraft,
    ];
    const usedByHand = await folder(ended);
    await container({}, { HostConfig: { Binds: [`${join(work, usedByHand, 'out', '0')}:/data`] } });
    const spared = [
      usedByHand,
      await folder(live),
      await folder(live, '.draft'),
      await folder(ended, '', randomUUID()),
      await folder(null),
      await folder(null, '.draft'),
    ];
    await writeFile(join(work, 'owner-1-1-0.lock'), '');
    await mkdir(join(work, 'somebody-elses'));

    const { report } = await sweepAsking();
    expect([...report.folders].sort()).toEqual([...leftovers].sort());
    expect((await readdir(work)).sort()).toEqual([...spared, 'owner-1-1-0.lock', 'somebody-elses'].sort());
    expect((await sweepAsking()).told.folders).toBe(0);
  });

  it('asks once about an owner, and leaves what it cannot ask about', async () => {
    const owner = await execution('terminated');
    const name = await ownedContainer(owner);
    await folder(owner);
    let asked = 0;
    const isClosed = (): Promise<boolean> => {
      asked++;
      return Promise.reject(new Error('no server'));
    };
    expect(await sweepNow({ isClosed })).toEqual({ containers: [], folders: [], unanswered: 1, failed: [] });
    expect(asked).toBe(1);
    expect(await isThere(name)).toBe(true);
  });

  it('goes on after what it cannot remove, and tells of it without the host’s paths', async () => {
    const ended = await execution('terminated');
    const names = [await folder(ended), await folder(ended)].sort();
    const release = (name: string): Promise<void> =>
      name === names[0]
        ? Promise.reject(Object.assign(new Error(`EBUSY: rmdir '${work}'`), { code: 'EBUSY' }))
        : rm(join(work, name), { recursive: true });
    const report = await sweepNow({ isClosed: () => Promise.resolve(true), release });
    expect(report.folders).toEqual([names[1]]);
    expect(report.failed).toEqual([{ name: names[0], why: 'EBUSY' }]);
  });

  it('stops between two removals when it is cancelled', async () => {
    const ended = await execution('terminated');
    const names = [await folder(ended), await folder(ended)];
    const stop = new AbortController();
    const release = async (name: string): Promise<void> => {
      await rm(join(work, name), { recursive: true });
      stop.abort(new Error('enough'));
    };
    const isClosed = (): Promise<boolean> => Promise.resolve(true);
    await expect(sweepNow({ isClosed, release, signal: stop.signal })).rejects.toThrow('enough');
    expect((await readdir(work)).filter((name) => names.includes(name))).toHaveLength(1);
  });

  it('is started with the worker and by a schedule, and shown in no list of runs', async () => {
    const ended = await ownedContainer(await execution('terminated'));
    const live = await ownedContainer(await execution('runs'));
    const host = await workForAWhile(async () => {
      await eventually(
        () => isThere(ended),
        (there) => !there,
      );
      // A worker that stops now would leave the sweep open until the next one comes.
      await eventually(sweepRuns, (list) => list.some(({ status }) => status.name === 'COMPLETED'));
    });
    expect(await isThere(live)).toBe(true);
    const runs = await sweepRuns();
    const done = temporal.client.workflow.getHandle(runs.find(({ status }) => status.name === 'COMPLETED')!.workflowId);
    expect(await done.result()).toEqual({ containers: 1, folders: 0, unanswered: 0, failed: [] });
    expect(await listRuns(temporal.client)).toEqual([]);
    const { policies, spec } = await temporal.client.schedule.getHandle(sweepSchedule(host)).describe();
    expect([policies.overlap, spec.intervals?.[0]?.every]).toEqual(['SKIP', 600_000]);
    await keepHistory(temporal.client, done.workflowId, 'sweep');
  });

  it('brings a schedule up to date, and sweeps once more when the worker starts again', async () => {
    const known = (await sweepRuns()).length;
    const ended = (runs: Awaited<ReturnType<typeof sweepRuns>>): boolean =>
      runs.every(({ status }) => status.name !== 'RUNNING');
    const host = await workForAWhile(async () => {
      await eventually(sweepRuns, (runs) => runs.length > known && ended(runs));
    });
    const handle = temporal.client.schedule.getHandle(sweepSchedule(host));
    await handle.update((schedule) => ({ ...schedule, spec: { intervals: [{ every: '1 day' }] } }));
    const before = await sweepRuns();
    // A schedule names its runs by the second.
    const last = Math.max(...before.map(({ startTime }) => startTime.getTime()));
    await eventually(
      () => Promise.resolve(Date.now()),
      (now) => now >= last + 1000,
    );
    await workForAWhile(async () => {
      await eventually(sweepRuns, (list) => list.length > before.length);
    });
    expect((await handle.describe()).spec.intervals?.[0]?.every).toBe(600_000);
  });

  it('ends quietly when the host is absent', async () => {
    const worker = await Worker.create({
      connection: temporal.nativeConnection,
      taskQueue: 'absent',
      workflowsPath: require.resolve('../workflows'),
      interceptors: { workflowModules: [require.resolve('./short-waits')] },
    });
    const swept = worker.runUntil(
      temporal.client.workflow.execute(WORKFLOWS.sweep, {
        workflowId: 'sweep-of-nowhere',
        taskQueue: 'absent',
        args: ['nowhere'],
      }),
    );
    expect(await swept).toBe('host absent');
  });

  async function sweepRuns() {
    const runs = [];
    for await (const run of temporal.client.workflow.list({ query: `WorkflowType = '${WORKFLOWS.sweep}'` })) {
      if (run.taskQueue === CONTROL_QUEUE) runs.push(run);
    }
    return runs;
  }

  /** Runs the product's workers around `during`; answers the host's name. */
  async function workForAWhile(during: () => Promise<void>): Promise<string> {
    const store = new FileStore(join(home, 'store'));
    const host = new PaperHost('swept', 0);
    host.sweep = (request) => sweepNow(request);
    const stop = new AbortController();
    const openRegistry = (): Promise<never> => Promise.reject(new Error('no registry in this test'));
    await new Promise<void>((resolve, reject) => {
      runWorkers({
        connection: temporal.nativeConnection,
        namespace: 'default',
        control: { store, openRegistry, publisher: null },
        containers: { store, engine: host.engine },
        signal: stop.signal,
        onReady: () => void during().then(() => stop.abort(), reject),
      }).then(resolve, reject);
    }).finally(() => stop.abort());
    expect(await store.listRecords('host/')).toEqual([`host/${host.name}`]);
    return host.name;
  }
});
