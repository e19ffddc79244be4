import { findOrGetDocker } from '../devstack/setup/docker-engine';
import { findOrGetTemporal } from '../devstack/setup/temporal-server';

/** Gets what the tests on real parts need: a Docker engine and the Temporal server's program. */
export default async function setUpMachine(): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await findOrGetDocker(say);
  process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] = await findOrGetTemporal(say);
}
