import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BYTE_WORK } from './byte-work';
import { compare, shell } from './figures';
import type { Figure } from './figures';
import { peakMemory } from './peak-memory';
import { writeWeights } from './sample-trees';

const PAIRS = 5;

/** Fetching, storing and verifying against what a user would type; the server is a process of its own. */
export async function benchFetching(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-fetching-'));
  const source = join(folder, 'weights.bin');
  await writeWeights(source, 1024);
  const server = spawn(process.execPath, [join(__dirname, 'serve-file.js'), source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [told] = (await once(server.stdout, 'data')) as [Buffer];
    return await fetching(folder, String(told).trim());
  } finally {
    server.stdin.end();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetching(folder: string, url: string): Promise<Figure[]> {
  const [store, copy] = [join(folder, 'store'), join(folder, 'copy')];
  const before = async (): Promise<void> => {
    await rm(store, { recursive: true, force: true });
    await rm(copy, { force: true });
    await shell('sync');
  };
  const ours = {
    name: 'download',
    before,
    run: async (): Promise<void> => {
      await BYTE_WORK.download(store, url);
    },
    peakMemory: () => peakMemory('download', store, url),
  };
  const theirs = `curl -s ${url} | tee ${copy} | openssl dgst -sha256`;
  return [
    await compare('fetch of 1 GiB, theirs not flushed', PAIRS, 1.1, ours, {
      name: 'curl | tee | openssl',
      before,
      run: () => shell(theirs),
    }),
    await compare('fetch of 1 GiB, both on the disk', PAIRS, 1.1, ours, {
      name: 'curl | tee | openssl; sync FILE',
      before,
      run: () => shell(`${theirs}; sync ${copy}`),
    }),
  ];
}
