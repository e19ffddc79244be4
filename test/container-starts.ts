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

/** The containers that were started since for some workflows, each as its task; as far as the daemon remembers. */
export async function tasksStarted(docker: Docker, since: number, workflows: ReadonlySet<string>): Promise<string[]> {
  const events = (await docker.getEvents({
    since,
    until: Math.ceil(Date.now() / 1000),
    filters: { type: ['container'], event: ['start'], label: ['org.temporal-medperf.key'] },
  })) as AsyncIterable<Buffer>;
  let text = '';
  for await (const chunk of events) text += String(chunk);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { Actor: { Attributes: Record<string, string> } }).Actor.Attributes)
    .filter((labels) => workflows.has(labels['org.temporal-medperf.workflow-id'] ?? ''))
    .map((labels) => labels['org.temporal-medperf.task'] ?? '')
    .sort();
}
