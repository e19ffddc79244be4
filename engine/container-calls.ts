import type Docker from 'dockerode';
import { LABELS, ownerHash, volumePrefix } from './container-name';
import { engineUnavailable, startFailure, statusOf } from './daemon-errors';
import type { RunKey } from './engine';

/** What the daemon knows of a container, or null when there is none of that name. */
export async function inspectContainer(container: Docker.Container): Promise<Docker.ContainerInspectInfo | null> {
  try {
    return await container.inspect();
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw engineUnavailable('look at the container', error);
  }
}

/** `hide` names folders of the host that errors must not show. */
export async function startContainer(container: Docker.Container, hide: readonly string[]): Promise<void> {
  try {
    await container.start();
  } catch (error) {
    const startedBefore = statusOf(error) === 304;
    if (!startedBefore) throw startFailure(error, hide);
  }
}

/** Asks the container to end, and kills it when it has not after so many seconds. */
export async function stopContainer(container: Docker.Container, graceSeconds: number): Promise<void> {
  try {
    await container.stop({ t: graceSeconds });
  } catch (error) {
    const alreadyEnded = statusOf(error) === 304 || statusOf(error) === 404;
    if (!alreadyEnded) throw engineUnavailable('stop the container', error);
  }
}

export async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    // 409: somebody is removing it already.
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw engineUnavailable('remove the container', error);
  }
}

/** Removes the named volumes of a run whose container is gone; Docker removes nameless ones with the container. */
export async function removeVolumes(docker: Docker, name: string): Promise<void> {
  try {
    const prefix = volumePrefix(name);
    const { Volumes: found } = await docker.listVolumes({ filters: { name: [prefix] } });
    for (const { Name } of found) if (Name.startsWith(prefix)) await docker.getVolume(Name).remove();
  } catch (error) {
    if (statusOf(error) !== 404) throw engineUnavailable('remove the volumes of a container', error);
  }
}

export function isOurs(found: Docker.ContainerInspectInfo, request: RunKey): boolean {
  const labels = found.Config.Labels;
  return labels[LABELS.key] === request.key && labels[LABELS.owner] === ownerHash(request.owner);
}
