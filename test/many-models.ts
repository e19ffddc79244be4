import { appendFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { MedperfClient } from '../client';
import type { TestRunResult } from '../contract';
import { EXAMPLE_CUBES } from './embedded-stack';
import type { EmbeddedStack } from './embedded-stack';

export interface ManyTests {
  readonly results: readonly TestRunResult[];
  /** Ids of the tests, and of the runs that they shared. */
  readonly ids: readonly string[];
  readonly shared: ReadonlySet<string>;
}

/** Tests so many models that differ in a byte, all asked for at the same moment. */
export async function testManyModels(stack: EmbeddedStack, owner: MedperfClient, count: number): Promise<ManyTests> {
  const cubes = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const folder = join(stack.home, 'models', String(at));
      await cp(join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube'), folder, { recursive: true });
      await appendFile(join(folder, 'workspace', 'parameters.yaml'), `\n# model ${at}\n`);
      return owner.ingestCube(folder, `model-${at}`);
    }),
  );
  const runs = await Promise.all(cubes.map((model) => owner.startTestRun({ benchmark: 1, model })));
  const results = await Promise.all(runs.map((run) => run.result()));
  const shown = await Promise.all(runs.map(({ id }) => owner.progress(id)));
  const steps = shown.flatMap(({ stages }) => stages.flatMap((stage) => stage.steps));
  return {
    results,
    ids: runs.map(({ id }) => id),
    shared: new Set(steps.flatMap(({ shared }) => (shared === undefined ? [] : [shared.id]))),
  };
}
