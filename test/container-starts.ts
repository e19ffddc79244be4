import type Docker from 'dockerode';

/** How often a container was started since (seconds since 1970), as far as the daemon remembers. */
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

/** Listens to the daemon, which by itself remembers only its newest 256 events. */
export class StartedTasks {
  static async listen(docker: Docker): Promise<StartedTasks> {
    const filters = { event: ['start'], label: ['org.temporal-medperf.key'] };
    return new StartedTasks((await docker.getEvents({ filters })) as Events);
  }

  private text = '';

  private constructor(private readonly events: Events) {
    events.on('data', (chunk: Buffer) => (this.text += String(chunk)));
  }

  /** The containers that were started for some workflows, each as its task. */
  of(workflows: Iterable<string>): string[] {
    const wanted = new Set(workflows);
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { Actor: { Attributes: Record<string, string> } }).Actor.Attributes)
      .filter((labels) => wanted.has(labels['org.temporal-medperf.workflow-id'] ?? ''))
      .map((labels) => labels['org.temporal-medperf.task'] ?? '')
      .sort();
  }

  close(): void {
    this.events.destroy();
  }
}

type Events = NodeJS.ReadableStream & { destroy(): void };
