import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Digest, HostedContainer, HostedMlcube, SubmitInput } from '../../contract';
import { MedperfError } from '../../contract';
import { define } from '../command';
import { withSession } from '../session';
import type { Cli, Session } from '../session';
import { resultOf, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';
import { WrongUse } from '../wrong-use';

export interface SubmitOptions extends WaitingOptions {
  readonly name: string;
  readonly mlcubeFile?: string;
  readonly containerConfig?: string;
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
        .requiredOption('-n, --name <name>', 'name in the registry')
        .option('-m, --mlcube-file <url>', 'URL of mlcube.yaml')
        .option('--container-config <file>', "container_config.yaml on this machine, for today's MedPerf, in its place")
        .option('--mlcube-hash <hash>', 'its SHA-256; computed when left out, like the others')
        .option('-p, --parameters-file <url>', 'URL of parameters.yaml; with --container-config, the file itself')
        .option('--parameters-hash <hash>', 'its SHA-256')
        .option('-a, --additional-file <url>', 'URL of additional_files.tar.gz')
        .option('--additional-hash <hash>', 'its SHA-256')
        .option('-i, --image-file <url>', "URL of the image's archive, where it is not pulled")
        .option(
          '--image-hash <hash>',
          "SHA-256 of that archive, or without one the image's id; today, its manifest's digest or archive's SHA-256",
        )
        .option('--development', 'register it in state DEVELOPMENT'),
    ),
    [
      'mlcube submit --name my-modelref-cube --mlcube-file URL --parameters-file URL --additional-file URL',
      'mlcube submit -n my-model -m URL --mlcube-hash HASH --development',
      'mlcube submit -n my-model --container-config container_config.yaml -p workspace/parameters.yaml -a URL',
    ],
    submit,
  );
}

async function submit(cli: Cli, options: SubmitOptions): Promise<void> {
  await withSession(cli, async (session) => {
    const run = await session.medperf.startSubmit(await submitInput(options, (...file) => keptFile(session, ...file)));
    const ended = await resultOf(cli, session, run, options);
    if (ended === null) return;
    const { kind, uid, name, adopted } = ended.result;
    const how = adopted ? 'was registered already, just so, with' : 'is registered with';
    cli.output.result({ id: run.id, ...ended.result }, () => `The ${kind} ${name} ${how} uid ${uid}.`);
  });
}

async function keptFile({ store }: Session, file: string, what: string): Promise<Digest> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new MedperfError('InvalidRequest', {
      what: `The ${what} ${file} cannot be read.`,
      found: (error as NodeJS.ErrnoException).code ?? 'no reason given',
      next: 'name a file on this machine.',
    });
  });
  return (await store.putBytes(bytes)).digest;
}

/** What the workflow is asked for; only what was given is in it. `kept` puts a local file into the store. */
export async function submitInput(
  options: SubmitOptions,
  kept: (file: string, what: string) => Promise<Digest>,
): Promise<Omit<SubmitInput, 'profile'>> {
  const { name, mlcubeFile, containerConfig } = options;
  if ((mlcubeFile === undefined) === (containerConfig === undefined)) {
    throw new WrongUse({
      what: 'A cube is submitted by its mlcube.yaml or by its container_config.yaml.',
      next: 'give --mlcube-file URL for a server of the MLCube generations, or --container-config FILE for one of today.',
    });
  }
  const operational = options.development !== true;
  if (mlcubeFile !== undefined) return { name, files: hostedMlcube(options, mlcubeFile), operational };
  return { name, files: await hostedContainer(options, containerConfig ?? '', kept), operational };
}

function hostedMlcube(options: SubmitOptions, manifestUrl: string): HostedMlcube {
  const { parametersFile, additionalFile, imageFile } = options;
  const { mlcubeHash, parametersHash, additionalHash, imageHash } = options;
  const image = imageFile === undefined ? 'imageHash' : 'imageTarballHash';
  return {
    format: 'mlcube',
    urls: {
      manifestUrl,
      ...(parametersFile === undefined ? {} : { parametersUrl: parametersFile }),
      ...(additionalFile === undefined ? {} : { additionalFilesUrl: additionalFile }),
      ...(imageFile === undefined ? {} : { imageTarballUrl: imageFile }),
    },
    hashes: {
      ...(mlcubeHash === undefined ? {} : { manifestHash: mlcubeHash }),
      ...(parametersHash === undefined ? {} : { parametersHash }),
      ...(additionalHash === undefined ? {} : { additionalFilesHash: additionalHash }),
      ...(imageHash === undefined ? {} : { [image]: imageHash }),
    },
  };
}

/** The registry keeps the two files itself. */
async function hostedContainer(
  options: SubmitOptions,
  config: string,
  kept: (file: string, what: string) => Promise<Digest>,
): Promise<HostedContainer> {
  const { parametersFile, additionalFile, additionalHash, imageHash } = options;
  const stray = (['mlcubeHash', 'parametersHash', 'imageFile'] as const).find(
    (option) => options[option] !== undefined,
  );
  if (stray !== undefined) {
    const option = `--${stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw new WrongUse({ what: `${option} does not go with --container-config.`, next: 'leave it out.' });
  }
  return {
    format: 'container',
    config: await kept(config, 'container_config'),
    parameters: parametersFile === undefined ? null : await kept(parametersFile, 'parameters file'),
    additionalFiles:
      additionalFile === undefined
        ? null
        : { url: additionalFile, ...(additionalHash === undefined ? {} : { hash: additionalHash }) },
    ...(imageHash === undefined ? {} : { imageHash }),
  };
}
