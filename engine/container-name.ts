import { createHash } from 'node:crypto';
import type { RunKey } from './engine';

export const LABELS = {
  key: 'org.temporal-medperf.key',
  owner: 'org.temporal-medperf.owner-hash',
  host: 'org.temporal-medperf.host',
  /** UUIDs of the GPUs that the container has leased, separated by commas. */
  gpus: 'org.temporal-medperf.gpus',
} as const;

export function ownerHash(owner: string): string {
  return createHash('sha256').update(owner).digest('hex');
}

/** One name for one action of one owner, so that creating it a second time is a conflict. */
export function containerName({ key, owner }: RunKey): string {
  return `medperf-${key.slice('sha256:'.length, 'sha256:'.length + 12)}-${ownerHash(owner).slice(0, 12)}`;
}

/** How the names of a container's own volumes begin. */
export function volumePrefix(name: string): string {
  return `${name}-volume-`;
}
