import type Docker from 'dockerode';
import { LABELS, ownerHash } from './container-name';
import { engineUnavailable, startFailure, statusOf } from './daemon-errors';
import type { RunRequest } from './engine';

const STOP_GRACE_S = 5;

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

/** Asks the container to end, and kills it when it has not after a grace of seconds. */
export async function stopContainer(container: Docker.Container): Promise<void> {
  try {
    await container.stop({ t: STOP_GRACE_S });
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

export function isOurs(found: Docker.ContainerInspectInfo, request: Pick<RunRequest, 'key' | 'owner'>): boolean {
  const labels = found.Config.Labels;
  return labels[LABELS.key] === request.key && labels[LABELS.owner] === ownerHash(request.owner);
}
