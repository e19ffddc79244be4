import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract';
import type { Action, Digest } from '../contract';
import type { RunRequest } from '../engine/engine';

const MIB = 1024 * 1024;

/** Enough for a script, and soon reached by one that tries. */
export const SCRIPT_LIMITS: RunRequest['limits'] = {
  memoryBytes: 256 * MIB,
  cpus: 64,
  pids: 64,
  wallClockMs: 60_000,
  idleMs: 60_000,
  outputBytes: 4 * MIB,
  outputFiles: 100,
  logBytes: MIB,
  tmpBytes: 8 * MIB,
  shmBytes: MIB,
};

export type RunChanges = Partial<Omit<RunRequest, 'action'>> & { readonly action?: Partial<Action> };

/** A run of a piece of JavaScript in the node image; its output folder is /out. */
export function scriptedRun(
  { imageId, owner }: { imageId: Digest; owner: string },
  script: string,
  changes: RunChanges = {},
): RunRequest {
  const action: Action = {
    version: 1,
    imageId,
    entrypoint: ['/bin/node', '-e', `const fs = require('node:fs'); ${script}`],
    command: [],
    environment: {},
    inputs: {},
    outputs: { result: { mount: '/out' } },
    ...changes.action,
  };
  return {
    key: `sha256:${createHash('sha256').update(canonicalJson(action)).digest('hex')}`,
    owner,
    labels: {},
    gpus: 0,
    limits: SCRIPT_LIMITS,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
    action,
  };
}
