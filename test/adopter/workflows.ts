import { proxyActivities } from '@temporalio/workflow';
import type { BenchmarkFacts, ResolveBenchmarkInput } from '../../contract';

export * from '../../workflows';

interface AdopterActivities {
  greet(name: string): Promise<string>;
  'medperf.resolveBenchmark'(input: ResolveBenchmarkInput): Promise<BenchmarkFacts>;
}

const activities = proxyActivities<AdopterActivities>({ startToCloseTimeout: '1 minute' });

/** An adopter's own workflow, which uses an activity of its own and one of the plugin's on its own queue. */
export async function greetBenchmark(profile: string, benchmark: number): Promise<string> {
  const { name } = await activities['medperf.resolveBenchmark']({ profile, benchmark, offline: false });
  return activities.greet(name);
}
