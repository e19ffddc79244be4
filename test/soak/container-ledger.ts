import type Docker from 'dockerode';

/** Listens to the daemon for as long as the soak takes: it remembers only its newest 256 events by itself. */
export class ContainerLedger {
  static async open(docker: Docker): Promise<ContainerLedger> {
    const filters = { event: ['start'], label: ['org.temporal-medperf.workflow-id'] };
    const events = (await docker.getEvents({ filters })) as Events;
    return new ContainerLedger(docker, events);
  }

  /** Number of starts by the container's name. */
  readonly starts = new Map<string, number>();
  /** Containers that were there when a worker died or was stopped. */
  readonly outlivedWorker = new Set<string>();
  private rest = '';

  private constructor(
    private readonly docker: Docker,
    private readonly events: Events,
  ) {
    events.on('data', (chunk: Buffer) => this.take(String(chunk)));
  }

  async noteSurvivors(): Promise<void> {
    const filters = { label: ['org.temporal-medperf.workflow-id'] };
    const listed = await this.docker.listContainers({ all: true, filters });
    for (const { Names } of listed) this.outlivedWorker.add((Names[0] ?? '').slice(1));
  }

  close(): void {
    this.events.destroy();
  }

  private take(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const name = /"name":"(medperf-[^"]+)"/.exec(line)?.[1];
      if (name !== undefined) this.starts.set(name, (this.starts.get(name) ?? 0) + 1);
    }
  }
}

type Events = NodeJS.ReadableStream & { destroy(): void };
