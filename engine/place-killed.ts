import type Docker from 'dockerode';
import { engineUnavailable } from './daemon-errors';

const KILLED = 137;

/**
 * Whether a container was killed by its daemon's end or start and not by itself. The daemon keeps its newest events in
 * memory: where it does not remember the container's end, it was not there to see it.
 */
export async function killedWithDaemon(docker: Docker, found: Docker.ContainerInspectInfo): Promise<boolean> {
  if (found.State.ExitCode !== KILLED || found.State.OOMKilled) return false;
  try {
    const events = (await docker.getEvents({
      since: Math.floor(Date.parse(found.State.StartedAt) / 1000),
      until: Date.now() / 1000,
      filters: { container: [found.Id], event: ['die'] },
    })) as AsyncIterable<Buffer>;
    for await (const chunk of events) if (String(chunk).includes('"die"')) return false;
  } catch (error) {
    throw engineUnavailable("tell of the container's end", error);
  }
  return true;
}
