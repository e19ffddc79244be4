import type { Command } from 'commander';
import type { CubeHashes, CubeUrls, SubmitInput } from '../../contract';
import { define } from '../command';
import { withSession } from '../session';
import type { Cli } from '../session';
import { resultOf, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';

export interface SubmitOptions extends WaitingOptions {
  readonly name: string;
  readonly mlcubeFile: string;
  readonly mlcubeHash?: string;
  readonly parametersFile?: string;
  readonly parametersHash?: string;
  readonly additionalFile?: string;
  readonly additionalHash?: string;
  readonly imageFile?: string;
  readonly imageHash?: string;
  readonly development?: boolean;
}

export function addSubmitCommand(mlcube: Command): void {
  define(
    withDetach(
      mlcube
        .command('submit')
        .description('Download, check and register a hosted cube')
        .requiredOption('-n, --name <name>', 'name in the registry, at most 20 characters')
        .requiredOption('-m, --mlcube-file <url>', 'URL of mlcube.yaml')
        .option('--mlcube-hash <hash>', 'its SHA-256; computed when left out, like the others')
        .option('-p, --parameters-file <url>', 'URL of parameters.yaml')
        .option('--parameters-hash <hash>', 'its SHA-256')
        .option('-a, --additional-file <url>', 'URL of additional_files.tar.gz')
        .option('--additional-hash <hash>', 'its SHA-256')
        .option('-i, --image-file <url>', "URL of the image's archive, where it is not pulled")
        .option('--image-hash <hash>', "SHA-256 of that archive, or without one the image's id")
        .option('--development', 'register it in state DEVELOPMENT'),
    ),
    [
      'mlcube submit --name my-modelref-cube --mlcube-file URL --parameters-file URL --additional-file URL',
      'mlcube submit -n my-model -m URL --mlcube-hash HASH --development',
    ],
    submit,
  );
}

async function submit(cli: Cli, options: SubmitOptions): Promise<void> {
  await withSession(cli, async (session) => {
    const run = await session.medperf.startSubmit(submitInput(options));
    const ended = await resultOf(cli, session, run, options);
    if (ended === null) return;
    const { uid, name, adopted } = ended.result;
    const how = adopted ? 'was registered already, just so, with' : 'is registered with';
    cli.output.result({ id: run.id, ...ended.result }, () => `The cube ${name} ${how} uid ${uid}.`);
  });
}

/** What the workflow is asked for; only what was given is in it. */
export function submitInput(options: SubmitOptions): Omit<SubmitInput, 'profile'> {
  const { mlcubeFile, parametersFile, additionalFile, imageFile } = options;
  const { mlcubeHash, parametersHash, additionalHash, imageHash } = options;
  const urls: CubeUrls = {
    manifestUrl: mlcubeFile,
    ...(parametersFile === undefined ? {} : { parametersUrl: parametersFile }),
    ...(additionalFile === undefined ? {} : { additionalFilesUrl: additionalFile }),
    ...(imageFile === undefined ? {} : { imageTarballUrl: imageFile }),
  };
  const image = imageFile === undefined ? 'imageHash' : 'imageTarballHash';
  const hashes: CubeHashes = {
    ...(mlcubeHash === undefined ? {} : { manifestHash: mlcubeHash }),
    ...(parametersHash === undefined ? {} : { parametersHash }),
    ...(additionalHash === undefined ? {} : { additionalFilesHash: additionalHash }),
    ...(imageHash === undefined ? {} : { [image]: imageHash }),
  };
  const given = Object.keys(hashes).length === 0 ? {} : { hashes };
  return { name: options.name, urls, ...given, operational: options.development !== true };
}
