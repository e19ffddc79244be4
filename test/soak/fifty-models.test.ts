import { tasksStarted } from '../container-starts';
import { EmbeddedStack } from '../embedded-stack';
import { testManyModels } from '../many-models';

const MODELS = 50;

it(
  `${MODELS} models on one benchmark, asked for at the same moment, prepare its data once and run its reference once`,
  async () => {
    const since = Math.floor(Date.now() / 1000);
    const stack = await EmbeddedStack.start();
    try {
      const { results, shared } = await testManyModels(stack, await stack.clientOf('testmodelowner'), MODELS);
      expect(results).toHaveLength(MODELS);
      expect(await tasksStarted(stack.docker, since, shared)).toEqual([
        'evaluate',
        'infer',
        'prepare',
        'sanity_check',
        'statistics',
      ]);
    } finally {
      await stack.stop();
    }
  },
  20 * 60_000,
);
