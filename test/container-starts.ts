import { once } from 'node:events';
import type Docker from 'dockerode';

/** How often a container was started since (seconds since 1970), as a daemon remembers that little else happens in. */
export async function containerStarts(docker: Docker, container: string, since: number): Promise<number> {
  const events = (await docker.getEvents({
    since,
    until: Date.now() / 1000,
    filters: { container: [container], event: ['start'] },
  })) as AsyncIterable<Buffer>;
  let text = '';
  for await (const chunk of events) text += String(chunk);
  return text.split('\n').filter((line) => line !== '').length;
}

/** Listens to the daemon that tests share, which by itself remembers only its newest 256 events. */
export class StartedContainers {
  static async listen(docker: Docker): Promise<StartedContainers> {
    return new StartedContainers((await docker.getEvents({ filters: { event: ['start'] } })) as Events);
  }

  private text = '';

  private constructor(private readonly events: Events) {
    events.on('data', (chunk: Buffer) => (this.text += String(chunk)));
  }

  /** The containers that were started for some workflows, each as its task. */
  tasksOf(workflows: Iterable<string>): string[] {
    const wanted = new Set(workflows);
    return this.starts()
      .filter(({ labels }) => wanted.has(labels['org.temporal-medperf.workflow-id'] ?? ''))
      .map(({ labels }) => labels['org.temporal-medperf.task'] ?? '')
      .sort();
  }

  /** How often each container of a workflow's step was started; waits for the first. */
  async ofStep(workflow: string, step: string): Promise<number[]> {
    const ofIt = ({ labels }: Start): boolean =>
      labels['org.temporal-medperf.workflow-id'] === workflow && labels['org.temporal-medperf.step'] === step;
    const counts = new Map<string, number>();
    for (const { container } of await this.untilStarted(ofIt)) counts.set(container, (counts.get(container) ?? 0) + 1);
    return [...counts.values()];
  }

  /** How often a container of that name was started; waits for the first. */
  async of(name: string): Promise<number> {
    return (await this.untilStarted(({ labels }) => labels['name'] === name)).length;
  }

  close(): void {
    this.events.destroy();
  }

  /** The daemon tells of a start on its own time. */
  private async untilStarted(isWanted: (start: Start) => boolean): Promise<Start[]> {
    for (;;) {
      const found = this.starts().filter(isWanted);
      if (found.length > 0) return found;
      await once(this.events, 'data');
    }
  }

  private starts(): Start[] {
    const lines = this.text.split('\n').slice(0, -1);
    return lines
      .map((line) => (JSON.parse(line) as { Actor: { ID: string; Attributes: Record<string, string> } }).Actor)
      .map(({ ID, Attributes }) => ({ container: ID, labels: Attributes }));
  }
}

interface Start {
  readonly container: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Events = NodeJS.ReadableStream & { destroy(): void };
