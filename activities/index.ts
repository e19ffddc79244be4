import { activityInfo, cancellationSignal, Context } from '@temporalio/activity';
import type {
  AssociationStanding,
  BenchmarkFacts,
  CheckAssociationInput,
  ClaimedHost,
  ClaimHostInput,
  Cube,
  CubeUrls,
  DataAndLabels,
  FetchCubeInput,
  FetchDemoDataInput,
  ObtainedImage,
  ObtainImageInput,
  PackageCubeInput,
  PackagedCube,
  PairInput,
  PollAssociationResult,
  PublishInput,
  RecordedReport,
  RecordReportInput,
  RegisterCubeInput,
  RegisterCubeResult,
  RequestAssociationInput,
  ResolveBenchmarkInput,
  RunTaskInput,
  RunTaskResult,
} from '../contract';
import type { Engine, RunLimits } from '../engine/engine';
import type { Publisher } from '../hosting/publisher';
import type { Registry } from '../registry/registry';
import type { Store } from '../store/store';
import { checkAssociation, pollAssociation, requestAssociation, withdrawAssociation } from './association';
import { fetchCube } from './fetch-cube';
import { fetchDemoData } from './fetch-demo-data';
import { whileHeartbeating } from './heartbeats';
import { claimHost, obtainImage } from './host-steps';
import { packageCube } from './package-cube';
import { publish } from './publish';
import { recordReport } from './record-report';
import { registerCube } from './register-cube';
import { resolveBenchmark } from './resolve-benchmark';
import { runTask } from './run-task';
import { untilShutdown } from './worker-shutdown';

export interface ControlDependencies {
  readonly store: Store;
  /** Signs in as the profile says, reading its credentials afresh, so that a rotation needs no restart. */
  readonly openRegistry: (profile: string) => Promise<Registry>;
  readonly publisher: Publisher | null;
}

export interface ContainerDependencies {
  readonly store: Store;
  readonly engine: Engine;
  readonly limits: RunLimits;
  /** GPUs that every infer task gets, whatever the run asks for. */
  readonly inferGpus: number;
  /** Aborts when the worker stops: containers are then left running for the next worker. */
  readonly shutdown: AbortSignal;
}

/** Work on the registry, the store and the hosting place; the control queue. */
export interface ControlActivities {
  'medperf.resolveBenchmark'(input: ResolveBenchmarkInput): Promise<BenchmarkFacts>;
  'medperf.fetchCube'(input: FetchCubeInput): Promise<Cube>;
  'medperf.fetchDemoData'(input: FetchDemoDataInput): Promise<DataAndLabels>;
  'medperf.recordReport'(input: RecordReportInput): Promise<RecordedReport>;
  'medperf.packageCube'(input: PackageCubeInput): Promise<PackagedCube>;
  'medperf.publish'(input: PublishInput): Promise<CubeUrls>;
  'medperf.registerCube'(input: RegisterCubeInput): Promise<RegisterCubeResult>;
  'medperf.checkAssociation'(input: CheckAssociationInput): Promise<AssociationStanding>;
  'medperf.requestAssociation'(input: RequestAssociationInput): Promise<void>;
  'medperf.pollAssociation'(input: PairInput): Promise<PollAssociationResult>;
  'medperf.withdrawAssociation'(input: PairInput): Promise<void>;
}

/** The shared containers queue. */
export interface ClaimActivities {
  'medperf.claimHost'(input: ClaimHostInput): Promise<ClaimedHost>;
}

/** What touches containers and their files; the host's own queue. */
export interface ContainerActivities {
  'medperf.obtainImage'(input: ObtainImageInput): Promise<ObtainedImage>;
  'medperf.runTask'(input: RunTaskInput): Promise<RunTaskResult>;
}

export function createControlActivities({ store, openRegistry, publisher }: ControlDependencies): ControlActivities {
  return {
    'medperf.resolveBenchmark': async (input) =>
      resolveBenchmark({ store, registry: await openRegistry(input.profile) }, input, cancellationSignal()),
    'medperf.fetchCube': (input) =>
      whileHeartbeating(async (tell) =>
        fetchCube({ store, registry: await openRegistry(input.profile) }, input, cancellationSignal(), tell),
      ),
    'medperf.fetchDemoData': (input) =>
      whileHeartbeating((tell) =>
        fetchDemoData({ store, offline: input.offline, signal: cancellationSignal(), tell }, input),
      ),
    'medperf.recordReport': (input) => whileHeartbeating(() => recordReport(store, input)),
    'medperf.packageCube': (input) => whileHeartbeating(() => packageCube(store, input, cancellationSignal())),
    'medperf.publish': (input) => whileHeartbeating(() => publish(publisher, input, cancellationSignal())),
    'medperf.registerCube': async (input) =>
      registerCube(await openRegistry(input.profile), input, cancellationSignal()),
    'medperf.checkAssociation': async (input) =>
      checkAssociation(await openRegistry(input.profile), input, cancellationSignal()),
    'medperf.requestAssociation': async (input) =>
      requestAssociation({ store, registry: await openRegistry(input.profile) }, input, cancellationSignal()),
    'medperf.pollAssociation': async (input) =>
      pollAssociation(await openRegistry(input.profile), input, cancellationSignal()),
    'medperf.withdrawAssociation': async (input) =>
      withdrawAssociation(await openRegistry(input.profile), input, cancellationSignal()),
  };
}

export function createClaimActivities({ engine }: Pick<ContainerDependencies, 'engine'>): ClaimActivities {
  return {
    'medperf.claimHost': (input) => claimHost(engine, input, cancellationSignal()),
  };
}

export function createContainerActivities({
  store,
  engine,
  limits,
  inferGpus,
  shutdown,
}: ContainerDependencies): ContainerActivities {
  return {
    'medperf.obtainImage': (input) =>
      whileHeartbeating((tell) => obtainImage(engine, input, cancellationSignal(), tell)),
    'medperf.runTask': (input) =>
      whileHeartbeating((tell) =>
        untilShutdown(Context.current(), shutdown, (signal) =>
          runTask({ store, engine, limits, inferGpus, signal, tell, ...asker(input) }, input),
        ),
      ),
  };
}

export type MedperfActivities = ControlActivities & ClaimActivities & ContainerActivities;

/** Who asks for a container: its only owner, and the labels by which it is found again. */
function asker({ task, cube }: RunTaskInput): { owner: string; labels: Record<string, string> } {
  const { workflowExecution, activityId } = activityInfo();
  const { workflowId, runId } = workflowExecution ?? { workflowId: '', runId: '' };
  return {
    owner: JSON.stringify([workflowId, runId, activityId]),
    labels: {
      'org.temporal-medperf.workflow-id': workflowId,
      'org.temporal-medperf.run-id': runId,
      'org.temporal-medperf.step': activityId,
      'org.temporal-medperf.task': task,
      'org.temporal-medperf.cube': cube.name,
    },
  };
}
