import { StartedContainers } from '../container-starts';
import { EmbeddedStack } from '../embedded-stack';
import { testManyModels } from '../many-models';

const MODELS = 50;

it(
  `${MODELS} models on one benchmark, asked for at the same moment, prepare its data once and run its reference once`,
  async () => {
    const stack = await EmbeddedStack.start();
    const started = await StartedContainers.listen(stack.docker);
    try {
      const { results, ids, shared } = await testManyModels(stack, await stack.clientOf('modelOwner'), MODELS);
      expect(results).toHaveLength(MODELS);
      expect(started.tasksOf(ids)).toHaveLength(2 * MODELS);
      expect(started.tasksOf(shared)).toEqual(['evaluate', 'infer', 'prepare', 'sanity_check', 'statistics']);
    } finally {
      started.close();
      await stack.stop();
    }
  },
  20 * 60_000,
);
