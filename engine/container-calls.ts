import { setTimeout as delay } from 'node:timers/promises';
import type Docker from 'dockerode';
import { LABELS, ownerHash, volumePrefix } from './container-name';
import { daemonWords, engineUnavailable, startFailure, statusOf } from './daemon-errors';
import type { RunKey } from './engine';

/** A daemon that was just restarted, or another container that just starts, may hold the container's mounts a moment longer. */
const STILL_MOUNTED = /device or resource busy/;
const UNMOUNTED_WITHIN_MS = 1_000;
const REMOVALS = 10;

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

/** What dockerode is made of; its types leave this out. */
interface Dialer {
  dial(options: object, callback: (error: Error | null, answer: AsyncIterable<Buffer>) => void): void;
}

/**
 * Resolves once the container has ended. Docker answers at once and sends the body at the end; dockerode's own `wait` hears
 * nothing of a daemon that goes away in between, and never settles.
 */
export async function waitForEnd(container: Docker.Container, signal: AbortSignal): Promise<void> {
  const modem = container.modem as Dialer;
  const request = { path: `/containers/${container.id}/wait`, method: 'POST', isStream: true, abortSignal: signal };
  try {
    const answer = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
      const statusCodes = { 200: true, 404: 'no such container' };
      modem.dial({ ...request, statusCodes }, (error, stream) => {
        if (error === null) resolve(stream);
        else reject(error);
      });
    });
    let body = '';
    for await (const chunk of answer) body += String(chunk);
    if (!body.includes('StatusCode')) throw new Error('the answer was cut short');
  } catch (error) {
    throw engineUnavailable('wait for the container', error);
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
  for (let attempt = 1; ; attempt += 1) {
    try {
      await container.remove({ force: true, v: true });
      return;
    } catch (error) {
      // 409: somebody is removing it already.
      if (statusOf(error) === 404 || statusOf(error) === 409) return;
      if (!STILL_MOUNTED.test(daemonWords(error)) || attempt === REMOVALS) {
        throw engineUnavailable('remove the container', error);
      }
      await delay(UNMOUNTED_WITHIN_MS);
    }
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
