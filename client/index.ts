export { isUnknownRun, MedperfClient } from './medperf-client';
export type { MedperfClientOptions, Run } from './medperf-client';
export { digestsOfRunningWork } from './running-work';
export type { LiveProgress, LiveStep } from './read-progress';
export * from '../contract';
