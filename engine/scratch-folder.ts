import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type { z } from 'zod';
import type { Store } from '../store/store';
import { inputMounts, outputNames, outputPlace } from './container-options';
import type { ContainerUser } from './container-options';
import type { RunRequest } from './engine';
import type { OutputSpace } from './output-space';

/** What a folder is prepared from. */
export interface ScratchParts {
  readonly store: Store;
  /** Who owns the output folders. */
  readonly user: ContainerUser;
  readonly space: OutputSpace;
}

/**
 * The folder of one run on this host: `in/N` linked from the store, folders and files; `out/N` for the container to write to,
 * itself or a file in it; and `facts/`, what the next worker has to know of the run should this one end.
 */
export class ScratchFolder {
  constructor(
    private readonly workDirectory: string,
    private readonly name: string,
  ) {}

  inputFolders(request: Pick<RunRequest, 'action'>): string[] {
    return inputMounts(request).map((_, at) => path.join(this.root, 'in', String(at)));
  }

  outputFolders(request: Pick<RunRequest, 'action'>): string[] {
    return outputNames(request).map((_, at) => path.join(this.outputRoot, String(at)));
  }

  /**
   * Makes the folder anew. It takes its name only when it is whole, and whoever calls knows that no container uses it,
   * so a crash at any moment leaves nothing that a later call would trust.
   */
  async prepare(request: RunRequest, { store, user, space }: ScratchParts): Promise<void> {
    await this.remove(space);
    const draft = new ScratchFolder(this.workDirectory, `${this.name}.draft`);
    await fs.mkdir(draft.root, { mode: 0o700 });
    await fs.mkdir(path.join(draft.root, 'facts'));
    await draft.writeFact('owner', request.labels);
    await fs.mkdir(path.join(draft.root, 'in'));
    const inputs = draft.inputFolders(request);
    const { signal, onProgress } = request;
    const onWait = (reason: string | null): void => onProgress({ message: reason ?? 'preparing the inputs' });
    const waiting = { signal, onWait };
    for (const [at, mount] of inputMounts(request).entries()) {
      request.signal.throwIfAborted();
      const [tree, file, place] = [request.action.inputs[mount], request.action.inputFiles?.[mount], inputs[at]];
      if (place === undefined) continue;
      if (tree !== undefined) await store.materialise(tree, place, 'link', waiting);
      else if (file !== undefined) await store.materialiseFile(file, place, 'link');
    }
    await space.create(draft.outputRoot, user, request.limits);
    const outputs = outputNames(request).flatMap((name) => request.action.outputs[name] ?? []);
    for (const [at, folder] of draft.outputFolders(request).entries()) {
      await fs.mkdir(folder, { mode: 0o755 });
      await giveTo(user, folder);
      const output = outputs[at];
      if (output?.touched !== true) continue;
      const file = outputPlace(output, folder);
      await fs.writeFile(file, '', { mode: 0o644 });
      await giveTo(user, file);
    }
    await fs.rename(draft.root, this.root);
  }

  /** Makes the folder of an earlier worker's run usable again, after a reboot too; false when it is gone. */
  async attach(space: OutputSpace): Promise<boolean> {
    const there = await fs.access(this.root).then(
      () => true,
      () => false,
    );
    if (there) await space.attach(this.outputRoot);
    return there;
  }

  /** To be called after the container's end, before its outputs are read. */
  settle(space: OutputSpace): Promise<void> {
    return space.settle(this.outputRoot);
  }

  /** A fact that was written before; null when there is none, or none that can be understood. */
  async readFact<T>(name: string, schema: z.ZodType<T>): Promise<T | null> {
    const text = await fs.readFile(this.factFile(name), 'utf8').catch(() => null);
    if (text === null) return null;
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      return null;
    }
  }

  /** Readers see the old or the new one, never a part. Throws when the folder is gone. */
  async writeFact(name: string, value: unknown): Promise<void> {
    const draft = `${this.factFile(name)}.${randomBytes(4).toString('hex')}`;
    await fs.writeFile(draft, JSON.stringify(value));
    await fs.rename(draft, this.factFile(name));
  }

  /** Renamed first: what is half removed must not look whole. */
  async remove(space: OutputSpace): Promise<void> {
    for (const leftover of [this.root, `${this.root}.draft`]) {
      await space.detach(path.join(leftover, 'out'));
      const doomed = `${leftover}.${randomBytes(4).toString('hex')}.removed`;
      try {
        await fs.rename(leftover, doomed);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
        throw error;
      }
      await removeTree(doomed);
    }
  }

  /** Where the container's log is kept while it is followed. */
  get logFile(): string {
    return path.join(this.root, 'log');
  }

  private get outputRoot(): string {
    return path.join(this.root, 'out');
  }

  private factFile(name: string): string {
    return path.join(this.root, 'facts', `${name}.json`);
  }

  private get root(): string {
    return path.join(this.workDirectory, this.name);
  }
}

async function giveTo({ uid, gid }: ContainerUser, place: string): Promise<void> {
  if (process.getuid?.() === 0) await fs.chown(place, uid, gid);
}

async function removeTree(folder: string): Promise<void> {
  try {
    await fs.rm(folder, { recursive: true, force: true });
  } catch (error) {
    // A container may have nested folders deeper than a path can be long; `rm` goes down step by step.
    if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw error;
    await promisify(execFile)('rm', ['-rf', '--', folder]);
  }
}
