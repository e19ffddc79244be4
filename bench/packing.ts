import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStore } from '../store/file-store';
import { BYTE_WORK } from './byte-work';
import { compare, shell } from './figures';
import type { Figure, Side } from './figures';
import { peakMemory } from './peak-memory';
import { writeText, writeWeights } from './sample-trees';

const PAIRS = 5;
/** Python's gzip takes most of a minute a time. */
const GZIP_PAIRS = 1;

/** Packaging against what the tutorial's scripts and a shell do. */
export async function benchPacking(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-packing-'));
  try {
    return [...(await weights(folder)), ...(await text(folder))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function weights(folder: string): Promise<Figure[]> {
  const source = join(folder, 'weights');
  const file = join(folder, 'archive');
  await mkdir(source);
  await writeWeights(join(source, 'weights.bin'), 1024);
  const ours = await packing(folder, source);
  const before = async (): Promise<void> => {
    await rm(file, { force: true });
    await shell('sync');
  };
  const python = `python3 -c 'import sys,tarfile; tarfile.open(sys.argv[1],"w:gz").add(sys.argv[2],"")' ${file} ${source}`;
  const pipe = `tar -cf - -C ${source} . | tee ${file} | openssl dgst -sha256`;
  return [
    await compare('packaging 1 GiB of weights, against Python', GZIP_PAIRS, 0.1, ours, {
      name: 'tarfile w:gz',
      run: () => shell(python),
      before,
    }),
    await compare('packaging 1 GiB of weights, theirs not flushed', PAIRS, 1.1, ours, {
      name: 'tar | tee | openssl',
      run: () => shell(pipe),
      before,
    }),
  ];
}

async function text(folder: string): Promise<Figure[]> {
  const source = join(folder, 'text');
  const file = join(folder, 'text.tar.gz');
  await writeText(source, 64, 4 * 1024 * 1024);
  const ours = await packing(folder, source);
  const figure = await compare('packaging 256 MiB of text', PAIRS, 0.59, ours, {
    name: 'tar -czf',
    run: () => shell(`tar -czf ${file} -C ${source} .`),
  });
  const [mine, theirs] = [await stat(ours.packed()), await stat(file)];
  return [{ ...figure, name: `${figure.name} (${(mine.size / theirs.size).toFixed(3)} of its size)` }];
}

/** Packs what is in the store, as the activity does; each time anew. */
async function packing(folder: string, source: string): Promise<Side & { readonly packed: () => string }> {
  const directory = join(folder, 'store');
  const { digest: tree } = await new FileStore(directory).putTree(source, { links: 'follow' });
  let packed = 'nothing yet';
  const path = (): string => join(directory, 'blobs', packed.slice(0, 2), packed);
  return {
    name: 'packArchive',
    packed: path,
    before: async () => {
      await rm(path(), { force: true });
      await shell('sync');
    },
    run: async () => {
      packed = (await BYTE_WORK.packArchive(directory, tree)).slice('sha256:'.length);
    },
    peakMemory: () => peakMemory('packArchive', directory, tree),
  };
}
