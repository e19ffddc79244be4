import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BYTE_WORK } from './byte-work';
import { compare, shell } from './figures';
import type { Figure } from './figures';
import { peakMemory } from './peak-memory';
import { writeManyFiles, writeWeights } from './sample-trees';

const PAIRS = 5;
/** Removing the trees takes longer than making them. */
const TREE_PAIRS = 3;

/** Ingest and materialise against what a user would type. */
export async function benchStore(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-store-'));
  try {
    return [...(await oneFile(folder)), ...(await manyFiles(folder))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function oneFile(folder: string): Promise<Figure[]> {
  const source = join(folder, 'weights.bin');
  await writeWeights(source, 1024);
  const store = join(folder, 'store');
  const copy = join(folder, 'copy');
  const clean = async (): Promise<void> => {
    await rm(store, { recursive: true, force: true });
    await rm(copy, { force: true });
    await shell('sync');
  };
  const ours = {
    name: 'putFile',
    before: clean,
    run: async (): Promise<void> => {
      await BYTE_WORK.putFile(store, source);
    },
    peakMemory: () => peakMemory('putFile', store, source),
  };
  const theirs = `tee ${copy} < ${source} | openssl dgst -sha256`;
  return [
    await compare('ingest of 1 GiB, theirs not flushed', PAIRS, 1.1, ours, {
      name: 'tee | openssl',
      run: () => shell(theirs),
      before: clean,
    }),
    await compare('ingest of 1 GiB, both on the disk', PAIRS, 1.1, ours, {
      name: 'tee | openssl; sync FILE',
      run: () => shell(`${theirs}; sync ${copy}`),
      before: clean,
    }),
  ];
}

async function manyFiles(folder: string): Promise<Figure[]> {
  const source = join(folder, 'many');
  await writeManyFiles(source, 100, 1000, 4096);
  const store = join(folder, 'store');
  const copy = join(folder, 'copy');
  const target = join(folder, 'target');
  const put = {
    name: 'putTree',
    run: async (): Promise<void> => {
      await BYTE_WORK.putTree(store, source);
    },
    peakMemory: () => peakMemory('putTree', store, source),
  };
  const clean = async (): Promise<void> => {
    await rm(store, { recursive: true, force: true });
    await rm(copy, { recursive: true, force: true });
    await shell('sync');
  };
  const figures = [
    await compare(
      'ingest of 100,000 files',
      TREE_PAIRS,
      1,
      { ...put, before: clean },
      {
        name: 'cp -a, sync, sha256sum',
        run: () => shell(`cp -a ${source} ${copy}; sync; find ${copy} -type f -print0 | xargs -0 sha256sum`),
        before: clean,
      },
    ),
  ];
  await clean();
  await shell(
    `cd ${source} && git init -q && git config gc.auto 0 && git add . && git -c user.name=b -c user.email=b@example.org commit -qm all && git status`,
  );
  const tree = await BYTE_WORK.putTree(store, source);
  figures.push(
    await compare('ingest again, nothing changed', TREE_PAIRS, 5, put, {
      name: 'git status',
      run: () => shell(`git -C ${source} status`),
    }),
  );
  await shell(`rm -rf ${source}/.git`);
  const clear = async (): Promise<void> => {
    await rm(target, { recursive: true, force: true });
    await shell('sync');
  };
  figures.push(
    await compare(
      'materialise 100,000 files',
      TREE_PAIRS,
      1.3,
      {
        name: 'materialise',
        run: async () => {
          await BYTE_WORK.materialise(store, tree, target);
        },
        before: clear,
        peakMemory: () => peakMemory('materialise', store, tree, target),
      },
      { name: 'cp -al', run: () => shell(`cp -al ${source} ${target}`), before: clear },
    ),
  );
  return figures;
}
