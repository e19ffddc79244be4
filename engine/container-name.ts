import { createHash } from 'node:crypto';
import type { RunRequest } from './engine';

export const LABELS = {
  key: 'org.temporal-medperf.key',
  owner: 'org.temporal-medperf.owner-hash',
  host: 'org.temporal-medperf.host',
} as const;

export function ownerHash(owner: string): string {
  return createHash('sha256').update(owner).digest('hex');
}

/** One name for one action of one owner, so that creating it a second time is a conflict. */
export function containerName({ key, owner }: Pick<RunRequest, 'key' | 'owner'>): string {
  return `medperf-${key.slice('sha256:'.length, 'sha256:'.length + 12)}-${ownerHash(owner).slice(0, 12)}`;
}
