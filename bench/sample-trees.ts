import { createCipheriv } from 'node:crypto';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MIB = 1024 * 1024;

/** Bytes without a pattern, the same ones for the same seed. */
export function randomBytes(seed: number, length: number): Buffer {
  const key = Buffer.alloc(32, seed);
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Little-endian 32-bit floats between -1 and 1: what weights look like to a compressor. */
export async function writeWeights(path: string, mebibytes: number): Promise<void> {
  const handle = await open(path, 'w');
  try {
    for (let at = 0; at < mebibytes; at += 1) {
      const random = randomBytes(at % 251, MIB);
      const weights = Buffer.alloc(MIB);
      for (let i = 0; i < MIB; i += 4) weights.writeFloatLE(random.readInt32LE(i) / 2 ** 31, i);
      await handle.write(weights);
    }
  } finally {
    await handle.close();
  }
}

/** `folders` folders of `each` files of `bytes` random bytes. */
export async function writeManyFiles(root: string, folders: number, each: number, bytes: number): Promise<void> {
  for (let folder = 0; folder < folders; folder += 1) {
    const content = randomBytes(folder % 251, each * bytes);
    const directory = join(root, `folder-${folder}`);
    await mkdir(directory, { recursive: true });
    for (let file = 0; file < each; file += 1) {
      const piece = Buffer.from(content.subarray(file * bytes, (file + 1) * bytes));
      piece.writeUInt32LE(folder, 0);
      await writeFile(join(directory, `case-${file}.bin`), piece);
    }
  }
}

/** Lines of words and numbers, as reports and tables have them. */
export async function writeText(root: string, files: number, bytes: number): Promise<void> {
  await mkdir(root, { recursive: true });
  const words = ['case', 'finding', 'lung', 'left', 'right', 'upper', 'score', 'patient', 'image', 'series', 'normal'];
  for (let file = 0; file < files; file += 1) {
    const random = randomBytes(file % 251, Math.ceil(bytes / 6));
    const parts: string[] = [];
    for (let at = 0, length = 0; length < bytes && at + 3 < random.length; at += 3) {
      const part = `${words[(random[at] ?? 0) % words.length] ?? ''} ${random.readUInt16LE(at + 1)}${at % 24 === 0 ? '\n' : ' '}`;
      parts.push(part);
      length += part.length;
    }
    await writeFile(join(root, `report-${file}.txt`), parts.join('').padEnd(bytes).slice(0, bytes));
  }
}
