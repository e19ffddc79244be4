import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { MedperfError } from '../../contract';
import { fileContent, folder } from '../tar-writing';
import type { TarMember } from '../tar-writing';

/** Where the image has Node.js, relative to its root. */
export const NODE_IN_IMAGE = 'usr/local/bin/node';

const run = promisify(execFile);

/**
 * A root file system in which JavaScript runs: this process's Node.js, the libraries that `ldd` lists at their own places,
 * and the little that a user and temporary files need.
 */
export async function nodeFiles(): Promise<TarMember[]> {
  const libraries = await librariesOf(process.execPath);
  const files = [
    { path: NODE_IN_IMAGE, mode: 0o755, content: await fileContent(process.execPath) },
    ...(await Promise.all(
      libraries.map(async (path) => ({ path: path.slice(1), mode: 0o755, content: await fileContent(path) })),
    )),
    {
      path: 'etc/passwd',
      content: Buffer.from('root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n'),
    },
    { path: 'etc/group', content: Buffer.from('root:x:0:\nnogroup:x:65534:\n') },
  ];
  const folders = new Set(files.flatMap(({ path }) => foldersAbove(path)));
  return [...[...folders].map((path) => folder(path)), folder('tmp/', 0o1777), ...files];
}

/** Absolute paths, the loader included. */
async function librariesOf(program: string): Promise<readonly string[]> {
  try {
    const { stdout } = await run('ldd', [program]);
    return [...new Set([...stdout.matchAll(/(\/\S+) \(0x/g)].map((found) => found[1] ?? ''))].sort();
  } catch (cause) {
    throw new MedperfError(
      'EngineUnavailable',
      {
        what: 'The demo images are made of the running Node.js, and its libraries cannot be listed.',
        expected: 'a Linux with the program ldd',
        found: process.platform,
        next: 'Use the demo on Linux.',
      },
      { cause },
    );
  }
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === '.' ? [] : [...foldersAbove(above), `${above}/`];
}
