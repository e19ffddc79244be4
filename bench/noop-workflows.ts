import { proxyActivities } from '@temporalio/workflow';

interface NoopActivities {
  noop(): Promise<void>;
}

const { noop } = proxyActivities<NoopActivities>({ startToCloseTimeout: '1 minute' });

/** As many activities as a cached test run, in waves of the same widths: the least that Temporal takes for them. */
export async function noopWaves(widths: readonly number[]): Promise<void> {
  for (const width of widths) await Promise.all(Array.from({ length: width }, () => noop()));
}
