import type { Command } from 'commander';
import { define, wholeNumber } from '../command';
import { localCubeFrom } from '../cube-arguments';
import { followRequest } from '../request-decision';
import { withSession } from '../session';
import { printStarted } from '../waiting';
import { requested, withRequesting } from './associate';
import type { RequestingOptions } from './associate';

interface OnboardOptions extends RequestingOptions {
  readonly withImage?: boolean;
  readonly name: string;
}

export function addOnboardCommand(program: Command): void {
  define(
    withRequesting(
      program
        .command('onboard')
        .description('Take a model through all stages: test, package, host, submit, associate')
        .argument('<folder>', 'the folder that holds mlcube.yaml or container_config.yaml')
        .requiredOption('-n, --name <name>', 'name in the registry')
        .requiredOption('-b, --benchmark <uid>', 'uid of the benchmark', wholeNumber)
        .option('--with-image', 'push the image too, and name it by its digest in the hosted manifest'),
    ),
    [
      'onboard medperf_tutorial/chestxray_mlp/mlcube --name my-modelref-cube --benchmark 1',
      'onboard ./mlcube -n my-model -b 1 -y --wait',
    ],
    (cli, options: OnboardOptions, [folder = '']) =>
      withSession(cli, async (session) => {
        const cube = await localCubeFrom(session, folder);
        const { name, benchmark } = options;
        const run = await session.medperf.startOnboard({
          cube,
          name,
          benchmark,
          ...requested(options),
          ...(options.withImage === true ? { withImage: true } : {}),
        });
        if (options.detach === true) return printStarted(cli, run.id);
        return followRequest(cli, session, run, options, ({ association }) => association);
      }),
  );
}
