import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';

/** Absolute folders that the command line reads and writes. */
export interface Places {
  /** Profiles and credentials. */
  readonly config: string;
  /** The dev stack's databases, logs and record. */
  readonly state: string;
  readonly store: string;
  /** Scratch of the container worker; on the store's file system, so that inputs can be linked. */
  readonly work: string;
}

/**
 * `TEMPORAL_MEDPERF_HOME` moves everything below one folder; else the XDG folders, or what the system has for them.
 * `TEMPORAL_MEDPERF_STORE` names a store that several hosts share.
 */
export function placesFrom(environment: NodeJS.ProcessEnv): Places {
  const { config, state } = roots(environment);
  const store = environment['TEMPORAL_MEDPERF_STORE'];
  return { config, state, store: store ? resolve(store) : join(state, 'store'), work: join(state, 'work') };
}

function roots(environment: NodeJS.ProcessEnv): { config: string; state: string } {
  const home = environment['TEMPORAL_MEDPERF_HOME'];
  if (home) return { config: join(resolve(home), 'config'), state: join(resolve(home), 'state') };
  const system = envPaths('temporal-medperf', { suffix: '' });
  if (process.platform !== 'linux') return { config: system.config, state: system.data };
  const state = environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return { config: system.config, state: join(state, 'temporal-medperf') };
}
