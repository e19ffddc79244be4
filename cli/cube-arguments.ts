import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { CubeFormat, CubeRef, Digest } from '../contract';
import { hostedFileNames, MedperfError } from '../contract';
import type { Profile } from '../registry';
import type { Session } from './session';

const MANIFESTS = [hostedFileNames.manifest, hostedFileNames.containerConfig];

/** A cube as the command line names it: digits are a uid of the registry, of that kind; anything else is a path. */
export async function cubeFrom({ medperf }: Session, kind: 'cube' | 'model', argument: string): Promise<CubeRef> {
  if (isUid(argument)) return { kind, uid: Number(argument) };
  return medperf.ingestCube(await cubeDirectory(argument), cubeLabel(argument));
}

export async function localCubeFrom(
  { medperf }: Session,
  argument: string,
): Promise<CubeRef & { readonly kind: 'local' }> {
  return medperf.ingestCube(await cubeDirectory(argument), cubeLabel(argument));
}

/** How a folder's cube is to be described for the profile's server; null takes what the folder has. */
export function wantedFormat(profile: Pick<Profile, 'dialect'> | null): CubeFormat | null {
  return profile?.dialect === 'HEAD' ? 'container' : null;
}

export async function dataFrom({ medperf }: Session, directory: string): Promise<Digest> {
  const found = await stat(directory).catch(() => null);
  if (found?.isDirectory() === true) return medperf.ingestData(resolve(directory));
  throw new MedperfError('InvalidRequest', {
    what: `The data folder ${directory} cannot be read.`,
    expected: 'a folder',
    found: found === null ? 'nothing at that path' : 'a file',
    next: 'name an existing folder.',
  });
}

export function isUid(argument: string): boolean {
  return /^\d+$/.test(argument);
}

/** The folder that holds `mlcube.yaml` or `container_config.yaml`; the path may name the folder or the file. */
export async function cubeDirectory(path: string): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw noCube(path, 'nothing at that path');
  const directory = resolve(found.isDirectory() ? path : dirname(path));
  for (const manifest of MANIFESTS) {
    const there = await stat(join(directory, manifest)).catch(() => null);
    if (there?.isFile() === true) return directory;
  }
  throw noCube(path, `no ${MANIFESTS.join(' or ')}`);
}

/** The cube's name for people: its folder's, or where that is just `mlcube`, the one above. */
export function cubeLabel(path: string): string {
  const full = resolve(path);
  const directory = /\.ya?ml$/.test(full) ? dirname(full) : full;
  return basename(directory) === 'mlcube' ? basename(dirname(directory)) : basename(directory);
}

function noCube(path: string, found: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: `${path} is no cube.`,
    expected: `a folder that holds ${MANIFESTS.join(' or ')}, the path of that file, or the uid of a registered cube`,
    found,
    next: 'check the path; it is read from the folder in which you are.',
  });
}
