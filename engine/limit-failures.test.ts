import type { RunLimits } from './engine';
import { limitFailure } from './limit-failures';

const limits: RunLimits = {
  memoryBytes: 1000,
  cpus: 1,
  pids: 1,
  wallClockMs: 60_000,
  idleMs: 30_000,
  outputBytes: 2000,
  outputFiles: 1,
  logBytes: 3000,
  tmpBytes: 1,
  shmBytes: 1,
};
const ended = {
  endedBy: null,
  exitCode: 137,
  outOfMemory: false,
  startedAt: '2026-01-01T00:00:00.000000001Z',
  finishedAt: '2026-01-01T00:00:10.5Z',
  outputsFull: false as const,
};

describe('the limit that ended a container', () => {
  it('is none for a plain exit, also of a task that outlived the death of a child for want of memory', () => {
    expect(limitFailure({ ...ended, exitCode: 1 }, limits, [])).toBeNull();
    expect(limitFailure({ ...ended, exitCode: 0, outOfMemory: true }, limits, [])).toBeNull();
  });

  it.each([
    [{ finishedAt: '2026-01-01T00:01:00.2Z', exitCode: 0 }, '60 seconds'],
    [{ outOfMemory: true }, '1000 bytes of memory'],
    [{ endedBy: 'logBytes' as const }, '3000 bytes of log (limits.logBytes)'],
    [{ endedBy: 'idle' as const, exitCode: 0 }, '30 seconds without'],
    [{ endedBy: 'outputFiles' as const }, '1 files'],
    [{ exitCode: 153 }, '2000 bytes of outputs'],
    [{ exitCode: 1, outputsFull: 'outputBytes' as const }, '2000 bytes of outputs (limits.outputBytes)'],
    [{ exitCode: 1, outputsFull: 'outputFiles' as const }, '(limits.outputFiles)'],
    [{ endedBy: 'idle' as const, outOfMemory: true }, '(limits.idleMs)'],
  ])('of %o is %s', (change, words) => {
    const failure = limitFailure({ ...ended, ...change }, limits, ['the last line']);
    expect(failure?.type).toBe('ContainerFailed');
    expect(failure?.message).toContain(words);
    expect(failure?.message).toContain('the last line');
  });

  it("is the host's failure when its disk was what ended it", () => {
    const failure = limitFailure({ ...ended, endedBy: 'hostDisk' }, limits, []);
    expect(failure?.type).toBe('EngineUnavailable');
  });

  it('is none for outputs that are full at a good end', () => {
    expect(limitFailure({ ...ended, exitCode: 0, outputsFull: 'outputBytes' }, limits, [])).toBeNull();
  });
});
