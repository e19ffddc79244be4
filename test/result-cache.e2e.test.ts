import { join } from 'node:path';
import type { TestRunResult } from '../contract';
import { EXIT } from '../cli/exit-codes';
import type { StepReason } from '../cli/run-why';
import { slowModel } from './faults/slow-model';
import { MedperfStack } from './medperf-stack';

interface Tested extends TestRunResult {
  readonly id: string;
}

describe('the cache, by the command alone', () => {
  let stack: MedperfStack;
  let test: readonly string[];

  beforeAll(async () => {
    stack = await MedperfStack.start();
    const model = await slowModel(join(stack.home, 'model'), 'model', 0);
    test = ['test', 'run', '--benchmark', '1', '--model', model];
  });

  afterAll(() => stack.stop());

  async function reasons(id: string): Promise<Record<string, string>> {
    const { steps } = await stack.json<{ steps: StepReason[] }>(['run', 'why', id]);
    return Object.fromEntries(steps.map(({ step, how }) => [step, how]));
  }

  it('says why steps ran, shows the logs of shared ones, and runs those again that are named', async () => {
    const first = await stack.json<Tested>(test);
    const why = await stack.expectDone(['run', 'why', first.id]);
    expect(why).toMatch(
      /^prepare +ran: no earlier run of this cube's task is known \(in the shared run benchmark-base\//m,
    );
    expect(await stack.expectDone(['run', 'logs', first.id, 'prepare'])).toContain('--- prepare\n');

    const second = await stack.json<Tested>([...test, '--no-cache=infer-model']);
    expect(await reasons(second.id)).toEqual({
      prepare: 'reused',
      'sanity-check': 'reused',
      statistics: 'reused',
      'infer-model': 'ran',
      'evaluate-model': 'reused',
      'infer-reference': 'reused',
      'evaluate-reference': 'reused',
    });
    expect(second.candidate.results).toBe(first.candidate.results);
  });

  it('refuses a step that there is not, with those that there are', async () => {
    const { code, stderr } = await stack.cli([...test, '--no-cache=infer,evaluation']);
    expect(code).toBe(EXIT.wrongUse);
    expect(stderr).toContain('"evaluation" is no step');
    expect(stderr).toContain('infer-model, evaluate-model');
  });
});
