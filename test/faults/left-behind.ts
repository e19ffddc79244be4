import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';

export interface LeftBehind {
  readonly containers: readonly string[];
  readonly folders: readonly string[];
  readonly mounts: readonly string[];
}

/** What runs left on this host: containers of these workflows, scratch folders, mounts below the stack's home. */
export async function leftBehind(docker: Docker, home: string, workflowIds: readonly string[]): Promise<LeftBehind> {
  const listed = await docker.listContainers({ all: true, filters: { label: ['org.temporal-medperf.workflow-id'] } });
  const ours = listed.filter(({ Labels }) => workflowIds.includes(Labels['org.temporal-medperf.workflow-id'] ?? ''));
  const work = await readdir(join(home, 'state', 'work'));
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  return {
    containers: ours.map(({ Names }) => Names[0] ?? ''),
    folders: work.filter((name) => name.startsWith('medperf-')),
    mounts: mounts.filter((mount) => mount.startsWith(`${home}/`)),
  };
}
