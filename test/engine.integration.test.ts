import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import Docker from 'dockerode';
import type { BlobRef, Digest, FailureType } from '../contract';
import { DockerEngine } from '../engine/docker-engine';
import type { RunRequest } from '../engine/engine';
import { logTail } from '../engine/log-tail';
import { FileStore } from '../store/file-store';
import { StartedContainers } from './container-starts';
import { ensureNodeImage } from './node-image';
import { SCRIPT_LIMITS as LIMITS, scriptedRun } from './scripted-run';
import type { RunChanges } from './scripted-run';

const MIB = 1024 * 1024;
const docker = new Docker();
let folder: string;
let store: FileStore;
let image: { reference: string; id: Digest };
let engine: DockerEngine;
let started: StartedContainers;
const ran: RunRequest[] = [];

const connect = () => DockerEngine.connect({ docker, store, workDirectory: path.join(folder, 'work'), gpus: 'none' });

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-engine-'));
  store = new FileStore(path.join(folder, 'store'));
  image = await ensureNodeImage(docker);
  engine = await connect();
  started = await StartedContainers.listen(docker);
});

afterEach(async () => {
  for (const request of ran.splice(0)) await engine.release(request);
});

afterAll(async () => {
  started.close();
  await engine.close();
  await fs.rm(folder, { recursive: true, force: true });
});

/** A run of a piece of JavaScript whose inputs are at /in and whose output folder is /out. */
function request(script: string, changes: RunChanges = {}): RunRequest {
  const labels = { 'org.temporal-medperf.test': 'engine' };
  const owner = `${folder}:${ran.length}`;
  const made = scriptedRun({ imageId: image.id, owner }, script, { labels, ...changes });
  ran.push(made);
  return made;
}

async function putInput(files: Record<string, string>): Promise<Digest> {
  const directory = await fs.mkdtemp(path.join(folder, 'input-'));
  for (const [name, content] of Object.entries(files)) await fs.writeFile(path.join(directory, name), content);
  return (await store.putTree(directory, { links: 'refuse' })).digest;
}

async function outputFile(outputs: Readonly<Record<string, Digest>>, name: string): Promise<string> {
  const entry = await store.lookUp(outputs['result']!, name);
  return (await store.readBytes(entry!.digest)).toString();
}

const ourContainers = () =>
  docker.listContainers({ all: true, filters: { label: ['org.temporal-medperf.test=engine'] } });

function failure(type: FailureType, words: RegExp): unknown {
  return expect.objectContaining({ name: 'MedperfError', type, message: expect.stringMatching(words) as unknown });
}

/** Resolves once the run's log shows a line that matches; also hands over what to abort it with. */
function watched(pattern: RegExp) {
  const seen = new EventTarget();
  const line = once(seen, 'line');
  const abort = new AbortController();
  let container = '';
  const onProgress: RunRequest['onProgress'] = (progress) => {
    container = progress.container ?? container;
    if (pattern.test(progress.lastLogLine ?? '')) seen.dispatchEvent(new Event('line'));
  };
  return { line, abort, container: () => container, changes: { onProgress, signal: abort.signal } };
}

describe('running a container', () => {
  it('lets a run wait for another one when there is no slot, and says so', async () => {
    const options = { docker, store, workDirectory: path.join(folder, 'work'), gpus: 'none', slots: 1 } as const;
    const narrow = await DockerEngine.connect(options);
    const told: string[] = [];
    const onProgress: RunRequest['onProgress'] = ({ message }) => {
      if (message !== undefined) told.push(message);
    };
    const { line, changes } = watched(/begins/);
    const first = narrow.run(request(`console.log('begins'); setTimeout(() => undefined, 1000)`, changes));
    await line;
    expect(narrow.hasRoom()).toBe(false);
    const second = narrow.run(request('1', { onProgress }));
    const [before, after] = await Promise.all([first, second]);
    expect(Date.parse(after.startedAt)).toBeGreaterThanOrEqual(Date.parse(before.finishedAt));
    expect(told).toEqual(['waits for other tasks on this host to end, behind 0 more']);
    expect(narrow.hasRoom()).toBe(true);
    await narrow.close();
  });

  it('turns input trees into output trees and keeps the log', async () => {
    const tree = await putInput({ 'numbers.json': '[1,2,3]' });
    const result = await engine.run(
      request(
        `const numbers = JSON.parse(fs.readFileSync('/in/numbers.json'));
         console.log('adding'); console.error('\\u001b[31mred\\u001b[0m');
         fs.mkdirSync('/out/deep'); fs.writeFileSync('/out/deep/sum', String(numbers.reduce((a, b) => a + b)));
         fs.writeFileSync('/report/report.txt', process.argv[1] + process.env.GREETING);`,
        {
          action: {
            inputs: { '/in': tree },
            outputs: { result: { mount: '/out' }, report: { mount: '/report', file: 'report.txt' } },
            command: ['evaluate '],
            environment: { GREETING: 'hello' },
          },
        },
      ),
    );
    expect(result).toMatchObject({ exitCode: 0, host: await engine.hostName() });
    expect(await outputFile(result.outputs, 'deep/sum')).toBe('6');
    expect((await store.readBytes(result.outputs['report']!)).toString()).toBe('evaluate hello');
    expect((await logTail(store, result.log.digest)).sort()).toEqual(['adding', 'red']);
    expect(Date.parse(result.finishedAt)).toBeGreaterThanOrEqual(Date.parse(result.startedAt));
  });

  it('returns a non-zero exit as a result without outputs', async () => {
    const result = await engine.run(request(`fs.writeFileSync('/out/half', 'x'); console.log('no'); process.exit(3)`));
    expect(result).toMatchObject({ exitCode: 3, outputs: {} });
    expect(await logTail(store, result.log.digest)).toEqual(['no']);
  });

  it("takes a model's own death by signal for its result, not for the host's failure", async () => {
    const result = await engine.run(request(`process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`));
    expect(result).toMatchObject({ exitCode: 137, outputs: {} });
  });

  it('confines it: no rights, no network, nothing to write but the output and /tmp', async () => {
    const tree = await putInput({ 'file.txt': 'original' });
    const result = await engine.run(
      request(
        `const attempt = (write) => { try { write(); return 'done'; } catch (error) { return error.code; } };
         fs.writeFileSync('/out/facts.json', JSON.stringify({
           uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(),
           capabilities: /CapBnd:\\s*(\\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1],
           noNewPrivileges: /NoNewPrivs:\\s*(\\d)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1],
           interfaces: fs.readdirSync('/sys/class/net'),
           root: attempt(() => fs.writeFileSync('/file', 'x')),
           input: attempt(() => fs.writeFileSync('/in/file.txt', 'x')),
           temporary: attempt(() => fs.writeFileSync('/tmp/file', 'x')),
           environment: Object.keys(process.env).sort(),
         }))`,
        { action: { inputs: { '/in': tree } } },
      ),
    );
    const own = process.getuid!() === 0 ? 65_532 : process.getuid!();
    const facts = JSON.parse(await outputFile(result.outputs, 'facts.json')) as Record<string, unknown>;
    expect(facts).toMatchObject({ uid: own, capabilities: '0000000000000000', noNewPrivileges: '1' });
    expect(facts['interfaces']).toEqual(['lo']);
    expect(facts).toMatchObject({ root: 'EROFS', input: 'EROFS', temporary: 'done' });
    expect(facts['environment']).toEqual(['HOME', 'HOSTNAME', 'NVIDIA_VISIBLE_DEVICES', 'PATH']);
    expect(await store.readBytes((await store.lookUp(tree, 'file.txt'))!.digest)).toEqual(Buffer.from('original'));
  });

  it('refuses before anything runs what this host cannot give', async () => {
    await expect(engine.run(request('', { gpus: 1 }))).rejects.toEqual(failure('InvalidRequest', /more GPUs/));
    const hostFiles = request('', { action: { inputs: { '/in/../proc': await putInput({}) } } });
    await expect(engine.run(hostFiles)).rejects.toEqual(failure('InvalidRequest', /mount/));
    expect(await ourContainers()).toEqual([]);
  });

  it('returns the exit code of a program that the image does not have, and a log that names it', async () => {
    const result = await engine.run(request('', { action: { entrypoint: ['/bin/absent'] } }));
    expect(result.exitCode).toBe(127);
    expect((await logTail(store, result.log.digest)).join()).toContain('/bin/absent');
  });
});

describe('surviving', () => {
  it('attaches to the container of an abandoned run and collects it', async () => {
    const first = await connect();
    const { line, container, changes } = watched(/waiting/);
    const wanted = request(
      `console.log('waiting'); process.on('SIGUSR1', () => { fs.writeFileSync('/out/done', 'yes'); process.exit(0); });
       setInterval(() => {}, 1000);`,
      changes,
    );
    const abandoned = engineLost(first.run(wanted));
    await line;
    await first.close();
    await abandoned;

    const again = watched(/waiting/);
    const second = engine.run({ ...wanted, ...again.changes });
    await again.line;
    await docker.getContainer(container()).kill({ signal: 'SIGUSR1' });
    const result = await second;
    expect(await outputFile(result.outputs, 'done')).toBe('yes');

    const third = await (await connect()).run(wanted);
    expect(third).toEqual(result);
    expect(await started.of(container())).toBe(1);
  });

  it('runs the same action of two owners in containers of their own', async () => {
    const one = request(`console.log('same')`, { owner: 'one' });
    const other = request(`console.log('same')`, { owner: 'other' });
    await Promise.all([engine.run(one), engine.run(other)]);
    expect(await ourContainers()).toHaveLength(2);
    await engine.release(one);
    await engine.release(one);
    expect(await ourContainers()).toHaveLength(1);
    await engine.release(other);
    expect(await fs.readdir(path.join(folder, 'work'))).toEqual([]);
  });

  it('starts one container for two calls at once', async () => {
    const { container, changes } = watched(/never/);
    const wanted = request(`console.log('once')`, changes);
    const [one, other] = await Promise.all([engine.run(wanted), engine.run(wanted)]);
    expect(other).toEqual(one);
    expect(await started.of(container())).toBe(1);
  });

  it('stops and removes the container when aborted, and hands on the reason', async () => {
    const { line, abort, changes } = watched(/begun/);
    const running = engine.run(request(`console.log('begun'); setInterval(() => {}, 1000);`, changes));
    await Promise.race([line, running]);
    const reason = new Error('cancelled by a person');
    abort.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(await ourContainers()).toEqual([]);
    expect(await fs.readdir(path.join(folder, 'work'))).toEqual([]);
  });

  it('says that the engine is unavailable while no daemon answers', async () => {
    const socket = path.join(folder, 'absent.sock');
    const lost = await DockerEngine.connect({
      docker: socket,
      store,
      workDirectory: path.join(folder, 'lost'),
      gpus: 'none',
    });
    const said = failure('EngineUnavailable', /Docker daemon/);
    await expect(lost.ping()).rejects.toEqual(said);
    await expect(lost.run(request(''))).rejects.toEqual(said);
    await expect(lost.ping()).rejects.not.toThrow(folder);
  });
});

describe('limits', () => {
  it.each([
    ['wall clock', `console.log('looping'); for (;;);`, { wallClockMs: 1000 }, /ran longer[^]*1 seconds[^]*looping/],
    ['log', `for (;;) fs.writeSync(1, 'spam\\n'.repeat(1000));`, { logBytes: 20_000 }, /more log[^]*spam/],
    ['memory', `const a = []; for (;;) a.push(Buffer.alloc(1e6, 1));`, { memoryBytes: 64 * MIB }, /more memory/],
    ['output size', `fs.writeFileSync('/out/big', Buffer.alloc(2e6));`, { outputBytes: MIB }, /larger outputs/],
    [
      'output size in pieces',
      `for (let i = 0; i < 5; i++) fs.writeFileSync('/out/' + i, Buffer.alloc(9e5));`,
      { outputBytes: MIB },
      /larger outputs|"result"[^]*refused/,
    ],
    [
      'files',
      `for (let i = 0; i < 9; i++) fs.writeFileSync('/out/' + i, '');`,
      { outputFiles: 5 },
      /"result"[^]*refused/,
    ],
  ])('ends or refuses a run beyond its %s', async (_, script, limits, words) => {
    const beyond = request(script, { limits: { ...LIMITS, ...limits } });
    await expect(engine.run(beyond)).rejects.toEqual(failure('ContainerFailed', words));
    await expect(engine.run(beyond)).rejects.toEqual(failure('ContainerFailed', words));
  });
});

describe('outputs', () => {
  it.each([
    ['a link in a folder', `fs.symlinkSync('/etc/passwd', '/out/link');`, undefined],
    ['a link in place of the file', `fs.symlinkSync('/etc/passwd', '/out/scores.json');`, 'scores.json'],
    ['a folder in place of the file', `fs.mkdirSync('/out/scores.json');`, 'scores.json'],
    ['nothing in place of the file', `console.log('forgot it');`, 'scores.json'],
  ])('refuses %s', async (_, script, file) => {
    const outputs = { result: { mount: '/out', ...(file === undefined ? {} : { file }) } };
    const run = engine.run(request(script, { action: { outputs } }));
    await expect(run).rejects.toEqual(failure('ContainerFailed', /"result"[^]*refused/));
    await expect(run).rejects.not.toThrow(folder);
  });
});

describe('single files', () => {
  const report = { report: { mount: '/bin/report.yaml', touched: true } } as const;

  it('are mounted by themselves among what the image has there: inputs to read, outputs to write', async () => {
    const parameters = await store.putBytes('a: 1');
    const result = await engine.run(
      request(
        `const tried = (change) => { try { change(); return 'done'; } catch ({ code }) { return code; } };
         const text = fs.readFileSync('/bin/p.yaml', 'utf8') + fs.readFileSync('/bin/report.yaml', 'utf8');
         const codes = [
           tried(() => fs.appendFileSync('/bin/p.yaml', 'x')),
           tried(() => fs.unlinkSync('/bin/report.yaml')),
           tried(() => fs.writeFileSync('/bin/other', 'x')),
         ];
         fs.writeFileSync('/bin/report.yaml', [text, ...codes, fs.existsSync('/bin/node')].join(' '));`,
        { action: { inputFiles: { '/bin/p.yaml': parameters.digest }, outputs: report } },
      ),
    );
    expect((await store.readBytes(result.outputs['report']!)).toString()).toMatch(/^a: 1 E[A-Z]+ E[A-Z]+ EROFS true$/);
    await store.check(parameters.digest);
  });

  it('are outputs also when nothing was written', async () => {
    const { outputs } = await engine.run(request('1', { action: { outputs: report } }));
    expect(await store.sizeOf(outputs['report']!)).toBe(0);
  });

  it('are within the limits', async () => {
    const script = `fs.writeFileSync('/bin/report.yaml', Buffer.alloc(${5 * MIB}))`;
    const run = engine.run(request(script, { action: { outputs: report } }));
    await expect(run).rejects.toEqual(failure('ContainerFailed', /limits\.outputBytes/));
  });

  it("are the cube's fault where the image has a folder", async () => {
    const run = engine.run(request('1', { action: { outputs: { report: { mount: '/bin', touched: true } } } }));
    await expect(run).rejects.toEqual(failure('ContainerFailed', /could not start[^]*mounts/));
    await expect(run).rejects.not.toThrow(folder);
  });
});

describe('images', () => {
  const ask = (changes: object) => ({
    reference: image.reference,
    expectedId: null,
    offline: true,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
  });

  it('uses what is here by tag or by id', async () => {
    expect(await engine.obtainImage(ask({}))).toBe(image.id);
    expect(await engine.obtainImage(ask({ reference: 'other/name:2', expectedId: image.id }))).toBe(image.id);
  });

  it('refuses an absent image offline and one with another id than promised', async () => {
    await expect(engine.obtainImage(ask({ reference: 'medperf-test/absent:1' }))).rejects.toEqual(
      failure('InvalidRequest', /medperf-test\/absent:1/),
    );
    const promised = `sha256:${'0'.repeat(64)}`;
    await expect(engine.obtainImage(ask({ expectedId: promised }))).rejects.toEqual(
      failure('HashMismatch', new RegExp(`${promised}[^]*${image.id}`)),
    );
    await expect(engine.obtainImage(ask({ reference: 'Not A Name' }))).rejects.toEqual(
      failure('IncompatibleModel', /not the name/),
    );
  });

  /** An image of its own that is no longer on the host but in an archive, saved under these names. */
  async function archived(names: readonly string[]): Promise<{ id: Digest; archive: BlobRef }> {
    const container = await docker.createContainer({ Image: image.id, Cmd: ['/bin/node'] });
    try {
      const changes = `LABEL made-for=${folder}-${names.join()}`;
      const made = docker.getImage(((await container.commit({ changes })) as { Id: Digest }).Id);
      const { Id: id } = await made.inspect();
      for (const name of names) await made.tag({ repo: name.split(':')[0]!, tag: name.split(':')[1]! });
      const saved = (await docker.getImage(names[0] ?? id).get()) as AsyncIterable<Buffer>;
      const archive = await store.putStream(saved);
      for (const name of names) await docker.getImage(name).remove();
      await made.remove().catch(() => undefined);
      return { id: id as Digest, archive };
    } finally {
      await container.remove();
    }
  }

  it('loads an absent image from its archive, once', async () => {
    const { id, archive } = await archived(['temporal-medperf/test-archive:1']);
    const wanted = ask({ reference: 'temporal-medperf/test-archive:1', archive });
    try {
      await expect(engine.obtainImage({ ...wanted, expectedId: image.id })).resolves.toBe(image.id);
      expect(await engine.obtainImage(wanted)).toBe(id);
      expect(await engine.obtainImage({ ...wanted, expectedId: id })).toBe(id);
    } finally {
      await docker.getImage(id).remove();
    }
  });

  it('lets no archive move a name that is in use on this host', async () => {
    const name = 'temporal-medperf/test-moved:1';
    const { id, archive } = await archived([name]);
    await docker.getImage(image.id).tag({ repo: name.split(':')[0]!, tag: '1' });
    try {
      expect(await engine.obtainImage(ask({ reference: name, expectedId: id, archive }))).toBe(id);
      expect(await engine.obtainImage(ask({ reference: name }))).toBe(image.id);
    } finally {
      await docker.getImage(name).remove();
      await docker.getImage(id).remove();
    }
  });

  it('refuses an archive of another image, and one that is none', async () => {
    const { archive } = await archived(['temporal-medperf/test-other:1']);
    const expectedId = `sha256:${'0'.repeat(64)}`;
    await expect(engine.obtainImage(ask({ archive, reference: 'a/b:1', expectedId }))).rejects.toEqual(
      failure('HashMismatch', /a\/b:1/),
    );
    const rubbish = await store.putBytes('no archive at all'.repeat(1000));
    await expect(engine.obtainImage(ask({ archive: rubbish, reference: 'a/b:1' }))).rejects.toEqual(
      failure('IncompatibleModel', /a\/b:1/),
    );
  });

  it('names the host the same for every engine of a daemon', async () => {
    const name = await engine.hostName();
    expect(name).toMatch(/^[0-9a-f]{12}$/);
    expect(await (await connect()).hostName()).toBe(name);
  });
});

async function engineLost(run: Promise<unknown>): Promise<void> {
  await expect(run).rejects.toEqual(failure('EngineUnavailable', /lets go/));
}
