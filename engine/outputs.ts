import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { MedperfError } from '../contract';
import type { ActionOutput, Digest } from '../contract';
import type { Store } from '../store/store';
import { outputFile, outputNames } from './container-options';
import type { RunLimits, RunRequest } from './engine';
import { countEntries, measureOutputs } from './output-size';
import { PROGRESS_FILE } from './reported-progress';

/** A file system with less left refuses nearly every write. */
const FULL_BELOW_BYTES = 64 * 1024;

/** Stores what the container left in its output folders; throws `ContainerFailed` for what may not be taken. */
export async function collectOutputs(
  store: Store,
  request: Pick<RunRequest, 'action' | 'limits' | 'signal'>,
  folders: readonly string[],
  log: readonly string[],
): Promise<Record<string, Digest>> {
  const collected: Record<string, Digest> = {};
  let [bytes, files] = [request.limits.outputBytes, request.limits.outputFiles];
  for (const [at, name] of outputNames(request).entries()) {
    const [output, folder] = [request.action.outputs[name], folders[at]];
    if (output === undefined || folder === undefined) continue;
    try {
      const taken = await take(store, output, folder, { bytes, files, signal: request.signal });
      collected[name] = taken.digest;
      bytes -= taken.size;
      files -= taken.files;
    } catch (error) {
      throw refused(name, error, log);
    }
  }
  return collected;
}

interface Allowance {
  readonly bytes: number;
  readonly files: number;
  readonly signal: AbortSignal;
}

async function take(
  store: Store,
  output: ActionOutput,
  folder: string,
  left: Allowance,
): Promise<{ digest: Digest; size: number; files: number }> {
  const name = outputFile(output);
  if (name === undefined) {
    // The store reads a whole folder's names at once, and a billion of them fit on a disk.
    const entries = await countEntries(folder, left.files);
    if (entries > left.files) throw tooMany(left.files);
    const tree = await store.putTree(folder, {
      exclude: (member) => member === PROGRESS_FILE,
      links: 'refuse',
      maxBytes: left.bytes,
      maxFiles: left.files,
      signal: left.signal,
    });
    return { ...tree, files: entries };
  }
  const file = path.join(folder, name);
  const found = await fs.lstat(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (!found?.isFile()) {
    throw new MedperfError('InvalidRequest', {
      what: `${name} is not there as a file.`,
      expected: `a regular file ${output.touched === true ? output.mount : `${name} in ${output.mount}`}`,
      found: found === null ? 'nothing of that name' : found.isDirectory() ? 'a directory' : 'a link or special file',
      next: "Make the cube's task write that file itself.",
    });
  }
  if (found.size > left.bytes || left.files < 1) throw tooLarge(left.bytes, found.size);
  return { ...(await store.putFile(file, left.signal)), files: 1 };
}

/** The limit for which a write failed inside the container, whose exit code then says nothing of the reason. */
export async function outputsAreFull(
  folders: readonly string[],
  limits: Pick<RunLimits, 'outputBytes' | 'outputFiles'>,
): Promise<'outputBytes' | 'outputFiles' | false> {
  const [first] = folders;
  if (first === undefined) return false;
  if (await hasOwnFileSystem(first)) {
    const { bavail, bsize, ffree } = await fs.statfs(first);
    if (bavail * bsize < FULL_BELOW_BYTES) return 'outputBytes';
    if (ffree === 0) return 'outputFiles';
  }
  // One file may reach its own bound, which is that of all outputs together, before the file system is full.
  const { bytes, entries } = await measureOutputs(folders, limits);
  if (bytes >= limits.outputBytes) return 'outputBytes';
  return entries >= limits.outputFiles ? 'outputFiles' : false;
}

/** A full disk of the host is nobody's limit. */
async function hasOwnFileSystem(folder: string): Promise<boolean> {
  const [own, scratch] = await Promise.all([fs.lstat(folder), fs.lstat(path.dirname(path.dirname(folder)))]);
  return own.dev !== scratch.dev;
}

function tooMany(limit: number): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'The outputs are too many files and folders.',
    expected: `at most ${limit}`,
    found: 'more than that',
    next: "Make the task write fewer, or ask the operator to raise the policy's limit.",
  });
}

function tooLarge(limit: number, found: number): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'The outputs are too large.',
    expected: `at most ${limit} bytes`,
    found: `${found} bytes`,
    next: "Make the task write less, or ask the operator to raise the policy's output limit.",
  });
}

function refused(name: string, error: unknown, log: readonly string[]): unknown {
  if (!(error instanceof MedperfError) || error.type !== 'InvalidRequest') return error;
  const { what, ...facts } = error.facts;
  return new MedperfError(
    'ContainerFailed',
    { ...facts, what: `Output "${name}" of the container was refused: ${what}`, log },
    { cause: error },
  );
}
