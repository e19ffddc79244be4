import { z } from 'zod';
import { MedperfError } from '../contract';
import type { DataAndLabels, Digest, FetchDemoDataInput } from '../contract';
import { readUntrustedYaml, UnreadableYaml } from '../mlcube/untrusted-yaml';
import type { Store } from '../store/store';
import { rememberSource } from './content-sources';
import { fetchBlob, unpackOnce } from './fetch-blob';
import type { Fetching } from './fetch-blob';
import { rememberDemoData } from './known-data';

const PATHS_FILE = 'paths.yaml';
const PATHS_BYTES = 64 * 1024;
const LONGEST_PATH = 2048;
const DEMO_DATA_BYTES = 1024 ** 4;
const pathInArchive = z.string().max(LONGEST_PATH);
const PathsSchema = z.object({
  data_path: pathInArchive,
  labels_path: pathInArchive,
  // Beside data that is prepared already.
  metadata_path: pathInArchive.nullish(),
});

/** Brings the demo data into the store: an archive whose `paths.yaml` says where data and labels are. */
export async function fetchDemoData(fetching: Fetching, { url, hash }: FetchDemoDataInput): Promise<DataAndLabels> {
  const archive = await fetchBlob(fetching, 'demo data', url, hash, DEMO_DATA_BYTES);
  const tree = await unpackOnce(fetching, 'demo data', archive);
  const paths = await readPaths(fetching.store, tree.digest);
  const folder = (path: string, key: string): Promise<Digest> => directory(fetching.store, tree.digest, path, key);
  const found = {
    data: await folder(paths.data_path, 'data_path'),
    labels: await folder(paths.labels_path, 'labels_path'),
    ...(paths.metadata_path ? { metadata: await folder(paths.metadata_path, 'metadata_path') } : {}),
  };
  const source = { kind: 'demo-data', url, hash, offline: fetching.offline } as const;
  await Promise.all([
    rememberDemoData(fetching.store, hash, found),
    rememberSource(fetching.store, Object.values(found), source),
  ]);
  return found;
}

async function readPaths(store: Store, tree: Digest): Promise<z.infer<typeof PathsSchema>> {
  const entry = await store.lookUp(tree, PATHS_FILE);
  if (entry?.kind === 'file' && entry.size <= PATHS_BYTES) {
    const paths = PathsSchema.safeParse(parseYaml((await store.readBytes(entry.digest)).toString('utf8')));
    if (paths.success) return paths.data;
  }
  throw new MedperfError('InvalidRequest', {
    what: 'The demo data archive does not say where its data and labels are.',
    expected: `a file ${PATHS_FILE} at its root with the keys data_path and labels_path`,
    found: entry === null ? 'no such file' : 'a file without them',
    next: 'ask the benchmark owner to mend the archive.',
  });
}

function parseYaml(text: string): unknown {
  try {
    return readUntrustedYaml(text);
  } catch (error) {
    if (error instanceof UnreadableYaml) return null;
    throw error;
  }
}

async function directory(store: Store, tree: Digest, path: string, key: string): Promise<Digest> {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const leadsOut = path.startsWith('/') || parts.includes('..');
  const entry = leadsOut ? null : await store.lookUp(tree, parts.join('/'));
  if (entry?.kind === 'directory') return entry.digest;
  throw new MedperfError('InvalidRequest', {
    what: `The demo data's ${PATHS_FILE} names ${key}: ${path}.`,
    expected: 'a folder of the archive',
    found: leadsOut ? 'a path that leads out of it' : entry === null ? 'nothing at that path' : 'a file',
    next: 'ask the benchmark owner to mend the archive.',
  });
}
