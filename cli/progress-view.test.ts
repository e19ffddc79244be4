import type { LiveProgress, LiveStep } from '../client';
import { fitted, formatSeconds, progressChanges, renderProgress } from './progress-view';

const AT = '2026-01-01T00:00:00.000Z';
const NOW = new Date('2026-01-01T00:00:10.000Z');

function progressWith(steps: readonly LiveStep[], more: Partial<LiveProgress> = {}): LiveProgress {
  return {
    workflow: 'medperfOnboard',
    model: 'my-model',
    benchmark: '1',
    stage: 'test',
    stages: [
      { stage: 'test', status: 'running', startedAt: AT, endedAt: null, steps },
      { stage: 'package', status: 'waiting', startedAt: null, endedAt: null, steps: [] },
    ],
    needs: [],
    outcome: null,
    id: 'run-1',
    status: 'RUNNING',
    ...more,
  };
}

const INFER: LiveStep = { name: 'infer with my-model', status: 'running', startedAt: AT, endedAt: null };
const PREPARED: LiveStep = { ...INFER, name: 'prepare', status: 'done', endedAt: '2026-01-01T00:00:02.500Z' };

describe('renderProgress', () => {
  it('shows stages, the steps of the running one, their times and the last log line', () => {
    const running = { ...INFER, heartbeat: { lastLogLine: 'epoch 3', share: 0.256 } };
    expect(renderProgress(progressWith([{ ...PREPARED, reused: true }, running]), NOW)).toEqual([
      'my-model with benchmark 1 (run-1)',
      '▶ test  10.0 s',
      '    ✓ prepare  2.5 s, reused',
      '    ▶ infer with my-model  [##........] 25 %  10.0 s',
      '        | epoch 3',
      '· package',
    ]);
  });

  it.each([
    ['2026-01-01T00:00:05.000Z', 300, '5 s of about 5 min'],
    ['2025-12-31T23:53:00.000Z', 300, '7 min, usually about 5 min'],
    ['2025-12-31T20:00:00.000Z', undefined, '4 h 0 min'],
  ])('measures a container started at %s that usually takes %s s as %s', (startedAt, usualSeconds, text) => {
    const heartbeat = { startedAt, ...(usualSeconds === undefined ? {} : { usualSeconds }) };
    expect(renderProgress(progressWith([{ ...INFER, heartbeat }]), NOW)).toContain(
      `    ▶ infer with my-model  ${text}`,
    );
  });

  it('fits a running step of an ordinary name into 80 columns', () => {
    const heartbeat = { share: 1, startedAt: '2025-12-01T00:00:00.000Z' };
    const step = { ...INFER, name: 'infer with a-model-of-a-longer-name', heartbeat };
    for (const line of renderProgress(progressWith([step]), NOW)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('says who cancelled, when and why, with nothing that a terminal obeys', () => {
    const cancelledBy = { identity: 'alice', at: AT, reason: 'wrong\u001b[2J weights' };
    expect(renderProgress(progressWith([], { cancelledBy }), NOW)).toContain(
      'is being cancelled, asked for by alice at 2026-01-01 00:00:00 UTC: wrong weights',
    );
    const ended = progressWith([], { cancelledBy: { identity: 'bob', at: AT }, status: 'CANCELLED' });
    expect(renderProgress(ended, NOW)).toContain('cancelled by bob at 2026-01-01 00:00:00 UTC');
    expect(progressChanges(progressWith([]), ended)).toEqual(['cancelled by bob at 2026-01-01 00:00:00 UTC']);
  });

  it('says why an attempt failed and when the next one comes', () => {
    const failing = {
      ...INFER,
      attempt: 3,
      lastFailure: 'no answer\ndetails',
      nextRetryAt: '2026-01-01T00:00:14.000Z',
    };
    expect(renderProgress(progressWith([failing]), NOW)).toContain(
      '        attempt 2 failed: no answer; next attempt in 4.0 s',
    );
  });

  it('keeps the steps of a stage that is over for those who ask for all', () => {
    const over = progressWith([]);
    const stages = [{ stage: 'test', status: 'done', startedAt: AT, endedAt: AT, steps: [PREPARED] } as const];
    expect(renderProgress({ ...over, stages }, NOW)).toHaveLength(2);
    expect(renderProgress({ ...over, stages }, NOW, true)).toHaveLength(3);
  });

  it('shows the steps of a shared run below the step that waits for it', () => {
    const waiting = { ...INFER, name: 'prepare and check the data (shared)', steps: [PREPARED] };
    const lines = renderProgress(progressWith([waiting]), NOW);
    const at = lines.findIndex((line) => line.startsWith('    ▶ prepare and check the data (shared)'));
    expect(lines.slice(at)).toContain('        ✓ prepare  2.5 s');
  });

  it('says whom the run waits for', () => {
    const need = { what: 'confirmation', from: 'the model owner', since: AT, message: 'confirm sending' } as const;
    expect(renderProgress(progressWith([], { needs: [need] }), NOW)).toContain(
      'waits for the model owner: confirm sending',
    );
  });
});

describe('progressChanges', () => {
  it('tells each thing once', () => {
    const first = progressWith([INFER]);
    const done = { ...INFER, status: 'done', endedAt: '2026-01-01T00:00:03.000Z' } as const;
    expect(progressChanges(null, first)).toEqual([
      'my-model with benchmark 1 (run-1)',
      'test: started',
      'test 1: infer with my-model',
    ]);
    expect(progressChanges(first, first)).toEqual([]);
    expect(progressChanges(first, progressWith([done], { outcome: 'passed' }))).toEqual([
      'test 1: infer with my-model: done  3.0 s',
      'outcome: passed',
    ]);
  });

  it('does not tell the start of a step that has ended meanwhile', () => {
    expect(progressChanges(progressWith([]), progressWith([PREPARED]))).toEqual(['test 1: prepare: done  2.5 s']);
  });
});

it('cuts lines to the terminal', () => {
  expect(fitted(['short', 'a line that is too long'], 10)).toEqual(['short', 'a line t…']);
});

it.each([
  [1.25, '1.3 s'],
  [75, '1 min 15 s'],
  [7380, '2 h 3 min'],
])('shows %d seconds as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});
