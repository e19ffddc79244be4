/** Permanent names: they share a flat space with the adopter's and are pinned by `names.test.ts`. */

export const WORKFLOWS = {
  testRun: 'medperfTestRun',
  package: 'medperfPackage',
  host: 'medperfHost',
  checkHosting: 'medperfCheckHosting',
  submit: 'medperfSubmit',
  associate: 'medperfAssociate',
  onboard: 'medperfOnboard',
  sweep: 'medperfSweep',
  benchmarkBase: 'medperfBenchmarkBase',
  approve: 'medperfApprove',
} as const;

export type WorkflowName = (typeof WORKFLOWS)[keyof typeof WORKFLOWS];

export const ACTIVITIES = {
  resolveBenchmark: 'medperf.resolveBenchmark',
  fetchCube: 'medperf.fetchCube',
  fetchDemoData: 'medperf.fetchDemoData',
  claimHost: 'medperf.claimHost',
  obtainImage: 'medperf.obtainImage',
  runTask: 'medperf.runTask',
  recordReport: 'medperf.recordReport',
  packageCube: 'medperf.packageCube',
  publish: 'medperf.publish',
  checkHosting: 'medperf.checkHosting',
  registerCube: 'medperf.registerCube',
  checkAssociation: 'medperf.checkAssociation',
  requestAssociation: 'medperf.requestAssociation',
  pollAssociation: 'medperf.pollAssociation',
  withdrawAssociation: 'medperf.withdrawAssociation',
  sweepHost: 'medperf.sweepHost',
  publishImage: 'medperf.publishImage',
  identify: 'medperf.identify',
  findResult: 'medperf.findResult',
  joinBase: 'medperf.joinBase',
  remind: 'medperf.remind',
  checkRequest: 'medperf.checkRequest',
  approveAssociation: 'medperf.approveAssociation',
} as const;

/** Registry, store and hosting work; needs no Docker. */
export const CONTROL_QUEUE = 'medperf-control';
/**
 * Serves only `joinBase`: however many wait there for shared work, none of them keeps a slot that this work needs.
 */
export const SHARED_QUEUE = 'medperf-shared';
/** Serves only `claimHost`. */
export const CONTAINERS_QUEUE = 'medperf-containers';
/** Every step that touches a container or its files runs on its host's queue, so that a retry meets its container. */
export function hostQueue(host: string): string {
  return `${CONTAINERS_QUEUE}@${host}`;
}
/** Serves only `sweepHost`: on a host whose every slot is taken, a sweep would wait for what it has to clear away. */
export function sweepQueue(host: string): string {
  return `medperf-sweep@${host}`;
}
/** The schedule that sweeps a host. */
export function sweepSchedule(host: string): string {
  return `medperf-sweep@${host}`;
}

/** Search attributes, all of type Keyword. */
export const SEARCH_ATTRIBUTES = {
  stage: 'MedPerfStage',
  benchmark: 'MedPerfBenchmark',
  model: 'MedPerfModel',
  owner: 'MedPerfOwner',
  outcome: 'MedPerfOutcome',
} as const;

/** Raised when the meaning of a task's run changes, so that older results are not reused. */
export const CONTRACT_VERSION = 1;
