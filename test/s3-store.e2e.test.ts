import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../cli/exit-codes';
import type { StepReason } from '../cli/run-why';
import type { LiveProgress } from '../client';
import type { TestRunResult } from '../contract';
import type { CleanedUp } from '../store/clean-up';
import type { StoreUsage } from '../store/store-usage';
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
    const decision = ['association', 'approve', '--profile', 'committee', '--benchmark', '1', '--model_uid', '5'];
    await stack.expectDone(decision);
    expect(await stack.expectDone(['run', 'watch', id])).toContain('approved');
  });

  it('cleans up the bucket, and what this host keeps of it', async () => {
    const before = await stack.json<StoreUsage>(['store', 'du']);
    expect(before.reached.files).toBeGreaterThan(10);
    expect(await stack.expectDone(['store', 'ls'])).toMatch(/^record +reports\//m);
    expect(await stack.expectDone(['store', 'verify'])).toContain(': 0 damaged, 0 missing, 0 unreadable, 0 foreign;');
    expect(await stack.expectDone(['store', 'gc', '--limit', '1'])).toContain('Removed 0 files');
    expect(await stack.expectDone(['store', 'gc', '--cache', '--limit', '1'])).toContain('Removed 0 files');
    // A worker that runs remembers for an hour what it noted as used.
    await stack.expectDone(['dev', 'stop']);
    await server.dateObjects('medperf', 'team/store', new Date(Date.now() - 2 * 86_400_000));
    await stack.expectDone(['dev', 'start']);
    const told = await stack.json<CleanedUp>(['store', 'gc', '--limit', '1']);
    expect(told.removed.files).toBeGreaterThan(0);
    expect(told.kept).toEqual(told.spared);
    // What was removed is made, fetched and put again.
    const again = await stack.json<TestRunResult>(['test', 'run', '--benchmark', '1', '--model', model]);
    expect(Object.keys(again.candidate.headline)).not.toHaveLength(0);
    expect((await stack.cli(['store', 'verify'])).code).toBe(EXIT.done);
  });

  it('says when the server is gone', async () => {
    await server.kill();
    const { code, stderr } = await stack.cli(['test', 'run', '--benchmark', '1', '--model', model]);
    expect(code).toBe(EXIT.placeUnavailable);
    expect(stderr).toContain('The bucket "medperf" did not answer');
    await server.restart();
  });
});
