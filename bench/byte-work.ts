import { packArchive } from '../store/archive';
import { download } from '../store/download';
import { FileStore } from '../store/file-store';

/** What of ours the benches of bytes measure: done in the bench's own process for time, in one of its own for memory. */
export const BYTE_WORK = {
  putFile: async (store: string, file: string): Promise<string> => (await new FileStore(store).putFile(file)).digest,
  putTree: async (store: string, folder: string): Promise<string> =>
    (await new FileStore(store).putTree(folder, { links: 'follow', remember: true, exclude: isGit })).digest,
  materialise: async (store: string, tree: string, target: string): Promise<string> => {
    await new FileStore(store).materialise(tree as `sha256:${string}`, target, 'link');
    return tree;
  },
  packArchive: async (store: string, tree: string): Promise<string> =>
    (await packArchive(new FileStore(store), tree as `sha256:${string}`)).digest,
  download: async (store: string, url: string): Promise<string> =>
    (await download(new FileStore(store), url, { maxBytes: Infinity })).digest,
} as const;

export type ByteWork = keyof typeof BYTE_WORK;

function isGit(path: string): boolean {
  return path === '.git' || path.startsWith('.git/');
}
