import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { create } from 'tar';
import type { Digest } from '../contract';

const run = promisify(execFile);
const TAG = 'temporal-medperf/test-node:1';

/** Id of an image that holds the running Node.js with its libraries and nothing else; needs no registry. */
export async function ensureNodeImage(docker: Docker): Promise<{ reference: string; id: Digest }> {
  const image = docker.getImage(TAG);
  const present = await image.inspect().catch(() => null);
  if (present === null) await importNode(docker);
  return { reference: TAG, id: (await image.inspect()).Id as Digest };
}

async function importNode(docker: Docker): Promise<void> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-node-image-'));
  try {
    const { stdout } = await run('ldd', [process.execPath]);
    const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].map((found) => found[1] ?? '');
    for (const [from, to] of [[process.execPath, '/bin/node'], ...libraries.map((file) => [file, file])]) {
      const target = path.join(root, to ?? '');
      await fs.mkdir(path.dirname(target), { recursive: true });
      await fs.copyFile(from ?? '', target);
    }
    await fs.mkdir(path.join(root, 'tmp'));
    const archive = create({ cwd: root, portable: true }, ['.']);
    const answer = await docker.importImage(archive as unknown as NodeJS.ReadableStream, {
      repo: TAG.slice(0, TAG.lastIndexOf(':')),
      tag: TAG.slice(TAG.lastIndexOf(':') + 1),
    });
    answer.resume();
    await new Promise((resolve, reject) => answer.on('end', resolve).on('error', reject));
  } finally {
    await fs.rm(root, { recursive: true, force: true });
  }
}
