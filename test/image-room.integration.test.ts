import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { DockerEngine } from '../engine/docker-engine';
import type { ImageRequest } from '../engine/engine';
import { FileStore } from '../store/file-store';
import { ensureNodeImage } from './node-image';
import { OwnDockerDaemon } from './own-docker-daemon';

const run = promisify(execFile);
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

let scratch: string;
let store: FileStore;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'image-room-'));
  store = new FileStore(join(scratch, 'store'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const request = (reference: string, more: Partial<ImageRequest> = {}): ImageRequest => ({
  reference,
  expectedId: null,
  offline: false,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...more,
});

describe("on a daemon's disk with too little room", () => {
  it('an archive is loaded when there is room, and says what it waits for', async () => {
    const disk = join(scratch, 'disk');
    await mkdir(disk);
    await writeFile(join(scratch, 'disk.img'), '');
    await truncate(join(scratch, 'disk.img'), 3 * GIB);
    await run('mkfs.ext4', ['-q', '-m', '0', join(scratch, 'disk.img')]);
    await run('mount', ['-o', 'loop', join(scratch, 'disk.img'), disk]);
    const daemon = await OwnDockerDaemon.start({ dataRoot: join(disk, 'data') });
    try {
      const machine = new Docker();
      const { reference, id } = await ensureNodeImage(machine);
      const saved = Readable.from(await machine.getImage(reference).get(), { objectMode: false });
      const archive = await store.putStream(saved);
      const filler = join(disk, 'filler');
      await run('fallocate', ['-l', String(1740 * MIB), filler]);
      const engine = await DockerEngine.connect({ docker: daemon.socket, store, workDirectory: join(scratch, 'work') });
      const told: string[] = [];
      const onProgress = ({ message }: { message: string }): void => {
        told.push(message);
        if (message.startsWith('waiting')) void rm(filler);
      };
      expect(await engine.obtainImage(request(reference, { archive, onProgress }))).toBe(id);
      const waited = told.find((message) => message.startsWith('waiting'));
      expect(waited).toMatch(
        /^waiting for disk space: needs .*iB, .*iB free on Docker's disk, of which 1\.00 GiB stay free$/,
      );
      expect(told.at(-1)).toBe(`loading ${reference} from its archive`);
      await engine.close();
    } finally {
      await daemon.close();
      await run('umount', ['--recursive', '--lazy', disk]);
    }
  });

  it('a pull does not begin, and is given up when it is cancelled', async () => {
    const asked: string[] = [];
    const engine = await DockerEngine.connect({
      store,
      workDirectory: join(scratch, 'work'),
      transferBytes: (reference, architecture) => {
        asked.push(`${reference} for ${architecture}`);
        return Promise.resolve(1024 * 1024 * GIB);
      },
    });
    const stop = new AbortController();
    const told: string[] = [];
    const pulling = engine.obtainImage(
      request('127.0.0.1:1/nobody/model:1', {
        signal: stop.signal,
        onProgress: ({ message }) => {
          told.push(message);
          stop.abort(new Error('stop'));
        },
      }),
    );
    await expect(pulling).rejects.toThrow('stop');
    expect(asked).toEqual([expect.stringMatching(/^127\.0\.0\.1:1\/nobody\/model:1 for (amd64|arm64)$/)]);
    expect(told).toEqual([expect.stringMatching(/^waiting for disk space/)]);
    await engine.close();
  });
});
