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

/** How often each container of a workflow's step was started, by the container's name, as the daemon remembers. */
export async function startsOfStep(
  docker: Docker,
  workflowId: string,
  step: string,
  since: number,
): Promise<Record<string, number>> {
  const label = [`org.temporal-medperf.workflow-id=${workflowId}`, `org.temporal-medperf.step=${step}`];
  const events = (await docker.getEvents({
    since,
    until: Date.now() / 1000,
    filters: { label, event: ['start'] },
  })) as AsyncIterable<Buffer>;
  let text = '';
  for await (const chunk of events) text += String(chunk);
  const starts: Record<string, number> = {};
  for (const [, name = ''] of text.matchAll(/"name":"(medperf-[^"]+)"/g)) starts[name] = (starts[name] ?? 0) + 1;
  return starts;
}
