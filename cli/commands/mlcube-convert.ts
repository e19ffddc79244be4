import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { formatFinding, hostedFileNames, MedperfError } from '../../contract';
import { toContainerConfig } from '../../mlcube/container-config';
import type { Converted } from '../../mlcube/container-config';
import { refuseErrors, requireManifest } from '../../mlcube/manifest';
import { define } from '../command';
import { cubeDirectory } from '../cube-arguments';
import type { Cli } from '../session';

export function addConvertCommand(mlcube: Command): void {
  define(
    mlcube
      .command('convert')
      .description("Say what mlcube.yaml says as a container_config.yaml, the form of today's MedPerf")
      .argument('<folder>', 'the folder that holds mlcube.yaml')
      .option('-o, --output <file>', 'write it there; else it is printed'),
    ['mlcube convert medperf_tutorial/chestxray_mlp/mlcube', 'mlcube convert . --output container_config.yaml'],
    (cli, { output }: { output?: string }, [folder = '']) => convert(cli, folder, output),
  );
}

/** @throws MedperfError `InvalidManifest` with every finding. */
async function convert(cli: Cli, folder: string, output: string | undefined): Promise<void> {
  const directory = await cubeDirectory(folder);
  const manifest = requireManifest(await readFile(join(directory, hostedFileNames.manifest), 'utf8'));
  const converted = toContainerConfig(manifest);
  refuseErrors("The cube cannot be run by today's MedPerf.", converted.findings);
  const text = stringify(converted.config, { lineWidth: 0 });
  if (output !== undefined) await writeOutput(resolve(output), text);
  for (const finding of converted.findings) cli.output.note(formatFinding(finding));
  cli.output.note(nextStep(converted, output ?? 'container_config.yaml'));
  cli.output.result({ ...converted, output: output ?? null }, () => (output === undefined ? text.trimEnd() : output));
}

async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new MedperfError('InvalidRequest', {
      what: 'The container_config cannot be written there.',
      found: (error as NodeJS.ErrnoException).code ?? 'no reason given',
      next: 'name a file in a folder that exists and that you may write to.',
    });
  }
}

function nextStep({ readsParameters, readsAdditionalFiles }: Converted, file: string): string {
  const parameters = readsParameters ? ' -p workspace/parameters.yaml' : '';
  const additional = readsAdditionalFiles ? ' -a URL_OF_ADDITIONAL_FILES' : '';
  return `Submit it with MedPerf's own client: medperf container submit -n NAME -m ${file}${parameters}${additional}`;
}
