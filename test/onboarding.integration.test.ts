import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MedperfClient, Run } from '../client';
import type { OnboardResult, Progress } from '../contract';
import { demoDataArchive } from '../devstack/demo-data';
import { StartedContainers } from './container-starts';
import { EmbeddedStack, EXAMPLE_CUBES, lookNow } from './embedded-stack';
import { keepHistory as keepHistoryOf } from './kept-histories';
import { eventually } from './medperf-stack';

const MODEL = join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube');

describe('onboarding on real parts', () => {
  let stack: EmbeddedStack;
  let owner: MedperfClient;

  beforeAll(async () => {
    stack = await EmbeddedStack.start();
    owner = await stack.clientOf('modelOwner');
  });

  afterAll(() => stack.stop());

  async function waitFor(id: string, what: Progress['needs'][number]['what']): Promise<void> {
    await eventually(
      () => owner.progress(id),
      ({ needs }) => needs.some((need) => need.what === what),
    );
  }

  function keepHistory(id: string, name: string): Promise<{ events: number; json: string }> {
    return keepHistoryOf(stack.temporal.client, id, name);
  }

  async function sharedOf(id: string): Promise<string[]> {
    const { stages } = await owner.progress(id);
    return stages.flatMap(({ steps }) => steps.flatMap((step) => step.shared?.id ?? []));
  }

  it('goes from a folder to an approved association', async () => {
    const cube = await owner.ingestCube(MODEL, 'chestxray_mlp');
    const run: Run<OnboardResult> = await owner.startOnboard({ cube, name: 'my-modelref-cube', benchmark: 1 });
    await waitFor(run.id, 'confirmation');
    await owner.confirm(run.id, { send: true, by: 'testmo' });
    await expect(owner.confirm(run.id, { send: true, by: 'again' })).rejects.toThrow('already answered');
    await waitFor(run.id, 'committee-decision');
    const committee = await stack.registryOf('benchmarkOwner');
    await committee.decideAssociation(5, 1, 'APPROVED');
    await committee.close();

    const result = await run.result();
    expect(result.registered).toMatchObject({ uid: 5, name: 'my-modelref-cube', adopted: false });
    expect(result.association).toMatchObject({ decision: 'APPROVED', modelUid: 5 });
    const { candidate, reference } = result.test;
    expect(Object.keys(candidate.headline).length).toBeGreaterThan(0);
    expect(candidate.headline).not.toEqual(reference?.headline);
    expect((await owner.progress(run.id)).outcome).toBe('approved');
    const shared = await sharedOf(run.id);
    expect(shared).toHaveLength(2);
    for (const [at, id] of shared.entries()) await keepHistory(id, `benchmark-base-${at + 1}`);

    const { events, json } = await keepHistory(run.id, 'onboard-approved');
    expect(events).toBeLessThan(250);
    expect(Buffer.byteLength(JSON.stringify(JSON.parse(json)))).toBeLessThan(200_000);
    const token = await stack.parties.authorization('modelOwner')();
    const payloads = decodedPayloads(json);
    for (const secret of [
      token.replace('Bearer ', ''),
      stack.home,
      join(__dirname, '..'),
      await readFile(join(MODEL, 'workspace', 'parameters.yaml'), 'utf8'),
    ]) {
      expect(payloads).not.toContain(secret.trim());
    }
  });

  it('tests unchanged bytes without starting a container, and associates by the registered cube', async () => {
    const started = await StartedContainers.listen(stack.docker);
    const run = await owner.startTestRun({ benchmark: 1, model: { kind: 'model', uid: 5 } });
    const result = await run.result();
    expect(result.reused).toBe(true);
    await keepHistory(run.id, 'test-run-reused');
    const again = await owner.startAssociate({ benchmark: 1, modelUid: 5, confirmed: true });
    expect((await again.result()).decision).toBe('APPROVED');
    await keepHistory(again.id, 'associate-approved-before');
    const ids = [run.id, again.id, ...(await sharedOf(run.id))];
    expect(started.tasksOf(ids)).toEqual([]);
    started.close();
  });

  it('runs every container again when asked to, and shares none of it', async () => {
    const model = { kind: 'model', uid: 5 } as const;
    const run = await owner.startTestRun({ benchmark: 1, model, noCache: true });
    expect((await run.result()).reused).toBe(false);
    const steps = (await owner.progress(run.id)).stages.flatMap((stage) => stage.steps);
    expect(steps.filter(({ reused }) => reused === false)).toHaveLength(7);
    expect(steps.filter(({ shared }) => shared !== undefined)).toEqual([]);
    await keepHistory(run.id, 'test-run-no-cache');
  });

  it('needs no registry offline for what it has seen, and says what it has not', async () => {
    const seen = await owner.startTestRun({ benchmark: 1, model: { kind: 'model', uid: 5 }, offline: true });
    expect((await seen.result()).reused).toBe(true);
    const unseen = await owner.startTestRun({ benchmark: 2, model: { kind: 'model', uid: 5 }, offline: true });
    await expect(unseen.result()).rejects.toMatchObject({
      cause: { cause: { type: 'InvalidRequest', message: expect.stringContaining('--offline') as string } },
    });
  });

  it('adopts what is registered when the onboarding is asked for again', async () => {
    const cube = await owner.ingestCube(MODEL, 'chestxray_mlp');
    const run = await owner.startOnboard({ cube, name: 'my-modelref-cube', benchmark: 1, confirmed: true });
    expect((await run.result()).registered).toMatchObject({ uid: 5, adopted: true });
  });

  it('refuses another request under the id of a running one', async () => {
    const cube = await owner.ingestCube(MODEL, 'chestxray_mlp');
    const first = await owner.startOnboard({ cube, name: 'twice', benchmark: 1, noReference: true });
    const other = { ...cube, label: 'another' };
    await expect(owner.startOnboard({ cube: other, name: 'twice', benchmark: 1 })).rejects.toThrow('goes on already');
    const same = await owner.startOnboard({ cube, name: 'twice', benchmark: 1, noReference: true });
    expect(same.id).toBe(first.id);
    await owner.cancel(first.id);
    await expect(first.result()).rejects.toThrow();
    await keepHistory(first.id, 'onboard-cancelled');
  });

  it.each([
    ['crash', 'ContainerFailed', 'exit code 3'],
    ['wrong-output-shape', 'ContainerFailed', 'evaluate'],
  ])('fails honestly on the cube %s', async (name, type, text) => {
    const cube = await owner.ingestCube(join(EXAMPLE_CUBES, 'failing', name, 'mlcube'), name);
    const run = await owner.startTestRun({ benchmark: 1, model: cube, noReference: true });
    await expect(run.result()).rejects.toMatchObject({
      cause: { cause: { type, message: expect.stringContaining(text) as string } },
    });
    expect((await owner.progress(run.id)).outcome).toBe('failed');
    await keepHistory(run.id, `test-run-${name}`);
  });

  it('stops the container of a cancelled run', async () => {
    const cube = await owner.ingestCube(join(EXAMPLE_CUBES, 'failing', 'endless-loop', 'mlcube'), 'endless-loop');
    const run = await owner.startTestRun({ benchmark: 1, model: cube, noReference: true });
    const containers = () =>
      stack.docker.listContainers({ all: true, filters: { label: [`org.temporal-medperf.workflow-id=${run.id}`] } });
    await eventually(containers, (list) => list.some(({ State }) => State === 'running'));
    await owner.cancel(run.id);
    await expect(run.result()).rejects.toThrow();
    expect(await containers()).toEqual([]);
    await keepHistory(run.id, 'test-run-cancelled');
  });

  it('fails at once when GPUs are asked for where there are none', async () => {
    const model = { kind: 'model', uid: 5 } as const;
    const known = await owner.startTestRun({ benchmark: 1, model, gpus: 1 });
    expect((await known.result()).reused).toBe(true);
    const run = await owner.startTestRun({ benchmark: 1, model, gpus: 1, noCache: ['infer-model'] });
    await expect(run.result()).rejects.toMatchObject({ cause: { cause: { type: 'InvalidRequest' } } });
  });

  it('withdraws the request when cancelled while the committee decides', async () => {
    const registered = await owner.startSubmit({ name: 'withdrawn', files: await anotherVersion(), operational: true });
    const { uid } = await registered.result();
    await keepHistory(registered.id, 'submit');
    const run = await owner.startAssociate({ benchmark: 1, modelUid: uid, confirmed: true, noReference: true });
    await waitFor(run.id, 'committee-decision');
    const looks = async (): Promise<number> => {
      const { raw } = await stack.temporal.client.workflow.getHandle(run.id).describe();
      return raw.pendingActivities?.find(({ activityId }) => activityId === 'committee')?.attempt ?? 0;
    };
    await eventually(looks, (attempts) => attempts >= 4);
    await lookNow(owner, run.id);
    await eventually(looks, (attempts) => attempts > 0 && attempts < 4);
    await owner.cancel(run.id);
    await expect(run.result()).rejects.toThrow();
    await expect(owner.lookNow(run.id)).rejects.toMatchObject({ type: 'InvalidRequest' });
    const registry = await stack.registryOf('modelOwner');
    expect((await registry.association(uid, 1))?.status).toBe('REJECTED');
    await registry.close();
    await keepHistory(run.id, 'associate-withdrawn');

    const rejected = await owner.startAssociate({ benchmark: 1, modelUid: uid, confirmed: true });
    expect((await rejected.result()).decision).toBe('REJECTED');
  });

  /** Publishes the tutorial's model with other parameters, so that its hashes are new. */
  async function anotherVersion() {
    const folder = join(stack.home, 'another');
    await copyFolder(MODEL, folder);
    await writeFile(
      join(folder, 'mlcube.yaml'),
      `# another version\n${await readFile(join(MODEL, 'mlcube.yaml'), 'utf8')}`,
    );
    const cube = await owner.ingestCube(folder, 'another');
    const packaging = await owner.startPackage({ cube });
    const packaged = await packaging.result();
    await keepHistory(packaging.id, 'package');
    const hosting = await owner.startHost({ packaged, name: 'another' });
    const { files, findings } = await hosting.result();
    expect(new Set(findings.map(({ code }) => code))).toEqual(new Set(['private-host']));
    await keepHistory(hosting.id, 'host');
    return files;
  }

  it('has a worker check what URLs serve', async () => {
    const served = `${stack.files.url}/demo.tar.gz`;
    const run = await owner.startHostingCheck({ urls: [served, `${served}.gone`] });
    const [demo, gone] = await run.result();
    const content = await demoDataArchive();
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    expect(demo).toMatchObject({ url: served, file: { digest, size: content.length, resumable: true } });
    expect(demo?.findings.map(({ code }) => code)).toEqual(['private-host']);
    expect(gone?.findings.map(({ code }) => code)).toEqual(['private-host', 'not-served']);
    await keepHistory(run.id, 'check-hosting');
    await expect(owner.startHostingCheck({ urls: ['https://u:secret@files.example.org/a'] })).rejects.toMatchObject({
      type: 'InvalidRequest',
    });
    const metadata = await owner.startHostingCheck({ urls: ['http://169.254.169.254/latest/meta-data'] });
    const [forbidden] = await metadata.result();
    expect(forbidden?.findings.at(-1)?.message).toContain('a host on a private network');
  });

  it('leaves no container behind', async () => {
    const left = await stack.docker.listContainers({ all: true, filters: { label: ['org.temporal-medperf.key'] } });
    const ours = left.filter(({ Labels }) =>
      Labels['org.temporal-medperf.workflow-id']?.includes(new URL(stack.parties.server.url).port),
    );
    expect(ours).toEqual([]);
  });
});

/** Payloads are base64 in a history's JSON: what they say is only visible decoded. */
function decodedPayloads(json: string): string {
  return json.replace(/"data": ?"([A-Za-z0-9+/=]+)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString('utf8'),
  );
}

async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.isDirectory()) await copyFolder(join(from, entry.name), join(to, entry.name));
    else await writeFile(join(to, entry.name), await readFile(join(from, entry.name)));
  }
}
