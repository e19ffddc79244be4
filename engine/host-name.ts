import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { engineUnavailable } from './daemon-errors';

const VOLUME = 'temporal-medperf-host';
const LABEL = 'org.temporal-medperf.host-id';
const hostVolume = z.object({ Labels: z.object({ [LABEL]: z.string().regex(/^[0-9a-f]{12}$/) }) });

/**
 * Twelve hex digits that this daemon keeps in a volume's label: Docker's own id is copied with machine images. Creating a
 * volume that exists leaves its labels as they are, so whoever came first has named the host.
 */
export async function readHostName(docker: Docker): Promise<string> {
  let found: unknown;
  try {
    await docker.createVolume({ Name: VOLUME, Labels: { [LABEL]: randomBytes(6).toString('hex') } });
    found = await docker.getVolume(VOLUME).inspect();
  } catch (error) {
    throw engineUnavailable("read this host's name", error);
  }
  const volume = hostVolume.safeParse(found);
  if (volume.success) return volume.data.Labels[LABEL];
  throw new MedperfError('EngineUnavailable', {
    what: `The Docker volume ${VOLUME} does not hold this host's name.`,
    expected: `a label ${LABEL} of 12 hex digits`,
    next: `Remove the volume (docker volume rm ${VOLUME}); it is made anew.`,
  });
}
