import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MedperfError } from '../contract';
import type { ActionResult } from '../contract';
import { containerName } from '../engine/container-name';
import { DockerEngine } from '../engine/docker-engine';
import type { RunRequest } from '../engine/engine';
import { FileStore } from '../store/file-store';
import { containerStarts } from './container-starts';
import { eventually } from './medperf-stack';
import { OwnDockerDaemon } from './own-docker-daemon';
import { scriptedRun } from './scripted-run';

/** Works until somebody puts the file `go` into its output folder; ends by itself when it is asked to. */
const WAITS_FOR_GO = `
  process.on('SIGTERM', () => process.exit(3));
  console.log('working');
  const wait = () => {
    if (!fs.existsSync('/out/go')) return setTimeout(wait, 50);
    fs.writeFileSync('/out/answer', '42');
    console.log('done');
  };
  wait();`;

/** Temporal waits longer. */
const RETRY_MS = 250;
const MOST_ATTEMPTS = 200;

let folder: string;
let store: FileStore;

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-daemon-restart-'));
  store = new FileStore(path.join(folder, 'store'));
});

afterAll(() => fs.rm(folder, { recursive: true, force: true }));

function connect(daemon: OwnDockerDaemon, runtime?: string): Promise<DockerEngine> {
  const options = { docker: daemon.docker, store, workDirectory: path.join(folder, 'work'), gpus: 'none' } as const;
  return DockerEngine.connect(runtime === undefined ? options : { ...options, runtime });
}

/** Tries again for as long as it is the place's failure, as Temporal does. */
async function untilAnswered(engine: DockerEngine, request: RunRequest): Promise<ActionResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await engine.run(request);
    } catch (error) {
      const again = error instanceof MedperfError && error.type === 'EngineUnavailable';
      if (!again || attempt === MOST_ATTEMPTS) throw error;
      await delay(RETRY_MS);
    }
  }
}

async function answerOf(result: ActionResult): Promise<string> {
  const entry = await store.lookUp(result.outputs['result']!, 'answer');
  return (await store.readBytes(entry!.digest)).toString();
}

const outputFolder = (request: RunRequest): string => path.join(folder, 'work', containerName(request), 'out', '0');

/** Lets the newest container that does this run's work end, whenever there is one. */
async function letItEnd(request: RunRequest): Promise<void> {
  await eventually(
    () =>
      fs.writeFile(path.join(outputFolder(request), 'go'), '').then(
        () => true,
        () => false,
      ),
    (done) => done,
  );
}

describe.each([
  ['with live-restore', true],
  ['without live-restore', false],
])('a Docker daemon %s', (_, liveRestore) => {
  let daemon: OwnDockerDaemon;
  let imageId: `sha256:${string}`;
  let engine: DockerEngine;

  beforeAll(async () => {
    daemon = await OwnDockerDaemon.start({ liveRestore, runtimes: ['other'] });
    ({ id: imageId } = await daemon.nodeImage());
    engine = await connect(daemon);
  }, 120_000);

  afterAll(async () => {
    await engine.close();
    await daemon.close();
    expect(await fs.readdir(path.join(folder, 'work'))).toEqual([]);
  });

  it.each(['stop', 'kill'] as const)('goes away (%s) while a model works, and comes back', async (how) => {
    const lines: string[] = [];
    let container = '';
    const request = scriptedRun({ imageId, owner: `${how} ${liveRestore}` }, WAITS_FOR_GO, {
      onProgress: (progress) => {
        container = progress.container ?? container;
        if (progress.lastLogLine !== undefined) lines.push(progress.lastLogLine);
      },
    });
    const answered = untilAnswered(engine, request);
    await eventually(
      () => Promise.resolve(lines),
      (told) => told.includes('working'),
    );
    const before = await daemon.docker.getContainer(container).inspect();
    const since = Math.floor(Date.now() / 1000);
    await daemon[how]();
    await daemon.start();
    if (!liveRestore) {
      // Ended with its daemon, whatever it made of that: the next attempt does the work anew.
      await eventually(
        () => daemon.docker.listContainers({ filters: { status: ['running'] } }),
        (running) => running.some(({ Id }) => Id !== before.Id),
      );
    }
    await letItEnd(request);
    const result = await answered;
    expect([result.exitCode, await answerOf(result)]).toEqual([0, '42']);
    const after = await daemon.docker.getContainer(container).inspect();
    expect(after.Id === before.Id).toBe(liveRestore);
    expect(await containerStarts(daemon.docker, after.Id, since)).toBe(liveRestore ? 0 : 1);
    await engine.release(request);
    expect(await daemon.docker.listContainers({ all: true })).toEqual([]);
  });

  it('is away when the work should begin', async () => {
    const request = scriptedRun({ imageId, owner: `away ${liveRestore}` }, `fs.writeFileSync('/out/answer', '7')`);
    await daemon.stop();
    const refused = expect.objectContaining({ name: 'MedperfError', type: 'EngineUnavailable' }) as unknown;
    await expect(engine.run(request)).rejects.toEqual(refused);
    await expect(engine.ping()).rejects.toEqual(refused);
    await daemon.start();
    expect(await answerOf(await untilAnswered(engine, request))).toBe('7');
    await engine.release(request);
  });

  it("leaves a model its own failures, also those that look like a kill's", async () => {
    for (const code of [1, 137, 143]) {
      const request = scriptedRun({ imageId, owner: `own ${code} ${liveRestore}` }, `process.exit(${code})`);
      expect((await engine.run(request)).exitCode).toBe(code);
      await engine.release(request);
    }
  });

  it('is not the model when somebody kills its container by hand', async () => {
    const lines: string[] = [];
    const request = scriptedRun({ imageId, owner: `by hand ${liveRestore}` }, WAITS_FOR_GO, {
      onProgress: ({ lastLogLine }) => {
        if (lastLogLine !== undefined) lines.push(lastLogLine);
      },
    });
    const ended = engine.run(request);
    await eventually(
      () => Promise.resolve(lines),
      (told) => told.includes('working'),
    );
    const [listed] = await daemon.docker.listContainers();
    await daemon.docker.getContainer(listed?.Id ?? '').kill();
    await expect(ended).rejects.toMatchObject({ type: 'EngineUnavailable' });
    expect(await daemon.docker.listContainers({ all: true })).toEqual([]);
  });

  it('runs models under another runtime by its name, and refuses one that it does not know', async () => {
    const other = await connect(daemon, 'other');
    const request = scriptedRun({ imageId, owner: `runtime ${liveRestore}` }, `fs.writeFileSync('/out/answer', '8')`);
    const result = await other.run(request);
    expect(await answerOf(result)).toBe('8');
    const { HostConfig } = await daemon.docker.getContainer(containerName(request)).inspect();
    expect((HostConfig as { Runtime?: string }).Runtime).toBe('other');
    await other.release(request);
    const unknown = await connect(daemon, 'kata');
    await expect(unknown.hostName()).rejects.toMatchObject({
      type: 'InvalidRequest',
      message: expect.stringMatching(/kata.*other/s) as unknown,
    });
  });
});
