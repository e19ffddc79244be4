import type { Command } from 'commander';
import { MedperfError } from '../../contract';
import { findOrGetDocker } from '../../devstack/setup/docker-engine';
import { define } from '../command';
import type { Cli } from '../session';
import { addSearchAttributes, missingSearchAttributes, openTemporal } from '../temporal';

export function addSetupCommand(program: Command): void {
  define(
    program.command('setup').description('Register the search attributes in Temporal and find a Docker engine'),
    ['setup', 'TEMPORAL_ADDRESS=temporal.example.org:7233 temporal-medperf setup'],
    setup,
  );
}

async function setup(cli: Cli): Promise<void> {
  const temporal = await openTemporal(cli.places);
  try {
    const registered = await missingSearchAttributes(temporal);
    if (registered.length > 0) await addSearchAttributes(temporal, registered);
    const docker = await dockerFound(cli);
    cli.output.result({ temporal: temporal.address, namespace: temporal.namespace, registered, docker }, () =>
      [
        `Temporal at ${temporal.address}, namespace ${temporal.namespace}: ` +
          (registered.length === 0 ? 'every search attribute is there.' : `registered ${registered.join(', ')}.`),
        docker.answers ? 'Docker answers.' : `No Docker here (${docker.found}); only container workers need it.`,
      ].join('\n'),
    );
  } finally {
    await temporal.connection.close();
  }
}

type DockerFound = { readonly answers: true } | { readonly answers: false; readonly found: string };

/** A machine that runs no containers is set up without one. */
async function dockerFound({ output }: Cli): Promise<DockerFound> {
  try {
    await findOrGetDocker((line) => output.note(line));
    return { answers: true };
  } catch (error) {
    if (!(error instanceof MedperfError)) throw error;
    return { answers: false, found: error.facts.found ?? error.facts.what };
  }
}
