import { chmod, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LiveProgress } from '../client';
import { EXIT } from '../cli/exit-codes';
import type { TestRunResult } from '../contract';
import type { CleanedUp } from '../store/clean-up';
import type { StoreUsage } from '../store/store-usage';
import { slowModel } from './faults/slow-model';
import { eventually, MedperfStack } from './medperf-stack';

describe('the store, by the command', () => {
  let stack: MedperfStack;

  beforeAll(async () => {
    stack = await MedperfStack.start();
  });

  afterAll(() => stack.stop());

  const testRun = (model: string): string[] => ['test', 'run', '--benchmark', '1', '--no-reference', '--model', model];

  /** As if nothing had been used for two days. */
  async function age(folder = join(stack.home, 'state', 'store')): Promise<void> {
    const at = new Date(Date.now() - 2 * 86_400_000);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await age(path);
      else await utimes(path, at, at);
    }
  }

  it('gives way to its limit but keeps what an open run needs', async () => {
    const done = await slowModel(join(stack.home, 'done'), 'done', 0);
    const first = await stack.json<TestRunResult>(testRun(done));
    const waiting = await slowModel(join(stack.home, 'waiting'), 'waiting', 0);
    const onboard = ['onboard', waiting, '--name', 'waiting', '--benchmark', '1', '--no-reference', '--detach'];
    const { id } = await stack.json<{ id: string }>(onboard);
    const needs = async (what: string): Promise<LiveProgress> =>
      eventually(
        () => stack.json<LiveProgress>(['run', 'show', id]),
        (run) => run.needs.some((need) => need.what === what),
      );
    await needs('confirmation');
    await age();

    const before = await stack.json<StoreUsage>(['store', 'du']);
    expect(before.reached.files).toBeGreaterThan(10);
    const dry = await stack.json<CleanedUp>(['store', 'gc', '--limit', '1', '--dry-run']);
    const told = await stack.json<CleanedUp>(['store', 'gc', '--limit', '1']);
    expect(told).toEqual(dry);
    expect(told.dropped.results).toBeGreaterThan(0);
    expect(told.removed.files).toBeGreaterThan(0);
    expect(told.kept).toEqual(told.spared);
    const after = await stack.json<StoreUsage>(['store', 'du']);
    expect(after.blobs).toEqual(told.kept);
    expect(await stack.expectDone(['store', 'gc', '--limit', '1'])).toContain('more than the limit of 1 bytes');

    await stack.expectDone(['run', 'confirm', id]);
    await needs('committee-decision');
    const decision = ['association', 'approve', '--profile', 'committee', '--benchmark', '1', '--model_uid', '5'];
    await stack.expectDone(decision);
    expect(await stack.expectDone(['run', 'watch', id])).toContain('approved');

    const again = await stack.json<TestRunResult>(testRun(done));
    expect(again.candidate.results).toBe(first.candidate.results);
  });

  it('shows what it keeps', async () => {
    const { report } = await stack.json<TestRunResult>(testRun(join(stack.home, 'done')));
    expect(await stack.expectDone(['store', 'ls'])).toMatch(new RegExp(`^record +reports/${report} .* 3$`, 'm'));
    expect(await stack.expectDone(['store', 'ls', report])).toMatch(new RegExp(`^file ${report} [\\d.]+ (bytes|KiB)`));
    const { code, stderr } = await stack.cli(['store', 'ls', `sha256:${'0'.repeat(64)}`]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('is not in the store');
  });

  it('finds what is damaged, and goes on when it was moved away', async () => {
    expect(await stack.expectDone(['store', 'verify'])).toMatch(/: 0 damaged, 0 missing, 0 unreadable, 0 foreign;/);
    const run = testRun(join(stack.home, 'done'));
    const { report } = await stack.json<TestRunResult>(run);
    const blob = join(stack.home, 'state', 'store', 'blobs', report.slice(7, 9), report.slice(7));
    await chmod(blob, 0o644);
    await writeFile(blob, 'rubbish');
    const found = await stack.cli(['store', 'verify', '--quarantine']);
    expect(found.code).toBe(EXIT.failed);
    expect(found.stdout).toContain(`damaged: ${report}; needed by record reports/${report}; moved away`);
    expect((await stack.json<TestRunResult>(run)).report).toBe(report);
    expect((await stack.cli(['store', 'verify'])).code).toBe(EXIT.done);
  });

  it('removes nothing while Temporal does not answer', async () => {
    const before = await stack.json<StoreUsage>(['store', 'du']);
    await age();
    const { code } = await stack.cli(['store', 'gc', '--limit', '1'], '', { TEMPORAL_ADDRESS: '127.0.0.1:9' });
    expect(code).toBe(EXIT.placeUnavailable);
    expect((await stack.json<StoreUsage>(['store', 'du'])).blobs).toEqual(before.blobs);
  });
});
