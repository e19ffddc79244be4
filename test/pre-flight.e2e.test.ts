import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import Docker from 'dockerode';
import { parseImageReference } from '../contract';
import { pushImage } from '../hosting/image-push';
import { ImageRegistries } from '../hosting/oci-registry';
import { pinImage } from '../mlcube/image-pin';
import type { PreFlightReport } from '../cli/pre-flight/pre-flight';
import { ImageRegistry } from './image-registry';
import { MedperfStack } from './medperf-stack';
import { ensureNodeImage } from './node-image';

const CUBE = join(__dirname, '..', 'examples', 'cubes', 'chestxray_mlp', 'mlcube');
/** Nothing answers there. */
const NOWHERE = { TEMPORAL_ADDRESS: '127.0.0.1:1' };
const docker = new Docker();
let images: ImageRegistry;
let stack: MedperfStack;
let scratch: string;
let reference: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pre-flight-'));
  images = await ImageRegistry.start();
  stack = await MedperfStack.start();
  const node = await ensureNodeImage(docker);
  const registries = new ImageRegistries();
  reference = `${images.host}/tests/model:1`;
  const archive = { open: async () => Readable.from(await docker.getImage(node.id).get(), { objectMode: false }) };
  await pushImage(registries, archive, parseImageReference(reference)!);
  await registries.close();
});
afterAll(async () => {
  await stack.stop();
  await images.stop();
  await rm(scratch, { recursive: true, force: true });
});

/** The example's model with changes to its manifest. */
async function cube(change: (manifest: string) => string): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'cube-'));
  await cp(CUBE, folder, { recursive: true });
  const file = join(folder, 'mlcube.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
  return folder;
}

async function check(folder: string, more: readonly string[] = [], environment: NodeJS.ProcessEnv = {}) {
  const args = ['mlcube', 'package', folder, '--check', '--json', ...more];
  const { code, stdout, stderr } = await stack.cli(args, '', environment);
  if (!stdout.startsWith('{')) throw new Error(stderr);
  const report = JSON.parse(stdout) as PreFlightReport & { passed: boolean };
  return { code, report, found: report.findings.map(({ severity, code: kind }) => `${severity} ${kind}`) };
}

describe('mlcube check-url', () => {
  it('says what a hosted file is, and fails where it cannot be relied on', async () => {
    const { urls } = await stack.json<{ urls: { manifestUrl: string } }>(['mlcube', 'host', CUBE]);
    const sound = await stack.cli(['mlcube', 'check-url', urls.manifestUrl]);
    expect(sound).toMatchObject({ code: 0 });
    expect(sound.stdout).toMatch(/status 200, text\/yaml.*, \d+ bytes, resumable\n {2}SHA-256 [0-9a-f]{64}/);
    expect(sound.stdout).toContain('1 URL(s) can be relied on, with 1 warning(s).');
    const other = ['--sha256', '0'.repeat(64)];
    const wrong = await stack.cli(['mlcube', 'check-url', urls.manifestUrl, `${urls.manifestUrl}.gone`, ...other]);
    expect(wrong).toMatchObject({ code: 1 });
    expect(wrong.stdout).toMatch(/other-file.*not-served.*2 of 2 URL\(s\) cannot be relied on\./s);
    const misspelt = await stack.cli(['mlcube', 'check-url', urls.manifestUrl, '--sha256', 'abc']);
    expect(misspelt.stderr).toContain('Expected 64 hexadecimal digits.');
  });
});

describe('mlcube package --check', () => {
  it('judges an image in its registry, the benchmark and the name, without pulling', async () => {
    const folder = await cube((manifest) => pinImage(manifest, reference));
    const { code, report, found } = await check(folder, ['--benchmark', '1', '--name', 'my-modelref-cube']);
    expect(found).toEqual(['warning image-user', 'warning image-entrypoint']);
    expect(code).toBe(0);
    expect(report).toMatchObject({ passed: true, type: 'model', image: reference });
    expect(report.pinned).toMatch(new RegExp(`^${images.host}/tests/model@sha256:[0-9a-f]{64}$`));
    await expect(docker.getImage(reference).inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  it('reports every error at once, each with its line, and fails', async () => {
    const folder = await cube((manifest) =>
      pinImage(manifest, `${images.host}/tests/absent:latest`).replace(/^tasks:/m, '  gpu_args: --privileged\ntasks:'),
    );
    await rm(join(folder, 'workspace', 'parameters.yaml'));
    const { code, report, found } = await check(folder, ['--benchmark', '1', '--name', 'chestxray_prep']);
    expect(found).toEqual([
      'error cube-file',
      'error docker-option',
      'error image-missing',
      'error name',
      'warning image-tag',
    ]);
    expect(code).toBe(1);
    const lines = report.findings.filter(({ where }) => where !== undefined).map(({ where }) => where?.line ?? 0);
    expect(Math.min(...lines)).toBeGreaterThan(0);
    const text = await stack.cli(['mlcube', 'package', folder, '--check']);
    expect(text.stdout).toContain('is not ready');
    expect(text.stdout).toContain('fix: push the image');
  });

  it("judges a container_config for one of today's servers, with its image or its archive", async () => {
    const server = ['--server', 'http://127.0.0.1:1', '--dialect', 'head'];
    await stack.expectDone(['profile', 'create', 'today', ...server]);
    const folder = await cube((manifest) => manifest);
    const file = join(folder, 'container_config.yaml');
    const config = await readFile(file, 'utf8');
    await writeFile(file, config.replace(/^image: .*/m, `image: ${reference}`));
    const pulled = await check(folder, ['--profile', 'today']);
    expect(pulled.found).toEqual(['warning image-user']);
    expect(pulled.report).toMatchObject({ type: 'model', image: reference });
    expect(pulled.report.findings[0]?.where).toEqual({ file: 'container_config.yaml', line: 3 });

    const { urls } = await stack.json<{ urls: { manifestUrl: string } }>(['mlcube', 'host', CUBE]);
    const archived = config.replace('DockerImage', 'DockerArchive');
    await writeFile(file, archived.replace(/^image: .*/m, `image: direct:${urls.manifestUrl}`));
    const hosted = await check(folder, ['--profile', 'today']);
    expect(hosted).toMatchObject({ code: 0, found: ['unknown image-unknown'] });
    expect(hosted.report).toMatchObject({ image: urls.manifestUrl, pinned: null });
    await writeFile(file, archived.replace(/^image: .*/m, `image: ${urls.manifestUrl}.gone`));
    expect(await check(folder, ['--profile', 'today'])).toMatchObject({ code: 1, found: ['error url'] });
  });

  it('says what it could not find out where nothing answers, and does not hang', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const folder = await cube((manifest) => pinImage(manifest, `127.0.0.1:${port}/tests/model:1`));
    const { code, found } = await check(folder, ['--benchmark', '1', '--name', 'free'], {
      ...NOWHERE,
      TEMPORAL_MEDPERF_HOME: scratch,
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
    });
    for (const socket of sockets) socket.destroy();
    silent.close();
    expect(sockets).not.toHaveLength(0);
    expect(found).toEqual([
      'warning hosts',
      'unknown image-unknown',
      'unknown benchmark',
      'unknown name',
      'unknown temporal',
    ]);
    expect(code).toBe(0);
  });

  it('refuses options that say what to check where nothing is checked', async () => {
    expect((await stack.cli(['mlcube', 'package', CUBE, '--name', 'x'])).code).toBe(2);
    expect((await stack.cli(['mlcube', 'package', CUBE, '--check', '-o', 'x'])).code).toBe(2);
  });
});
