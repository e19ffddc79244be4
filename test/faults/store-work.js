'use strict';
/** `node store-work.js WORK STORE ARGUMENT…`: one piece of the store's work; prints what it made and how many steps it took. */
const { createHash } = require('node:crypto');
const { mkdirSync, rmSync } = require('node:fs');
const { dirname, join } = require('node:path');

const lib = join(__dirname, '..', '..', 'lib');
const { FileStore } = require(join(lib, 'store', 'file-store.js'));
const { cleanUp } = require(join(lib, 'store', 'clean-up.js'));
const { readContents } = require(join(lib, 'store', 'store-contents.js'));
const { Downloads } = require(join(lib, 'store', 'downloads.js'));
const { fetchBlob, unpackOnce } = require(join(lib, 'activities', 'fetch-blob.js'));

const WORK = {
  ingest: async (store, folder) => (await store.putTree(folder, { links: 'follow', remember: true })).digest,
  download: async (store, url, hash) => (await fetchBlob(fetching(store), 'file', url, hash, Infinity)).digest,
  unpack: async (store, archive, target) => {
    const { digest } = await unpackOnce(fetching(store), 'archive', { digest: archive });
    // As a run's own folder, which nobody goes on with.
    rmSync(target, { recursive: true, force: true });
    mkdirSync(dirname(target), { recursive: true });
    await store.materialise(digest, target, 'link');
    return digest;
  },
  cleanUp: async (_store, directory) => {
    await cleanUp(directory, { pins: [] });
    const { blobs } = await readContents(directory);
    return createHash('sha256')
      .update([...blobs.keys()].sort().join())
      .digest('hex');
  },
};

function fetching(store) {
  const downloads = new Downloads(['127.0.0.1']);
  return { store, downloads, offline: false, signal: new AbortController().signal, tell: () => undefined };
}

async function main() {
  const [work, directory, ...args] = process.argv.slice(2);
  const digest = await WORK[work](new FileStore(directory), ...args);
  process.stdout.write(JSON.stringify({ digest, steps: globalThis.stepsDone() }));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
