import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { testSubject } from '../activities/test-subject';
import { CONTROL_QUEUE, SEARCH_ATTRIBUTES } from '../contract';
import type { TestRunResult } from '../contract';
import { exampleTutorial, openLocalIssuer, seedTutorial, startRegistry } from '../devstack/registry';
import type { LocalIssuer, RunningRegistry } from '../devstack/registry';
import { openProfiles, openRegistry, signInLocally } from '../registry';
import type { MedperfRegistry, Profiles } from '../registry';
import { FileStore } from '../store/file-store';
import { MedPerfPlugin, Registries } from '../worker';
import type { EarlierTest } from '../workflows/associate-stage';
import { eventually } from './medperf-stack';
import { hashOf } from './registry-fixtures';

const OWNER = { username: 'testmo', email: 'testmo@example.com' };
const COMMITTEE = { username: 'testbo', email: 'testbo@example.com' };
/** Enough to ask for the association, and over while the committee thinks. */
const LIFETIME_S = 8;

describe('a sign-in that expires while a workflow waits', () => {
  let home: string;
  let temporal: TestWorkflowEnvironment;
  let issuer: LocalIssuer;
  let server: RunningRegistry;
  let profiles: Profiles;
  let registries: Registries;
  let store: FileStore;
  let worker: Worker;
  let ended: Promise<void>;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    home = await mkdtemp(join(tmpdir(), 'medperf-expired-'));
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    const searchAttributes = Object.values(SEARCH_ATTRIBUTES).map((name) =>
      defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    );
    temporal = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, searchAttributes },
    });
    issuer = await openLocalIssuer();
    server = await startRegistry({ dialect: 'E25', database: {}, tokens: issuer.settings });
    await seedTutorial(server, exampleTutorial('E25'));
    profiles = openProfiles(join(home, 'config'));
    registries = new Registries(profiles);
    store = new FileStore(join(home, 'store'));
    worker = await Worker.create({
      connection: temporal.nativeConnection,
      taskQueue: CONTROL_QUEUE,
      workflowsPath: require.resolve('./tested-request-workflows'),
      plugins: [new MedPerfPlugin({ control: { store, openRegistry: registries.open, publisher: null } })],
    });
    ended = worker.run();
  });
  afterAll(async () => {
    worker.shutdown();
    await ended;
    await registries.close();
    await server.close();
    await temporal.teardown();
    await rm(home, { recursive: true, force: true });
  });

  /** As `login --local` does it, with a token that the development server's issuer made for so long. */
  async function signIn(profile: string, user: typeof OWNER, lifetimeSeconds?: number): Promise<void> {
    const tokens = join(home, 'tokens.json');
    const token = await issuer.tokenFor(user, lifetimeSeconds === undefined ? {} : { lifetimeSeconds });
    await writeFile(tokens, JSON.stringify({ [user.email]: token }), { mode: 0o600 });
    const { credentials } = await signInLocally({ server: server.url }, { email: user.email, tokens });
    await profiles.save({ name: profile, server: server.url, username: user.username, credentials });
  }

  async function registryOf(profile: string): Promise<MedperfRegistry> {
    return openRegistry(profiles, await profiles.get(profile));
  }

  async function newCube(): Promise<number> {
    const registry = await registryOf('default');
    const urls = { manifestUrl: 'https://h.example/mlcube.yaml' };
    const hashes = { manifestHash: hashOf('expired'), imageHash: hashOf('image') };
    const content = { format: 'mlcube', urls, hashes } as const;
    const { record } = await registry.registerCube({ name: 'expired', content, state: 'OPERATION' });
    await registry.close();
    return record.uid;
  }

  async function start(modelUid: number): Promise<WorkflowHandle> {
    const { digest } = await store.putBytes('{"AUC":0.9}');
    const registry = await registryOf('default');
    const subject = await testSubject(registry, await registry.benchmark(1), null, new AbortController().signal);
    await registry.close();
    const test = { candidate: { results: digest }, tested: { tree: digest, imageId: digest } } as TestRunResult;
    const registered = { uid: modelUid, name: 'expired', adopted: false, tree: digest, imageId: digest };
    const earlier: EarlierTest = { test, registered: { kind: 'cube', ...registered }, subject };
    return temporal.client.workflow.start('associatesTested', {
      taskQueue: CONTROL_QUEUE,
      workflowId: 'expired',
      args: [{ profile: 'default', benchmark: 1, modelUid, confirmed: true }, earlier],
    });
  }

  async function lastFailure(handle: WorkflowHandle): Promise<string> {
    const { raw } = await handle.describe();
    return raw.pendingActivities?.map(({ lastFailure: failure }) => failure?.message ?? '').join() ?? '';
  }

  it('parks it until somebody signs in again, and nothing is lost', async () => {
    await signIn('committee', COMMITTEE);
    await signIn('default', OWNER);
    const cube = await newCube();
    await signIn('default', OWNER, LIFETIME_S);
    const handle = await start(cube);
    const parked = await eventually(
      () => lastFailure(handle),
      (failure) => failure.includes('does not accept the credentials'),
      120,
    );
    expect(parked).toContain('Sign in again: temporal-medperf login');
    expect((await handle.describe()).status.name).toBe('RUNNING');

    await signIn('default', OWNER);
    const committee = await registryOf('committee');
    await eventually(
      () => committee.association(cube, 1),
      (row) => row !== null,
      120,
    );
    await committee.decideAssociation(cube, 1, 'APPROVED');
    expect(await handle.result()).toMatchObject({ decision: 'APPROVED' });
    const rows = await committee.associations();
    expect(rows.filter((row) => row.modelUid === cube)).toHaveLength(1);
    await committee.close();
    expect(JSON.stringify(await handle.fetchHistory())).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });
});
