import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { Store } from '../store/store';
import { inputMounts, outputNames } from './container-options';
import type { ContainerUser } from './container-options';
import type { RunRequest } from './engine';

/** The folder of one run on this host: `in/N` linked from the store, `out/N` for the container to write to. */
export class ScratchFolder {
  constructor(
    private readonly workDirectory: string,
    private readonly name: string,
  ) {}

  inputFolders(request: Pick<RunRequest, 'action'>): string[] {
    return inputMounts(request).map((_, at) => path.join(this.root, 'in', String(at)));
  }

  outputFolders(request: Pick<RunRequest, 'action'>): string[] {
    return outputNames(request).map((_, at) => path.join(this.root, 'out', String(at)));
  }

  /**
   * Makes the folder anew. It takes its name only when it is whole, and whoever calls knows that no container uses it,
   * so a crash at any moment leaves nothing that a later call would trust.
   */
  async prepare(request: Pick<RunRequest, 'action' | 'signal'>, store: Store, user: ContainerUser): Promise<void> {
    await this.remove();
    const draft = new ScratchFolder(this.workDirectory, `${this.name}.draft`);
    await fs.mkdir(draft.root, { mode: 0o700 });
    await fs.mkdir(path.join(draft.root, 'in'));
    await fs.mkdir(path.join(draft.root, 'out'));
    const inputs = draft.inputFolders(request);
    for (const [at, mount] of inputMounts(request).entries()) {
      request.signal.throwIfAborted();
      const [tree, folder] = [request.action.inputs[mount], inputs[at]];
      if (tree !== undefined && folder !== undefined) await store.materialise(tree, folder, 'link');
    }
    for (const folder of draft.outputFolders(request)) {
      await fs.mkdir(folder, { mode: 0o755 });
      if (process.getuid?.() === 0) await fs.chown(folder, user.uid, user.gid);
    }
    await fs.rename(draft.root, this.root);
  }

  /** Renamed first: what is half removed must not look whole. */
  async remove(): Promise<void> {
    for (const leftover of [this.root, `${this.root}.draft`]) {
      const doomed = `${leftover}.${randomBytes(4).toString('hex')}.removed`;
      try {
        await fs.rename(leftover, doomed);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
        throw error;
      }
      await fs.rm(doomed, { recursive: true, force: true });
    }
  }

  private get root(): string {
    return path.join(this.workDirectory, this.name);
  }
}
