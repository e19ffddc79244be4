import { setMaxListeners } from 'node:events';
import { activityInfo, cancellationSignal, Context, getClient } from '@temporalio/activity';
import type {
  AssociationStanding,
  BenchmarkBaseInput,
  BenchmarkFacts,
  CheckAssociationInput,
  ClaimedHost,
  ClaimHostInput,
  CommitteeLook,
  Cube,
  DataAndLabels,
  FetchCubeInput,
  FetchDemoDataInput,
  Heartbeat,
  HostingCheck,
  FindResultInput,
  Identified,
  IdentifyInput,
  JoinedBase,
  MadeWhileTestHolds,
  ObtainedImage,
  ObtainImageInput,
  PackageCubeInput,
  PackagedCube,
  PairInput,
  PublishedImage,
  PublishImageInput,
  PublishedFiles,
  PublishInput,
  RecordedReport,
  RecordReportInput,
  RegisterCubeInput,
  RegisterCubeResult,
  Reminder,
  RemindResult,
  RequestAssociationInput,
  RequestResult,
  RequestStanding,
  ResolveBenchmarkInput,
  RunTaskInput,
  RunTaskResult,
  SweptHost,
  TestedPairInput,
  WithdrawInput,
  WithdrawResult,
} from '../contract';
import type { Engine, RunLimits } from '../engine/engine';
import { OWNER_LABELS } from '../engine/sweep';
import type { ImagePublisher } from '../hosting/image-publisher';
import type { ImageRegistries } from '../hosting/oci-registry';
import type { Publisher } from '../hosting/publisher';
import type { Registry } from '../registry/registry';
import { Downloads } from '../store/downloads';
import type { Store } from '../store/store';
import { checkAssociation, requestAssociation } from './association';
import { checkUrl } from './check-hosting';
import { approveAssociation, checkRequest, pollAssociation, withdrawAssociation } from './committee';
import { fetchCube } from './fetch-cube';
import { fetchDemoData } from './fetch-demo-data';
import { findResult } from './find-result';
import { whileHeartbeating } from './heartbeats';
import { claimHost, obtainImage } from './host-steps';
import type { HostClaims } from './host-steps';
import { identify } from './identify';
import { joinBase } from './join-base';
import { packageCube } from './package-cube';
import { publish } from './publish';
import { publishImage } from './publish-image';
import { recordReport } from './record-report';
import { registerCube } from './register-cube';
import { remind } from './remind';
import type { SendReminder } from './remind';
import { resolveBenchmark } from './resolve-benchmark';
import { runTask } from './run-task';
import type { Reuse } from './run-task';
import { isExecutionClosed, readNamespaceId, sweepHost } from './sweep-host';
import { untilShutdown } from './worker-shutdown';

export interface ControlDependencies {
  readonly store: Store;
  /** Signs in as the profile says, reading its credentials afresh, so that a rotation needs no restart. */
  readonly openRegistry: (profile: string) => Promise<Registry>;
  readonly publisher: Publisher | null;
  /** Those from the public Internet alone when left out. */
  readonly downloads?: Downloads;
  /** Where images are looked up that are named by a tag; such ones of today's MedPerf are refused when left out. */
  readonly images?: Pick<ImageRegistries, 'resolve'>;
  /** Whose results a profile's user may reuse: everybody's (null), or those kept under the name that it answers. */
  readonly scopeOf?: (profile: string) => Promise<string | null>;
  /** Brings reminders to people; without it they are seen in a run's progress only. */
  readonly sendReminder?: SendReminder;
}

export interface ContainerDependencies {
  readonly store: Store;
  readonly engine: Engine;
  /** Those from the public Internet alone when left out. */
  readonly downloads?: Downloads;
  /** What the operator's policy gives to a run. */
  readonly allowance: (run: Pick<RunTaskInput, 'task' | 'benchmark'> & { cube: string }) => {
    readonly limits: RunLimits;
    /** What the task gets at least, whatever the run asks for. */
    readonly gpus: number;
  };
  /** Where this host pushes images that are published; none when left out. */
  readonly imagePublisher?: ImagePublisher;
  /** Where results are kept for their own users only, a run that names none reuses nothing. */
  readonly reuse?: Reuse;
  /** Aborts when the worker stops: containers are then left running for the next worker. */
  readonly shutdown: AbortSignal;
}

/** Work on the registry, the store and the hosting place; the control queue. */
export interface ControlActivities {
  'medperf.resolveBenchmark'(input: ResolveBenchmarkInput): Promise<BenchmarkFacts>;
  'medperf.identify'(input: IdentifyInput): Promise<Identified>;
  'medperf.findResult'(input: FindResultInput): Promise<RunTaskResult | null>;
  'medperf.fetchCube'(input: FetchCubeInput): Promise<Cube>;
  'medperf.fetchDemoData'(input: FetchDemoDataInput): Promise<DataAndLabels>;
  'medperf.recordReport'(input: RecordReportInput): Promise<RecordedReport>;
  'medperf.packageCube'(input: PackageCubeInput): Promise<PackagedCube>;
  'medperf.publish'(input: PublishInput): Promise<PublishedFiles>;
  'medperf.checkHosting'(input: { readonly url: string; readonly sha256?: string }): Promise<HostingCheck>;
  'medperf.registerCube'(input: RegisterCubeInput): Promise<RegisterCubeResult>;
  'medperf.checkAssociation'(input: CheckAssociationInput): Promise<AssociationStanding>;
  'medperf.requestAssociation'(input: RequestAssociationInput): Promise<RequestResult>;
  'medperf.pollAssociation'(input: TestedPairInput): Promise<CommitteeLook>;
  'medperf.withdrawAssociation'(input: WithdrawInput): Promise<WithdrawResult>;
  'medperf.checkRequest'(input: PairInput): Promise<RequestStanding>;
  'medperf.approveAssociation'(input: TestedPairInput): Promise<MadeWhileTestHolds>;
  'medperf.remind'(input: Reminder): Promise<RemindResult>;
}

/** The queue on which runs wait for shared work. */
export interface SharedActivities {
  'medperf.joinBase'(input: BenchmarkBaseInput): Promise<JoinedBase>;
}

/** The shared containers queue. */
export interface ClaimActivities {
  'medperf.claimHost'(input: ClaimHostInput): Promise<ClaimedHost>;
}

/** What touches containers and their files; the host's own queue. */
export interface ContainerActivities {
  'medperf.obtainImage'(input: ObtainImageInput): Promise<ObtainedImage>;
  'medperf.runTask'(input: RunTaskInput): Promise<RunTaskResult>;
  'medperf.publishImage'(input: PublishImageInput): Promise<PublishedImage>;
}

/** The host's own queue for sweeps. */
export interface SweepActivities {
  'medperf.sweepHost'(): Promise<SweptHost>;
}

export function createControlActivities({
  store,
  openRegistry,
  publisher,
  downloads = new Downloads(),
  images,
  scopeOf = () => Promise.resolve(null),
  sendReminder,
}: ControlDependencies): ControlActivities {
  return {
    'medperf.resolveBenchmark': (input) =>
      whileHeartbeating(async () =>
        resolveBenchmark({ store, registry: await openRegistry(input.profile) }, input, cancellationSignal()),
      ),
    'medperf.fetchCube': (input) =>
      whileHeartbeating((tell) => {
        const place = { store, downloads, signal: cancellationSignal(), tell };
        return fetchCube({ ...place, ...(images === undefined ? {} : { images }) }, input);
      }),
    'medperf.identify': (input) => identify({ store, openRegistry, scopeOf, signal: cancellationSignal() }, input),
    'medperf.findResult': (input) => findResult(store, input),
    'medperf.fetchDemoData': (input) =>
      whileHeartbeating((tell) =>
        fetchDemoData({ store, downloads, offline: input.offline, signal: cancellationSignal(), tell }, input),
      ),
    'medperf.recordReport': (input) => whileHeartbeating(() => recordReport(store, input)),
    'medperf.packageCube': (input) => whileHeartbeating(() => packageCube(store, input, cancellationSignal())),
    'medperf.publish': (input) => {
      const before = activityInfo().heartbeatDetails as Heartbeat | undefined;
      const context = Context.current();
      const isCancelled = (): boolean => context.cancellationDetails?.cancelRequested === true;
      return whileHeartbeating((tell) =>
        publish({ publisher, signal: cancellationSignal(), tell, before, isCancelled }, input),
      );
    },
    'medperf.checkHosting': (input) =>
      whileHeartbeating((tell) => checkUrl({ downloads, signal: cancellationSignal(), tell }, input)),
    'medperf.registerCube': (input) =>
      whileHeartbeating(async () =>
        registerCube({ store, registry: await openRegistry(input.profile) }, input, cancellationSignal()),
      ),
    'medperf.checkAssociation': (input) =>
      whileHeartbeating(async () => checkAssociation(await openRegistry(input.profile), input, cancellationSignal())),
    // No heartbeat: cancelled while it is sent, whether the request was made would be known to nobody.
    'medperf.requestAssociation': async (input) =>
      requestAssociation({ store, registry: await openRegistry(input.profile) }, input, cancellationSignal()),
    'medperf.pollAssociation': (input) =>
      whileHeartbeating(async () => pollAssociation(await openRegistry(input.profile), input, cancellationSignal())),
    'medperf.withdrawAssociation': async (input) => {
      const context = Context.current();
      const begunBefore = context.info.heartbeatDetails !== undefined;
      const begin = (): void => context.heartbeat({ message: 'withdrawing' } satisfies Heartbeat);
      const registry = await openRegistry(input.profile);
      return withdrawAssociation(registry, input, { begunBefore, begin }, cancellationSignal());
    },
    'medperf.checkRequest': (input) =>
      whileHeartbeating(async () => checkRequest(await openRegistry(input.profile), input, cancellationSignal())),
    'medperf.approveAssociation': async (input) =>
      approveAssociation(await openRegistry(input.profile), input, cancellationSignal()),
    'medperf.remind': (input) =>
      remind(sendReminder, { ...input, run: activityInfo().workflowExecution?.workflowId ?? '' }, cancellationSignal()),
  };
}

export function createSharedActivities(): SharedActivities {
  return { 'medperf.joinBase': (input) => whileHeartbeating((tell) => joinBase(getClient(), input, tell)) };
}

export function createClaimActivities(claims: HostClaims): ClaimActivities {
  return {
    'medperf.claimHost': (input) => claimHost(claims, input, cancellationSignal()),
  };
}

export function createContainerActivities({
  store,
  engine,
  allowance,
  imagePublisher,
  downloads = new Downloads(),
  reuse = 'across-users',
  shutdown,
}: ContainerDependencies): ContainerActivities {
  // One of each task that runs.
  setMaxListeners(0, shutdown);
  const namespaceId = askedOnce(() => readNamespaceId(getClient()));
  return {
    'medperf.obtainImage': (input) =>
      whileHeartbeating((tell) =>
        obtainImage({ engine, store, downloads, attempt: activityInfo().attempt }, input, cancellationSignal(), tell),
      ),
    'medperf.publishImage': (input) => {
      const before = activityInfo().heartbeatDetails as Heartbeat | undefined;
      const publisher = imagePublisher ?? null;
      return whileHeartbeating((tell) =>
        untilShutdown(Context.current(), shutdown, isOwnerClosed, (signal) =>
          publishImage({ engine, store, publisher, signal, tell, before }, input),
        ),
      );
    },
    'medperf.runTask': (input) =>
      whileHeartbeating((tell) =>
        untilShutdown(Context.current(), shutdown, isOwnerClosed, async (signal) => {
          const { limits, gpus: policyGpus } = allowance({ ...input, cube: input.cube.name });
          const labels = ownerLabels(input, await namespaceId());
          const { attempt, workflowExecution } = activityInfo();
          const workflowId = workflowExecution?.workflowId ?? '';
          const owner = { owner: ownerName(), workflowId, labels, attempt };
          return runTask({ store, downloads, engine, limits, policyGpus, reuse, signal, tell, ...owner }, input);
        }),
      ),
  };
}

export function createSweepActivities({ engine }: Pick<ContainerDependencies, 'engine'>): SweepActivities {
  return {
    'medperf.sweepHost': () =>
      whileHeartbeating((tell) => sweepHost({ client: getClient(), engine, signal: cancellationSignal(), tell })),
  };
}

export type MedperfActivities = ControlActivities &
  SharedActivities &
  ClaimActivities &
  ContainerActivities &
  SweepActivities;

function isOwnerClosed(): Promise<boolean> {
  const { workflowId = '', runId = '' } = activityInfo().workflowExecution ?? {};
  return isExecutionClosed(getClient(), { workflowId, runId });
}

/** Who asks for a container; its only owner. */
function ownerName(): string {
  const { workflowExecution, activityId } = activityInfo();
  return JSON.stringify([workflowExecution?.workflowId, workflowExecution?.runId, activityId]);
}

/** By these a container is found again, and swept away once its execution has closed. */
function ownerLabels({ task, cube }: RunTaskInput, namespaceId: string): Record<string, string> {
  const { workflowExecution, activityId } = activityInfo();
  return {
    [OWNER_LABELS.namespaceId]: namespaceId,
    [OWNER_LABELS.workflowId]: workflowExecution?.workflowId ?? '',
    [OWNER_LABELS.runId]: workflowExecution?.runId ?? '',
    'org.temporal-medperf.step': activityId,
    'org.temporal-medperf.task': task,
    'org.temporal-medperf.cube': cube.name,
  };
}

/** A failure is not remembered. */
function askedOnce<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}
