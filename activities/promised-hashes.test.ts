import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import { fetchBlob } from './fetch-blob';
import { promise, promisedContent, sha1Hashes } from './promised-hashes';

const CONTENT = 'name: a cube of the tutorial\n';
const hashed = (algorithm: string): string => createHash(algorithm).update(CONTENT).digest('hex');

let home: string;
let store: FileStore;
let server: Server;
let asked = 0;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'promised-hashes-'));
  store = new FileStore(home);
  asked = 0;
  server = createServer((_request, response) => {
    asked += 1;
    response.end(CONTENT);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(home, { recursive: true });
});

function fetched(hash: string | undefined, offline = false): ReturnType<typeof fetchBlob> {
  const { port } = server.address() as AddressInfo;
  const downloads = new Downloads([`127.0.0.1:${port}`]);
  const place = { store, downloads, offline, signal: new AbortController().signal, tell: () => undefined };
  const url = `http://127.0.0.1:${port}/mlcube.yaml`;
  return fetchBlob(place, 'manifest', url, hash, 1024);
}

it("takes a SHA-1 of the tutorial's time for what it is, and fetches its file once", async () => {
  const { digest } = await fetched(hashed('sha1'));
  expect(digest).toBe(`sha256:${hashed('sha256')}`);
  expect(await fetched(hashed('sha1'), true)).toEqual({ digest, size: CONTENT.length });
  expect(asked).toBe(1);
});

it('refuses another file than the SHA-1 promises', async () => {
  await expect(fetched('0'.repeat(40))).rejects.toMatchObject({
    type: 'HashMismatch',
    facts: { expected: '0'.repeat(40), found: hashed('sha1') },
  });
});

it('knows what a hash promises without asking anybody', async () => {
  expect(promise(hashed('sha256'))).toBe(`sha256:${hashed('sha256')}`);
  expect(promise(hashed('sha1'))).toBe(`sha1:${hashed('sha1')}`);
  for (const none of ['', 'x', hashed('md5'), undefined]) expect(promise(none)).toBeNull();
  expect(await promisedContent(store, hashed('sha1'))).toBeNull();
});

it("tells a server of the tutorial's time the SHA-1 of each file, and nothing of the image", async () => {
  const { digest } = await store.putBytes(CONTENT);
  expect(digest).toBe(`sha256:${hashed('sha256')}`);
  const hashes = { manifestHash: hashed('sha256'), imageHash: '0'.repeat(64) };
  expect(await sha1Hashes(store, hashes)).toEqual({ manifestHash: hashed('sha1') });
});
