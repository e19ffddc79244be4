import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger, bundleWorkflowCode, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { WORKFLOWS } from '../contract';
import { HISTORIES } from './kept-histories';

interface History {
  readonly events: readonly { workflowExecutionStartedEventAttributes?: { workflowType: { name: string } } }[];
}

/** Recorded by `npm run histories`; a workflow that no longer makes the same decisions fails here. */
describe('stored histories', () => {
  const files = readdirSync(HISTORIES).filter((file) => file.endsWith('.json'));
  const read = (file: string): History => JSON.parse(readFileSync(join(HISTORIES, file), 'utf8')) as History;
  let workflowBundle: WorkflowBundleWithSourceMap;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const logger = new DefaultLogger('WARN');
    workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('../workflows'), logger });
  });

  it('has one of every workflow', () => {
    const types = files.map((file) => read(file).events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name);
    expect(new Set(types)).toEqual(new Set(Object.values(WORKFLOWS)));
  });

  it.each(files)('replays %s', async (file) => {
    await Worker.runReplayHistory({ workflowBundle }, read(file), file);
  });
});
