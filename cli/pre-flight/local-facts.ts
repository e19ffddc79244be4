import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { z } from 'zod';
import { hostedFileNames } from '../../contract';
import type { CubeFormat, CubeType } from '../../contract';
import { readGpus } from '../../engine/gpu-inventory';
import type { HostFacts, ImageLookup } from '../../mlcube/pre-flight-facts';
import { acceptedFormats, DESCRIPTIONS, keepsParameters } from '../../mlcube/written-cube';
import type { WrittenCube } from '../../mlcube/written-cube';

const ADDITIONAL_FILES = join('workspace', 'additional_files');
/** What packaging leaves out as well. */
const CLUTTER = /^(?:\._.*|\.DS_Store|\.git)$/;

const daemonInfo = z.object({
  Architecture: z.string(),
  DockerRootDir: z.string(),
  RegistryConfig: z.object({ IndexConfigs: z.record(z.string(), z.object({ Secure: z.boolean() })) }).nullish(),
});
const inspectedImage = z.object({
  Architecture: z.string(),
  Os: z.string(),
  Size: z.number(),
  RepoDigests: z.array(z.string()).nullish(),
  Config: z
    .object({
      User: z.string().nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
    })
    .nullish(),
});
/** Go's words for what the kernel calls its machine. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm' };

export interface LocalDocker {
  readonly host: HostFacts;
  readonly rootDirectory: string;
  /** Registries that its operator lets it speak to without encryption. */
  readonly plainHttpHosts: readonly string[];
}

/** A cube's folder as packaging would take it; `bytes` are those of all its files. */
export async function readCubeFolder(
  directory: string,
  wanted: CubeFormat | null,
  type: CubeType | undefined,
): Promise<{ readonly cube: WrittenCube; readonly bytes: number }> {
  const { format, text } = await readDescription(directory, wanted);
  const parametersFile = join(directory, 'workspace', hostedFileNames.parameters);
  const found = await stat(parametersFile).catch(() => null);
  const hasParameters = found?.isFile() === true;
  const isKept = hasParameters && keepsParameters({ format, wanted });
  const files = await filesBelow(join(directory, ADDITIONAL_FILES));
  const bytes = files.reduce((sum, file) => sum + file.bytes, text.length + (found?.size ?? 0));
  const cube = {
    format,
    wanted,
    text,
    parameters: isKept ? await readFile(parametersFile, 'utf8') : null,
    files: { hasParameters, additionalFiles: files.map(({ path }) => path) },
  };
  return { cube: { ...cube, ...(type === undefined ? {} : { type }) }, bytes };
}

async function readDescription(
  directory: string,
  wanted: CubeFormat | null,
): Promise<{ readonly format: CubeFormat; readonly text: string }> {
  for (const format of acceptedFormats(wanted)) {
    const file = join(directory, DESCRIPTIONS[format]);
    const there = await stat(file).catch(() => null);
    if (there?.isFile() === true) return { format, text: await readFile(file, 'utf8') };
  }
  throw new TypeError('a folder that was taken for a cube has nothing that describes it');
}

async function filesBelow(folder: string, prefix = ''): Promise<{ path: string; bytes: number }[]> {
  const found: { path: string; bytes: number }[] = [];
  for (const { name } of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (CLUTTER.test(name)) continue;
    const place = join(folder, name);
    const what = await stat(place).catch(() => null);
    if (what?.isFile() === true) found.push({ path: prefix + name, bytes: what.size });
    // Links to folders are refused when the cube is packaged; here they must not lead in a circle.
    else if (what?.isDirectory() === true && prefix.length < 4096) {
      found.push(...(await filesBelow(place, `${prefix}${name}/`)));
    }
  }
  return found;
}

/** This machine's Docker and GPUs. Rejects when Docker does not answer. */
export async function readLocalDocker(docker: Docker): Promise<LocalDocker> {
  const [info, gpus] = await Promise.all([docker.info().then((told) => daemonInfo.parse(told)), readGpus('detect')]);
  const insecure = Object.entries(info.RegistryConfig?.IndexConfigs ?? {}).filter(([, { Secure }]) => !Secure);
  return {
    host: {
      name: 'this machine',
      architecture: ARCHITECTURES[info.Architecture] ?? info.Architecture,
      gpus: gpus.length,
      gpuDrivers: [...new Set(gpus.map(({ driver }) => driver))].filter((driver) => driver !== ''),
    },
    rootDirectory: info.DockerRootDir,
    plainHttpHosts: insecure.map(([host]) => host),
  };
}

/** The image as this machine's Docker has it. */
export async function findInDaemon(docker: Docker, reference: string): Promise<ImageLookup> {
  try {
    const image = inspectedImage.parse(await docker.getImage(reference).inspect());
    const environment = (image.Config?.Env ?? []).map((text): [string, string] => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    });
    return {
      found: 'image',
      image: {
        architecture: image.Architecture,
        os: image.Os,
        user: image.Config?.User ?? '',
        entrypoint: image.Config?.Entrypoint ?? [],
        command: image.Config?.Cmd ?? [],
        environment: Object.fromEntries(environment),
        bytes: image.Size,
      },
    };
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 404) {
      return { found: 'nothing', why: 'this machine’s Docker does not have it' };
    }
    return { found: 'no-answer', why: 'this machine’s Docker does not answer', next: 'start Docker' };
  }
}
