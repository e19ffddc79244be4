import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type Docker from 'dockerode';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { removeContainer, removeVolumes, stopContainer } from './container-calls';
import { LABELS } from './container-name';
import { engineUnavailable } from './daemon-errors';
import type { Execution, SweepReport, SweepRequest } from './engine';
import { ScratchFolder } from './scratch-folder';

/** Labels of a container, and of its scratch folder's fact `owner`, that name the execution that it belongs to. */
export const OWNER_LABELS = {
  /** Temporal's UUID of the namespace: two installations on one daemon have different ones, even of one name. */
  namespaceId: 'org.temporal-medperf.namespace-id',
  workflowId: 'org.temporal-medperf.workflow-id',
  runId: 'org.temporal-medperf.run-id',
} as const;

export interface SweepParts extends SweepRequest {
  readonly docker: Docker;
  readonly workDirectory: string;
  /** Removes the scratch folder of this name, and what is mounted in it; no container uses it. */
  readonly release: (name: string) => Promise<void>;
}

const SCRATCH_FOLDER = /^medperf-[0-9a-f]{12}-[0-9a-f]{12}(?<draft>\.draft)?(?<removed>\.[0-9a-f]{8}\.removed)?$/;
const STOP_GRACE_S = 5;
const OWNERLESS_DRAFT_MS = 24 * 60 * 60 * 1000;

const ownerSchema = z.object({
  [OWNER_LABELS.namespaceId]: z.string().min(1),
  [OWNER_LABELS.workflowId]: z.string().min(1),
  [OWNER_LABELS.runId]: z.string().min(1),
});
type Owner = z.infer<typeof ownerSchema>;

/**
 * Removes the containers and scratch folders of closed executions, found by their labels and facts alone. Whatever has no
 * owner, another namespace's owner or one that cannot be asked about is left.
 * @throws MedperfError `EngineUnavailable` when Docker cannot list its containers; the signal's reason when it aborts.
 */
export async function sweepLeftovers(parts: SweepParts): Promise<SweepReport> {
  const sweep = new Sweep(parts);
  await sweep.containers();
  await sweep.folders();
  return sweep.report;
}

class Sweep {
  readonly report = {
    containers: [] as string[],
    folders: [] as string[],
    unanswered: 0,
    failed: [] as { name: string; why: string }[],
  };
  private readonly answers = new Map<string, Promise<boolean>>();

  constructor(private readonly parts: SweepParts) {}

  async containers(): Promise<void> {
    const { docker, namespaceId, signal } = this.parts;
    const ours = await listContainers(docker, [LABELS.key, `${OWNER_LABELS.namespaceId}=${namespaceId}`]);
    for (const { Id, Labels, Names, State } of ours) {
      signal.throwIfAborted();
      const name = containerName(Names);
      if (!isNameOf(name, Labels) || !(await this.isLeftover(ownerSchema.safeParse(Labels).data))) continue;
      await this.removing(name, this.report.containers, async () => {
        const container = docker.getContainer(Id);
        if (['running', 'paused', 'restarting'].includes(State)) await stopContainer(container, STOP_GRACE_S);
        await removeContainer(container);
        await removeVolumes(docker, name);
      });
    }
  }

  async folders(): Promise<void> {
    const { docker, workDirectory, release, signal } = this.parts;
    const present = (await filesIn(workDirectory)).filter((name) => SCRATCH_FOLDER.test(name));
    const inUse = usedNames(await listContainers(docker, []));
    for (const name of present) {
      signal.throwIfAborted();
      if (inUse.has(name) || !(await this.isDoomed(name))) continue;
      await this.removing(name, this.report.folders, () => release(name));
    }
  }

  private async isDoomed(name: string): Promise<boolean> {
    const { draft, removed } = SCRATCH_FOLDER.exec(name)?.groups ?? {};
    // Its removal had begun.
    if (removed !== undefined) return true;
    const { workDirectory } = this.parts;
    const owner = await new ScratchFolder(workDirectory, name).readFact('owner', ownerSchema);
    if (owner !== null) return this.isLeftover(owner);
    return draft !== undefined && (await ageMs(path.join(workDirectory, name))) > OWNERLESS_DRAFT_MS;
  }

  private async isLeftover(owner: Owner | undefined): Promise<boolean> {
    if (owner?.[OWNER_LABELS.namespaceId] !== this.parts.namespaceId) return false;
    const execution = { workflowId: owner[OWNER_LABELS.workflowId], runId: owner[OWNER_LABELS.runId] };
    const key = JSON.stringify(execution);
    const known = this.answers.get(key);
    if (known !== undefined) return known;
    const answer = this.ask(execution);
    this.answers.set(key, answer);
    return answer;
  }

  private async ask(execution: Execution): Promise<boolean> {
    try {
      return await this.parts.isClosed(execution);
    } catch {
      this.parts.signal.throwIfAborted();
      this.report.unanswered++;
      return false;
    }
  }

  /** One that cannot be removed does not keep the others from being. */
  private async removing(name: string, removed: string[], remove: () => Promise<void>): Promise<void> {
    try {
      await remove();
      removed.push(name);
    } catch (error) {
      this.parts.signal.throwIfAborted();
      this.report.failed.push({ name, why: reason(error) });
    }
  }
}

async function listContainers(docker: Docker, label: readonly string[]): Promise<Docker.ContainerInfo[]> {
  try {
    return await docker.listContainers({ all: true, filters: { label: [...label] } });
  } catch (error) {
    throw engineUnavailable('list its containers', error);
  }
}

function containerName(names: readonly string[]): string {
  return names[0]?.replace(/^\//, '') ?? '';
}

/** An image's labels become those of anybody's container; the name that only the engine gives tells them apart. */
function isNameOf(name: string, labels: Readonly<Record<string, string>>): boolean {
  const [key, owner] = [labels[LABELS.key] ?? '', labels[LABELS.owner] ?? ''];
  return owner !== '' && name === `medperf-${key.replace('sha256:', '').slice(0, 12)}-${owner.slice(0, 12)}`;
}

/** Every part of every path that a container mounts, and the containers' names: whatever is not among them is unused. */
function usedNames(containers: readonly Docker.ContainerInfo[]): Set<string> {
  return new Set(
    containers.flatMap(({ Names, Mounts }) => [
      containerName(Names),
      ...Mounts.flatMap(({ Source }) => Source.split('/')),
    ]),
  );
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    return await fs.readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function ageMs(folder: string): Promise<number> {
  const found = await fs.stat(folder).catch(() => null);
  return found === null ? 0 : Date.now() - found.mtimeMs;
}

/** Of system errors only the code: their text names folders of the host. */
function reason(error: unknown): string {
  if (error instanceof MedperfError) return error.message;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code ?? (error instanceof Error ? error.name : 'an unknown error');
}
