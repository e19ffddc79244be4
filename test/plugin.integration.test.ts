import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { openProfiles } from '../registry';
import { FileStore } from '../store/file-store';
import { MedPerfPlugin, Registries } from '../worker';
import type { ControlDependencies } from '../worker';
import { startWithParties } from './registry-parties';
import type { Parties } from './registry-parties';

const QUEUE = 'adopter';

describe('MedPerfPlugin on an adopter’s worker', () => {
  let home: string;
  let temporal: TestWorkflowEnvironment;
  let parties: Parties;
  let registries: Registries;
  let control: ControlDependencies;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'medperf-plugin-'));
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    temporal = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path } } });
    parties = await startWithParties('E25');
    const profiles = openProfiles(join(home, 'config'));
    await parties.saveProfile(profiles, 'modelOwner');
    registries = new Registries(profiles);
    control = { store: new FileStore(join(home, 'store')), openRegistry: registries.open, publisher: null };
  });

  afterAll(async () => {
    await registries.close();
    await parties.server.close();
    await temporal.teardown();
    await rm(home, { recursive: true, force: true });
  });

  function adopterWorker(plugin: MedPerfPlugin, activities: object): Promise<Worker> {
    return Worker.create({
      connection: temporal.nativeConnection,
      taskQueue: QUEUE,
      workflowsPath: require.resolve('./adopter/workflows'),
      activities,
      plugins: [plugin],
    });
  }

  it('serves foreign workflows and activities beside its own, types failures and cleans up', async () => {
    let closed = 0;
    const close = (): Promise<void> => {
      closed++;
      return Promise.resolve();
    };
    const greet = (name: string): Promise<string> => Promise.resolve(`hello ${name}`);
    const worker = await adopterWorker(new MedPerfPlugin({ control, close }), { greet });
    const start = (benchmark: number): Promise<unknown> =>
      temporal.client.workflow.execute('greetBenchmark', {
        taskQueue: QUEUE,
        workflowId: `greet-${benchmark}`,
        args: ['modelOwner', benchmark],
      });
    await worker.runUntil(async () => {
      expect(await start(1)).toBe('hello chestxray');
      await expect(start(999)).rejects.toMatchObject({
        cause: { cause: { type: 'RegistryRejected', nonRetryable: true } },
      });
    });
    expect(closed).toBe(1);
  });

  it('refuses an activity of the same name when the worker starts', async () => {
    const clash = { 'medperf.publish': () => Promise.resolve() };
    await expect(adopterWorker(new MedPerfPlugin({ control }), clash)).rejects.toThrow('medperf.publish');
  });
});
