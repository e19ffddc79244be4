import {
  ACTIVITIES,
  CONTAINERS_QUEUE,
  CONTROL_QUEUE,
  hostQueue,
  SEARCH_ATTRIBUTES,
  SHARED_QUEUE,
  sweepQueue,
  sweepSchedule,
  WORKFLOWS,
} from './names';

/** Names live in adopters' histories and dashboards: a change here breaks them, so it has to be made twice. */
describe('permanent names', () => {
  it('keeps the workflow types', () => {
    expect(Object.values(WORKFLOWS)).toEqual([
      'medperfTestRun',
      'medperfPackage',
      'medperfHost',
      'medperfCheckHosting',
      'medperfSubmit',
      'medperfAssociate',
      'medperfOnboard',
      'medperfSweep',
      'medperfBenchmarkBase',
      'medperfApprove',
    ]);
  });

  it('keeps the activity names', () => {
    expect(Object.values(ACTIVITIES)).toEqual([
      'medperf.resolveBenchmark',
      'medperf.fetchCube',
      'medperf.fetchDemoData',
      'medperf.claimHost',
      'medperf.obtainImage',
      'medperf.runTask',
      'medperf.recordReport',
      'medperf.packageCube',
      'medperf.publish',
      'medperf.checkHosting',
      'medperf.registerCube',
      'medperf.checkAssociation',
      'medperf.requestAssociation',
      'medperf.pollAssociation',
      'medperf.withdrawAssociation',
      'medperf.sweepHost',
      'medperf.publishImage',
      'medperf.identify',
      'medperf.findResult',
      'medperf.joinBase',
      'medperf.remind',
      'medperf.checkRequest',
      'medperf.approveAssociation',
    ]);
  });

  it('keeps the task queues and search attributes', () => {
    expect([CONTROL_QUEUE, SHARED_QUEUE, CONTAINERS_QUEUE, hostQueue('a1')]).toEqual([
      'medperf-control',
      'medperf-shared',
      'medperf-containers',
      'medperf-containers@a1',
    ]);
    expect([sweepQueue('a1'), sweepSchedule('a1')]).toEqual(['medperf-sweep@a1', 'medperf-sweep@a1']);
    expect(Object.values(SEARCH_ATTRIBUTES)).toEqual([
      'MedPerfStage',
      'MedPerfBenchmark',
      'MedPerfModel',
      'MedPerfOwner',
      'MedPerfOutcome',
    ]);
  });
});
