import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { LiveProgress } from '../client';
import { isAlive } from '../devstack/process-identity';
import type { ProcessIdentity } from '../devstack/process-identity';
import { EXAMPLE_CUBES } from './embedded-stack';
import { eventually, MedperfStack } from './medperf-stack';

/** Infers only after it has been running for a while, so that a worker can be killed meanwhile. */
const SLOW_INFER = `
setTimeout(() => {
  process.argv.splice(2, 0, 'infer');
  require('/cube/model/main.js');
}, 6000);
`;

describe('a worker killed while a model infers', () => {
  const docker = new Docker();
  let stack: MedperfStack;

  beforeAll(async () => {
    stack = await MedperfStack.start();
  });

  afterAll(() => stack.stop());

  async function slowCube(): Promise<string> {
    const folder = join(stack.home, 'slow');
    await cp(join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube'), folder, { recursive: true });
    const manifest = await readFile(join(folder, 'mlcube.yaml'), 'utf8');
    const entrypoint = "  infer:\n    entrypoint: '/usr/local/bin/node /mlcube_io2/slow-infer.js'\n";
    await writeFile(join(folder, 'mlcube.yaml'), manifest.replace('  infer:\n', entrypoint));
    await writeFile(join(folder, 'workspace', 'additional_files', 'slow-infer.js'), SLOW_INFER);
    return folder;
  }

  function inferContainers(id: string): Promise<Docker.ContainerInfo[]> {
    const label = [`org.temporal-medperf.workflow-id=${id}`, 'org.temporal-medperf.step=infer-model'];
    return docker.listContainers({ all: true, filters: { label } });
  }

  async function starts(container: string, since: number): Promise<number> {
    const events = (await docker.getEvents({
      since,
      until: Math.ceil(Date.now() / 1000),
      filters: { container: [container], event: ['start'] },
    })) as AsyncIterable<Buffer>;
    let text = '';
    for await (const chunk of events) text += String(chunk);
    return text.split('\n').filter(Boolean).length;
  }

  it('goes on with the same container, one cube and one association', async () => {
    const since = Math.floor(Date.now() / 1000) - 1;
    const { id } = await stack.json<{ id: string }>([
      ...['onboard', await slowCube(), '--name', 'survivor', '--benchmark', '1', '-y', '--no-reference', '--detach'],
    ]);
    const running = await eventually(
      () => inferContainers(id),
      (list) => list[0]?.State === 'running',
    );
    const worker = await stack.readState<ProcessIdentity>('worker.json');
    process.kill(worker.pid, 'SIGKILL');
    await eventually(
      () => isAlive(worker),
      (alive) => !alive,
    );
    await stack.expectDone(['dev', 'start']);

    // Until the new worker has taken the workflow over, its progress is not known.
    const show = async (): Promise<LiveProgress | null> => {
      const { code, stdout } = await stack.cli(['run', 'show', id, '--json']);
      return code === 0 ? (JSON.parse(stdout) as LiveProgress) : null;
    };
    await eventually(show, (run) => run?.needs.some(({ what }) => what === 'committee-decision') === true, 120);
    await stack.expectDone([
      'association',
      'approve',
      '--profile',
      'committee',
      '--benchmark',
      '1',
      '--model_uid',
      '4',
    ]);
    await eventually(show, (run) => run?.outcome === 'approved');

    expect(await starts(running[0]?.Id ?? '', since)).toBe(1);
    expect(await inferContainers(id)).toEqual([]);
    expect(await stack.json<unknown[]>(['mlcube', 'ls', '--mine'])).toMatchObject([{ uid: 4, name: 'survivor' }]);
    expect(await stack.json<unknown[]>(['association', 'ls'])).toMatchObject([{ modelUid: 4, status: 'APPROVED' }]);
  });
});
