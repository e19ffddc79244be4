import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Hex digits of a hash that tell the versions of a file apart. */
const VERSION_DIGITS = 12;

export interface HostingPlace {
  /** The folder that the file host publishes. */
  readonly directory: string;
  readonly url: string;
}

export interface HashingPlace extends HostingPlace {
  /** Of the hashes that the registry is told. */
  readonly algorithm: 'sha1' | 'sha256';
}

export interface HostedFile {
  readonly url: string;
  /** Bare hex. */
  readonly hash: string;
}

/** Publishes a file under its hash, so what a registry has registered earlier stays as it was. */
export async function hostBytes(place: HashingPlace, folder: string, name: string, bytes: Buffer): Promise<HostedFile> {
  const path = pathOf(folder, hashOf('sha256', bytes), name);
  const target = join(place.directory, path);
  if (!existsSync(target)) {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(`${target}.part`, bytes);
    await rename(`${target}.part`, target);
  }
  return { url: `${place.url}/${path}`, hash: hashOf(place.algorithm, bytes) };
}

/** The same for what does not fit into memory. */
export async function hostStream(
  place: HashingPlace,
  folder: string,
  name: string,
  pieces: AsyncIterable<Buffer>,
): Promise<HostedFile> {
  const draft = join(place.directory, folder, `${name}.part`);
  await mkdir(dirname(draft), { recursive: true });
  const [version, told] = [createHash('sha256'), createHash(place.algorithm)];
  const file = await open(draft, 'w');
  try {
    for await (const piece of pieces) {
      version.update(piece);
      told.update(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  const path = pathOf(folder, version.digest('hex'), name);
  const target = join(place.directory, path);
  if (existsSync(target)) await rm(draft);
  else {
    await mkdir(dirname(target), { recursive: true });
    await rename(draft, target);
  }
  return { url: `${place.url}/${path}`, hash: told.digest('hex') };
}

export function hashOf(algorithm: 'sha1' | 'sha256', bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

function pathOf(folder: string, hash: string, name: string): string {
  return `${folder}/${hash.slice(0, VERSION_DIGITS)}/${name}`;
}
