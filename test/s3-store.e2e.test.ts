import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../cli/exit-codes';
import type { StepReason } from '../cli/run-why';
import type { LiveProgress } from '../client';
import type { TestRunResult } from '../contract';
import { slowModel } from './faults/slow-model';
import { eventually, MedperfStack } from './medperf-stack';
import { S3_ENVIRONMENT, S3Server } from './s3-server';

describe('the whole product with its store in a bucket', () => {
  let server: S3Server;
  let stack: MedperfStack;
  let model: string;

  beforeAll(async () => {
    server = await S3Server.start();
    await server.makeBucket('medperf');
    stack = await MedperfStack.start({
      ...S3_ENVIRONMENT,
      AWS_ENDPOINT_URL: server.endpoint,
      TEMPORAL_MEDPERF_STORE: 's3://medperf/team/store',
    });
    model = await slowModel(join(stack.home, 'model'), 'model', 0);
  });

  afterAll(async () => {
    await stack.stop();
    await server.stop();
  });

  it('tests a model, and again on a host that has lost what it kept', async () => {
    const test = ['test', 'run', '--benchmark', '1', '--model', model];
    const first = await stack.json<TestRunResult & { id: string }>(test);
    await rm(join(stack.home, 'state', 'store-cache'), { recursive: true });
    const second = await stack.json<TestRunResult & { id: string }>(test);
    expect(second.report).toBe(first.report);
    const { steps } = await stack.json<{ steps: StepReason[] }>(['run', 'why', second.id]);
    expect(new Set(steps.map(({ how }) => how))).toEqual(new Set(['reused']));
    expect(await stack.expectDone(['run', 'logs', second.id, 'infer-model'])).toContain('begins');
    await rm(join(stack.home, 'state', 'store-cache'), { recursive: true });
    const third = await stack.json<TestRunResult>([...test, '--no-cache=infer-model']);
    expect(third.candidate.results).toBe(first.candidate.results);
  });

  it('packages, hosts, submits and associates', async () => {
    const onboard = ['onboard', model, '--name', 'in-a-bucket', '--benchmark', '1', '-y', '--detach'];
    const { id } = await stack.json<{ id: string }>(onboard);
    await eventually(
      () => stack.json<LiveProgress>(['run', 'show', id]),
      ({ needs }) => needs.some(({ what }) => what === 'committee-decision'),
    );
    const decision = ['association', 'approve', '--profile', 'committee', '--benchmark', '1', '--model_uid', '4'];
    await stack.expectDone(decision);
    expect(await stack.expectDone(['run', 'watch', id])).toContain('approved');
  });

  it('cleans up what this host keeps, and tells where the rest is', async () => {
    expect(await stack.expectDone(['store', 'gc', '--limit', '1'])).toContain('Removed 0 files');
    expect(await stack.expectDone(['store', 'du'])).toContain('contents');
    const { code, stderr } = await stack.cli(['store', 'ls']);
    expect(code).toBe(EXIT.wrongUse);
    expect(stderr).toContain('in its bucket');
  });

  it('says when the server is gone', async () => {
    await server.kill();
    const { code, stderr } = await stack.cli(['test', 'run', '--benchmark', '1', '--model', model]);
    expect(code).toBe(EXIT.placeUnavailable);
    expect(stderr).toContain('The bucket "medperf" did not answer');
    await server.restart();
  });
});
