import { findOrGetDocker } from '../devstack/setup/docker-engine';
import { findOrGetTemporal } from '../devstack/setup/temporal-server';
import { benchEngineRuns } from './engine-runs';
import { benchFetching } from './fetching';
import { formatFigure } from './figures';
import type { Figure } from './figures';
import { benchGpuLeases } from './gpu-leases';
import { benchPacking } from './packing';
import { benchS3Upload } from './s3-upload';
import { benchStore } from './store-bytes';
import { benchTestRun } from './test-run';

/** `npm run bench [-- NAME] [-- --json]`: each figure on one line. */
const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  'engine-runs': benchEngineRuns,
  fetching: benchFetching,
  'gpu-leases': benchGpuLeases,
  packing: benchPacking,
  's3-upload': benchS3Upload,
  store: benchStore,
  'test-run': benchTestRun,
};

/** Names that stand for several. */
const GROUPS: Readonly<Record<string, readonly string[]>> = { bytes: ['store', 'packing', 'fetching'] };

async function main(): Promise<void> {
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const asked = named.flatMap((name) => GROUPS[name] ?? [name]);
  const unknown = asked.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    throw new Error(
      `no bench named ${unknown.join(', ')}; there are: ${[...Object.keys(BENCHES), ...Object.keys(GROUPS)].join(', ')}`,
    );
  }
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  await findOrGetDocker(say);
  process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] = await findOrGetTemporal(say);
  const figures: Figure[] = [];
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (asked.length === 0 || asked.includes(name)) figures.push(...(await bench()));
  }
  const lines = process.argv.includes('--json') ? [JSON.stringify(figures, null, 2)] : figures.map(formatFigure);
  process.stdout.write(`${lines.join('\n')}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
