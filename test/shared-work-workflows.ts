import type { BenchmarkBaseInput, JoinedBase } from '../contract';
import { sharing } from '../workflows/proxies';

export { medperfBenchmarkBase } from '../workflows';

/** What a test does to take part in shared work, and nothing else. */
export function asks(input: BenchmarkBaseInput): Promise<JoinedBase> {
  return sharing['medperf.joinBase'].executeWithOptions({ activityId: 'base-data' }, [input]);
}
