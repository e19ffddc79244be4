import { join, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { CUBE_TYPES, formatFinding, toMedperfHash } from '../../contract';
import type { CubeType, HostedCube, PackagedCube } from '../../contract';
import { define, wholeNumber } from '../command';
import { cubeDirectory, cubeLabel, localCubeFrom, wantedFormat } from '../cube-arguments';
import { DEPLOY, deployedFiles, writeDeployFolder } from '../deploy-folder';
import { EXIT } from '../exit-codes';
import { preFlight } from '../pre-flight/pre-flight';
import { preFlightText } from '../pre-flight/pre-flight-text';
import { withAnySession } from '../session';
import type { Cli, Session } from '../session';
import { table } from '../tables';
import { resultOf, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';
import { WrongUse } from '../wrong-use';

interface PackageOptions {
  readonly type?: CubeType;
  readonly output?: string;
  readonly check?: boolean;
  readonly benchmark?: number;
  readonly name?: string;
  readonly gpus?: number;
}

/** For each check of the pre-flight. */
const CHECK_MS = 10_000;

interface HostOptions extends WaitingOptions {
  readonly withImage?: boolean;
  readonly name?: string;
  readonly type?: CubeType;
}

export function addPublishingCommands(mlcube: Command): void {
  define(
    mlcube
      .command('package')
      .description('Check a cube and write the files to host into its folder "deploy"')
      .argument('<folder>', 'the folder that holds mlcube.yaml or container_config.yaml')
      .addOption(typeOption())
      .option('-o, --output <folder>', 'write there instead')
      .option('--check', 'only say what would go wrong later: writes and pulls nothing, and needs no worker')
      .option('-b, --benchmark <uid>', 'with --check: also against this benchmark', wholeNumber)
      .option('-n, --name <name>', 'with --check: whether the registry would take this name')
      .option('--gpus <count>', 'with --check: GPUs that the model is to get', wholeNumber),
    [
      'mlcube package medperf_tutorial/chestxray_mlp/mlcube',
      'mlcube package . --type metrics',
      'mlcube package . --check --benchmark 1 --name my-model',
    ],
    (cli, options: PackageOptions, [folder = '']) => packageOrCheck(cli, folder, options),
  );
  define(
    withDetach(
      mlcube
        .command('host')
        .description("Publish a cube's files and print their URLs")
        .argument('<folder>', 'the folder that holds mlcube.yaml or container_config.yaml')
        .addOption(typeOption())
        .option('-n, --name <name>', "folder to publish under; else the cube's own")
        .option('--with-image', 'push the image too, and name it by its digest in the hosted manifest'),
    ),
    ['mlcube host medperf_tutorial/chestxray_mlp/mlcube', 'mlcube host . --name my-model --json'],
    (cli, options: HostOptions, [folder = '']) => runHost(cli, folder, options),
  );
}

function typeOption(): Option {
  return new Option('-t, --type <type>', 'type of the cube; else read from its tasks').choices(CUBE_TYPES);
}

async function packageOrCheck(cli: Cli, folder: string, options: PackageOptions): Promise<number> {
  if (options.check === true) return runCheck(cli, folder, options);
  const stray = (['benchmark', 'name', 'gpus'] as const).find((option) => options[option] !== undefined);
  if (stray !== undefined) {
    throw new WrongUse({ what: `--${stray} says what to check.`, next: 'add --check, or leave it out.' });
  }
  await runPackage(cli, folder, options);
  return EXIT.done;
}

/** @returns the exit code: an error finding is a failure, what could not be checked is none. */
async function runCheck(cli: Cli, folder: string, options: PackageOptions): Promise<number> {
  const { type, benchmark, name, gpus, output } = options;
  if (output !== undefined) throw new WrongUse({ what: '--check writes nothing.', next: 'leave --output out.' });
  const report = await preFlight(cli, {
    directory: await cubeDirectory(folder),
    timeoutMs: CHECK_MS,
    ...(type === undefined ? {} : { type }),
    ...(benchmark === undefined ? {} : { benchmark }),
    ...(name === undefined ? {} : { name }),
    ...(gpus === undefined ? {} : { gpus }),
  });
  const passed = !report.findings.some(({ severity }) => severity === 'error');
  cli.output.result({ passed, ...report }, () => preFlightText(report));
  return passed ? EXIT.done : EXIT.failed;
}

async function runPackage(cli: Cli, folder: string, options: PackageOptions): Promise<void> {
  await withAnySession(cli, async (session) => {
    const packaged = await packageCube(cli, session, folder, options.type);
    const target = options.output === undefined ? join(await cubeDirectory(folder), DEPLOY) : resolve(options.output);
    await writeDeployFolder(session.store, packaged, target);
    cli.output.result({ folder: target, ...packaged }, () => packagedText(packaged, target));
  });
}

async function runHost(cli: Cli, folder: string, options: HostOptions): Promise<void> {
  await withAnySession(cli, async (session) => {
    const packaged = await packageCube(cli, session, folder, options.type);
    const run = await session.medperf.startHost({
      packaged,
      name: options.name ?? cubeLabel(folder),
      ...(options.withImage === true ? { withImage: true } : {}),
    });
    const ended = await resultOf(cli, session, run, options);
    if (ended === null) return;
    const { files, findings } = ended.result;
    cli.output.result({ id: run.id, ...ended.result, ...files }, () =>
      [hostedText(ended.result), ...(findings.length === 0 ? [] : ['', ...findings.map(formatFinding)])].join('\n'),
    );
  });
}

function hostedText({ files, image }: HostedCube): string {
  const urls = files.format === 'mlcube' ? { ...files.urls } : { additionalFilesUrl: files.additionalFiles?.url };
  const rows = Object.entries({ ...urls, image }).filter(([, url]) => url !== undefined);
  if (rows.length > 0) return table(['File', 'URL'], rows);
  return 'Nothing of this cube is to be hosted: the registry keeps its configuration and its parameters.';
}

/** Its end is not left open even with `--detach`: what follows needs its result, and it takes a moment. */
async function packageCube(
  cli: Cli,
  session: Session,
  folder: string,
  type: CubeType | undefined,
): Promise<PackagedCube> {
  const cube = await localCubeFrom(session, folder);
  const format = wantedFormat(session.profile);
  const run = await session.medperf.startPackage({
    cube,
    ...(type === undefined ? {} : { type }),
    ...(format === null ? {} : { format }),
  });
  const ended = await resultOf(cli, session, run);
  if (ended === null) throw new TypeError('a run that was waited for has no result');
  return ended.result;
}

function packagedText(packaged: PackagedCube, target: string): string {
  const rows = Object.entries(deployedFiles(packaged)).map(([name, { digest, size }]) => [
    name,
    size,
    toMedperfHash(digest),
  ]);
  return [
    ...packaged.findings.map(formatFinding),
    `${packaged.label} is a ${packaged.type} cube. Its files to host are in ${target}:`,
    '',
    table(['File', 'Bytes', 'SHA-256'], rows),
    '',
    `Also push its image where data owners can pull it: ${packaged.image}`,
  ].join('\n');
}
