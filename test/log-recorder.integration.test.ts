import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import Docker from 'dockerode';
import { LogRecorder } from '../engine/log-recorder';
import { readRecordedLog } from '../engine/recorded-log';
import { ScratchFolder } from '../engine/scratch-folder';
import { FileStore } from '../store/file-store';
import { ensureNodeImage } from './node-image';

const MIB = 1024 * 1024;
const docker = new Docker();
const never = new AbortController().signal;
const quiet = { signal: never, onLine: () => undefined, onOverflow: () => undefined };
const made: Docker.Container[] = [];
let root: string;
let store: FileStore;
let image: string;

beforeAll(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-recorder-'));
  store = new FileStore(path.join(root, 'store'));
  image = (await ensureNodeImage(docker)).reference;
});

afterEach(async () => {
  for (const container of made.splice(0)) await container.remove({ force: true, v: true });
});

afterAll(() => fs.rm(root, { recursive: true, force: true }));

/** A container that writes; on SIGUSR1 it calls `more`. */
async function started(script: string) {
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['/bin/node', '-e', `const write = (fd, text) => require('node:fs').writeSync(fd, text); ${script}`],
    Labels: { 'org.temporal-medperf.test': 'log-recorder' },
    HostConfig: { NetworkMode: 'none' },
  });
  made.push(container);
  await container.start();
  const name = `recorder-${made.length}-${container.id.slice(0, 12)}`;
  await fs.mkdir(path.join(root, name, 'facts'), { recursive: true });
  const parts = { container, name, folder: new ScratchFolder(root, name), store, maxBytes: 8 * MIB };
  return { container, name, parts };
}

/** Follows until a line shows, then is lost. */
async function followUntil(recorder: LogRecorder, wanted: string): Promise<void> {
  const abort = new AbortController();
  const onLine = (line: string): void => {
    if (line === wanted) abort.abort();
  };
  await recorder.follow({ ...quiet, signal: abort.signal, onLine });
}

const text = async (digest: Parameters<FileStore['readBytes']>[0]) => String(await store.readBytes(digest));

describe("recording a container's log from Docker", () => {
  it('keeps lines of any length and bursts as they were written', async () => {
    const { parts } = await started(
      `write(1, 'a'.repeat(100000) + '\\n'); for (let at = 0; at < 3000; at++) write(1, at + '\\n'); write(1, 'end');`,
    );
    const recorder = new LogRecorder(parts);
    await recorder.follow(quiet);
    const { blob, cut, gaps } = await recorder.finish();
    const numbers = Array.from({ length: 3000 }, (_, at) => `${at}\n`).join('');
    expect(await text(blob.digest)).toBe(`${'a'.repeat(100_000)}\n${numbers}end`);
    expect({ cut, gaps }).toEqual({ cut: false, gaps: 0 });
  });

  it('goes on in the middle of a line that the other stream overtook, with a second recorder', async () => {
    const { container, parts } = await started(
      `process.on('SIGUSR1', () => { write(2, 'b'.repeat(40000) + '\\n'); write(1, 'last\\n'); process.exit(0); });
       setInterval(() => {}, 1000); write(2, 'a'.repeat(20000)); setTimeout(() => write(1, 'overtaken\\nready\\n'), 300);`,
    );
    await followUntil(new LogRecorder(parts), 'ready');
    await container.kill({ signal: 'SIGUSR1' });
    await container.wait();
    const { blob, gaps } = await new LogRecorder(parts).finish();
    const log = await text(blob.digest);
    expect(gaps).toBe(0);
    expect(log.match(/a/g)).toHaveLength(20_000 + 'overtaken ready last'.match(/a/g)!.length);
    expect(log.match(/b/g)).toHaveLength(40_000);
    expect(log.match(/overtaken|last/g)).toEqual(['overtaken', 'last']);
  });

  it('tells a log that is too long while it is written, and a later recorder agrees', async () => {
    const { container, parts } = await started(`setInterval(() => write(1, 'x'.repeat(9999) + '\\n'), 1);`);
    const overflow = jest.fn();
    await new LogRecorder({ ...parts, maxBytes: 50_000 }).follow({ ...quiet, onOverflow: overflow });
    expect(overflow).toHaveBeenCalledTimes(1);
    await container.kill();
    const { blob, cut } = await new LogRecorder({ ...parts, maxBytes: 50_000 }).finish();
    expect([blob.size, cut]).toEqual([50_000, true]);
  });

  it('shows all to a reader who follows while its recorder is replaced', async () => {
    const { container, name, parts } = await started(
      `let count = 0; const timer = setInterval(() => write(1, 'line ' + count++ + '\\n'), 20);
       process.on('SIGUSR1', () => { clearInterval(timer); write(2, 'x'.repeat(400000) + '\\n'); process.exit(0); });`,
    );
    const chunks: Buffer[] = [];
    const reading = (async () => {
      for await (const chunk of readRecordedLog(store, name, { follow: true, signal: never })) chunks.push(chunk);
    })();
    await followUntilCount(new LogRecorder(parts), 150);
    const second = new LogRecorder(parts);
    const following = second.follow(quiet);
    await container.kill({ signal: 'SIGUSR1' });
    await following;
    const { blob } = await second.finish();
    await reading;
    const whole = Buffer.concat(chunks);
    expect(whole.equals(await store.readBytes(blob.digest))).toBe(true);
    expect(chunks.length).toBeGreaterThan(1);
    const numbers = String(whole)
      .split('\n')
      .flatMap((line) => /^line (\d+)$/.exec(line)?.[1] ?? []);
    expect(numbers.map(Number)).toEqual(numbers.map((_, at) => at));
  });
});

async function followUntilCount(recorder: LogRecorder, count: number): Promise<void> {
  const abort = new AbortController();
  const onLine = (line: string): void => {
    if (Number(line.replace('line ', '')) >= count) abort.abort();
  };
  await recorder.follow({ ...quiet, signal: abort.signal, onLine });
}
