import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { DEFAULT_UNPACK_LIMITS, unpackArchive } from './archive';
import { download } from './download';
import { FileStore } from './file-store';
import { SpaceAdmission } from './space-admission';

const GIB = 1024 ** 3;
/** Of a disk of 10 GiB, 1 GiB stays free. */
const TOTAL = 10 * GIB;

let free: number;
const soon = { pollMs: 1, patienceMs: 60_000 };
const disk = (limits = soon): SpaceAdmission =>
  new SpaceAdmission('the store', () => Promise.resolve({ totalBytes: TOTAL, freeBytes: free }), limits);

describe('an admission', () => {
  it('is given when what is needed fits beside what stays free', async () => {
    free = 3 * GIB;
    expect(await disk().tryAdmit(2 * GIB)).not.toBeNull();
    expect(await disk().tryAdmit(2 * GIB + 1)).toBeNull();
    free = GIB - 1;
    expect(await disk().tryAdmit(0)).toBeNull();
    await expect(disk().admitNow(0)).rejects.toMatchObject({
      type: 'StoreUnavailable',
      facts: { what: 'The disk of the store is too full for the work to begin.' },
    });
  });

  it('counts what others still need, until they have written it or ended', async () => {
    free = 3 * GIB;
    const space = disk();
    const other = (await space.tryAdmit(1.5 * GIB))!;
    expect(await space.tryAdmit(GIB)).toBeNull();
    free -= GIB;
    other.left -= GIB;
    expect(await space.tryAdmit(GIB)).toBeNull();
    const small = (await space.tryAdmit(0.5 * GIB))!;
    small.release();
    other.release();
    expect(await space.tryAdmit(GIB)).not.toBeNull();
  });

  it('is waited for with its reason, told once, until there is room', async () => {
    free = 1.5 * GIB;
    const told: (string | null)[] = [];
    const share = await disk().admit(GIB, {
      onWait: (reason) => {
        told.push(reason);
        if (told.length === 1) free = 1.6 * GIB;
        if (told.length === 2) free = 2 * GIB;
      },
    });
    expect(share.left).toBe(GIB);
    expect(told).toEqual([
      'waiting for disk space: needs 1.00 GiB, 1.50 GiB free on the store, of which 1.00 GiB stay free',
      'waiting for disk space: needs 1.00 GiB, 1.60 GiB free on the store, of which 1.00 GiB stay free',
      null,
    ]);
  });

  it('is given up when it was waited for too long, and when it is aborted', async () => {
    free = 0;
    await expect(disk({ pollMs: 1, patienceMs: 20 }).admit(1)).rejects.toMatchObject({ type: 'StoreUnavailable' });
    const stop = new AbortController();
    const onWait = (): void => stop.abort(new Error('stop'));
    await expect(disk({ ...soon, pollMs: 60_000 }).admit(1, { signal: stop.signal, onWait })).rejects.toThrow('stop');
  });

  it('never promises more than there is, however many ask at once', async () => {
    free = 4 * GIB;
    const space = disk();
    const shares = await Promise.all(Array.from({ length: 20 }, () => space.tryAdmit(GIB)));
    expect(shares.filter((share) => share !== null)).toHaveLength(3);
  });
});

class SmallStore extends FileStore {
  override readonly space = disk();
}

describe('on a disk with too little room', () => {
  let scratch: string;
  let store: FileStore;
  let server: Server;
  let asked: number;
  const waits: (string | null)[] = [];
  const untilFreed = (reason: string | null): void => {
    waits.push(reason);
    if (waits.length === 3) free = 5 * GIB;
    else if (reason !== null) free += 1024 ** 2 * 100;
  };

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'admission-'));
    store = new SmallStore(scratch);
    asked = 0;
    waits.length = 0;
    server = createServer((_, response) => {
      asked += 1;
      response.writeHead(200, { 'content-length': 2_000_000, etag: '"1"' }).end(Buffer.alloc(2_000_000, 1));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await rm(scratch, { recursive: true });
  });
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;

  it('a download waits before its first byte, and asks its host again when there is room', async () => {
    free = GIB;
    const seen: number[] = [];
    const blob = await download(store, url(), {
      maxBytes: 1e9,
      onWait: untilFreed,
      onProgress: () => seen.push(asked),
    });
    expect(blob.size).toBe(2_000_000);
    expect(waits[0]).toContain('waiting for disk space: needs 2 MiB, 1.00 GiB free on the store');
    expect(waits.at(-1)).toBeNull();
    expect(new Set(seen)).toEqual(new Set([2]));
    // Nothing stays promised.
    free = GIB + 10;
    expect(await store.space.tryAdmit(10)).not.toBeNull();
  });

  it('an archive waits, by what it says that it holds', async () => {
    const header = Buffer.alloc(512);
    new Header({ path: 'zeros', size: 8 * 1024 ** 2, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(header);
    const { digest } = await store.putBytes(
      gzipSync(Buffer.concat([header, Buffer.alloc(8 * 1024 ** 2), Buffer.alloc(1024)])),
    );
    free = GIB + 1024 ** 2 * 4;
    const tree = await unpackArchive(
      store,
      digest,
      { ...DEFAULT_UNPACK_LIMITS, maxRatio: 5000 },
      { onWait: untilFreed },
    );
    expect(tree.size).toBe(8 * 1024 ** 2);
    expect(waits[0]).toContain('needs 9 MiB');
    expect(waits.at(-1)).toBeNull();
  });

  it('an archive that holds more than it says waits in the middle', async () => {
    const { digest } = await store.putBytes(twoFilesInOneGzip());
    free = GIB + 1024 ** 2;
    const tree = await unpackArchive(
      store,
      digest,
      { ...DEFAULT_UNPACK_LIMITS, maxRatio: 5000 },
      { onWait: untilFreed },
    );
    expect(tree.size).toBe(8 * 1024 ** 2);
    expect(waits[0]).toContain('needs 64 MiB');
  });
});

/** Its last part says 512 bytes. */
function twoFilesInOneGzip(): Buffer {
  const header = Buffer.alloc(512);
  new Header({ path: 'zeros', size: 8 * 1024 ** 2, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(header);
  const first = gzipSync(Buffer.concat([header, Buffer.alloc(8 * 1024 ** 2)]));
  return Buffer.concat([first, gzipSync(Buffer.alloc(1024))]);
}
