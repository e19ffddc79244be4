import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import type { BucketPlace } from '../store/s3/connection';
import { WrongUse } from './wrong-use';

/** Absolute folders that the command line reads and writes. */
export interface Places {
  /** Profiles and credentials. */
  readonly config: string;
  /** The dev stack's databases, logs and record. */
  readonly state: string;
  /** The store, or what this host keeps of the one in the bucket. */
  readonly store: string;
  readonly bucket: BucketPlace | null;
  /** Scratch of the container worker; on the store's file system, so that inputs can be linked. */
  readonly work: string;
}

/**
 * `TEMPORAL_MEDPERF_HOME` moves everything below one folder; else the XDG folders, or what the system has for them.
 * `TEMPORAL_MEDPERF_STORE` names a store that several hosts share: a folder, or `s3://BUCKET/PREFIX` at the server that the
 * AWS tools' own variables name.
 */
export function placesFrom(environment: NodeJS.ProcessEnv): Places {
  const { config, state } = roots(environment);
  const shared = environment['TEMPORAL_MEDPERF_STORE'];
  const bucket = shared ? bucketFrom(shared, environment) : null;
  const store = shared && bucket === null ? resolve(shared) : join(state, bucket === null ? 'store' : 'store-cache');
  return { config, state, store, bucket, work: join(state, 'work') };
}

function bucketFrom(address: string, environment: NodeJS.ProcessEnv): BucketPlace | null {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*?)\/*$/.exec(address) ?? [];
  if (bucket === undefined) {
    if (!/^[a-z0-9]+:\/\//i.test(address)) return null;
    throw new WrongUse({
      what: 'TEMPORAL_MEDPERF_STORE names no place for a store.',
      next: 'set it to a folder, or to s3://BUCKET/PREFIX.',
    });
  }
  const endpoint = environment['AWS_ENDPOINT_URL_S3'] || environment['AWS_ENDPOINT_URL'];
  return { bucket, ...(endpoint && { endpoint }), ...(prefix !== '' && { prefix }) };
}

function roots(environment: NodeJS.ProcessEnv): { config: string; state: string } {
  const home = environment['TEMPORAL_MEDPERF_HOME'];
  if (home) return { config: join(resolve(home), 'config'), state: join(resolve(home), 'state') };
  const system = envPaths('temporal-medperf', { suffix: '' });
  if (process.platform !== 'linux') return { config: system.config, state: system.data };
  const state = environment['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return { config: system.config, state: join(state, 'temporal-medperf') };
}
