import { join } from 'node:path';

/** When a worker can die in a model's run, in order; `kill-at.js` knows each. */
export const MOMENTS = [
  'before create',
  'between create and start',
  'while it runs',
  'after its end, before collection',
  'collected, before it is recorded',
  'recorded, before clean-up',
  'during clean-up',
] as const;

export type Moment = (typeof MOMENTS)[number];

/** Makes a worker that is started with it die at the moment, and write `mark` just before. */
export function dyingAt(moment: Moment, mark: string): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--require ${join(__dirname, 'kill-at.js')}`,
    MEDPERF_FAULT_MOMENT: moment,
    MEDPERF_FAULT_MARK: mark,
  };
}
