import { join, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { CUBE_TYPES, formatFinding, toMedperfHash } from '../../contract';
import type { CubeType, PackagedCube } from '../../contract';
import { define } from '../command';
import { cubeDirectory, cubeLabel, localCubeFrom } from '../cube-arguments';
import { DEPLOY, hostedFiles, writeDeployFolder } from '../deploy-folder';
import { withAnySession } from '../session';
import type { Cli, Session } from '../session';
import { table } from '../tables';
import { resultOf, withDetach } from '../waiting';
import type { WaitingOptions } from '../waiting';

interface PackageOptions {
  readonly type?: CubeType;
  readonly output?: string;
}

interface HostOptions extends WaitingOptions {
  readonly name?: string;
  readonly type?: CubeType;
}

export function addPublishingCommands(mlcube: Command): void {
  define(
    mlcube
      .command('package')
      .description('Check a cube and write the files to host into its folder "deploy"')
      .argument('<folder>', 'the folder that holds mlcube.yaml')
      .addOption(typeOption())
      .option('-o, --output <folder>', 'write there instead'),
    ['mlcube package medperf_tutorial/chestxray_mlp/mlcube', 'mlcube package . --type metrics'],
    (cli, options: PackageOptions, [folder = '']) => runPackage(cli, folder, options),
  );
  define(
    withDetach(
      mlcube
        .command('host')
        .description("Publish a cube's files and print their URLs")
        .argument('<folder>', 'the folder that holds mlcube.yaml')
        .addOption(typeOption())
        .option('-n, --name <name>', "folder to publish under; else the cube's own"),
    ),
    ['mlcube host medperf_tutorial/chestxray_mlp/mlcube', 'mlcube host . --name my-model --json'],
    (cli, options: HostOptions, [folder = '']) => runHost(cli, folder, options),
  );
}

function typeOption(): Option {
  return new Option('-t, --type <type>', 'type of the cube; else read from its tasks').choices(CUBE_TYPES);
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
    const run = await session.medperf.startHost({ packaged, name: options.name ?? cubeLabel(folder) });
    const ended = await resultOf(cli, session, run, options);
    if (ended === null) return;
    const { urls, hashes } = ended.result;
    cli.output.result({ id: run.id, urls, hashes }, () => table(['File', 'URL'], Object.entries(urls)));
  });
}

/** Its end is not left open even with `--detach`: what follows needs its result, and it takes a moment. */
async function packageCube(
  cli: Cli,
  session: Session,
  folder: string,
  type: CubeType | undefined,
): Promise<PackagedCube> {
  const cube = await localCubeFrom(session, folder);
  const run = await session.medperf.startPackage({ cube, ...(type === undefined ? {} : { type }) });
  const ended = await resultOf(cli, session, run);
  if (ended === null) throw new TypeError('a run that was waited for has no result');
  return ended.result;
}

function packagedText(packaged: PackagedCube, target: string): string {
  const rows = Object.entries(hostedFiles(packaged)).map(([name, { digest, size }]) => [
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
