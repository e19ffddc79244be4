import type Docker from 'dockerode';
import { engineUnavailable } from './daemon-errors';

/**
 * Whether a container that failed was ended from outside and not by itself: by somebody's `docker kill`, or with its
 * daemon. A daemon that stops ends its containers politely, so the exit code may be any but 0; it keeps its newest events
 * in memory, and where it does not remember the container's end, it was not there to see it.
 */
export async function endedFromOutside(docker: Docker, found: Docker.ContainerInspectInfo): Promise<boolean> {
  if (found.State.ExitCode === 0 || found.State.OOMKilled) return false;
  const remembered = await endEvents(docker, found);
  return remembered.includes('kill') || !remembered.includes('die');
}

async function endEvents(docker: Docker, found: Docker.ContainerInspectInfo): Promise<string[]> {
  try {
    const events = (await docker.getEvents({
      since: Math.floor(Date.parse(found.State.StartedAt) / 1000),
      until: Date.now() / 1000,
      filters: { container: [found.Id], event: ['die', 'kill'] },
    })) as AsyncIterable<Buffer>;
    let text = '';
    for await (const chunk of events) text += String(chunk);
    return ['die', 'kill'].filter((name) => text.includes(`"Action":"${name}"`));
  } catch (error) {
    throw engineUnavailable("tell of the container's end", error);
  }
}
