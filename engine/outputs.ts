import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { MedperfError } from '../contract';
import type { ActionOutput, Digest } from '../contract';
import type { Store } from '../store/store';
import { outputNames } from './container-options';
import type { RunRequest } from './engine';

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
  if (output.file === undefined) {
    return store.putTree(folder, { links: 'refuse', maxBytes: left.bytes, maxFiles: left.files, signal: left.signal });
  }
  const file = path.join(folder, output.file);
  const found = await fs.lstat(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (!found?.isFile()) {
    throw new MedperfError('InvalidRequest', {
      what: `${output.file} is not there as a file.`,
      expected: `a regular file ${output.file} in ${output.mount}`,
      found: found === null ? 'nothing of that name' : found.isDirectory() ? 'a directory' : 'a link or special file',
      next: "Make the cube's task write that file itself.",
    });
  }
  if (found.size > left.bytes || left.files < 1) throw tooLarge(left.bytes, found.size);
  return { ...(await store.putFile(file, left.signal)), files: 1 };
}

/**
 * Whether the folders hold as much as they may: a write beyond the limit fails inside the container, whose exit code
 * then says nothing of the reason.
 */
export async function outputsAreFull(folders: readonly string[], maxBytes: number): Promise<boolean> {
  let left = maxBytes;
  const queue = [...folders];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    for await (const entry of await fs.opendir(folder)) {
      const place = path.join(folder, entry.name);
      if (entry.isDirectory()) queue.push(place);
      else if (entry.isFile()) left -= (await fs.lstat(place)).size;
      if (left <= 0) return true;
    }
  }
  return false;
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
