import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { isGrpcServiceError, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { SearchAttributePair, Workflow } from '@temporalio/common';
import {
  COMMITTEE_STEP,
  CONTROL_QUEUE,
  HOSTING_CHECK,
  hostedFileNames,
  MedperfError,
  SEARCH_ATTRIBUTES,
  WORKFLOWS,
} from '../contract';
import type {
  ApproveInput,
  ApproveResult,
  AssociateInput,
  AssociateResult,
  Confirmation,
  CubeRef,
  Digest,
  HostedCube,
  HostingCheck,
  HostingCheckInput,
  HostInput,
  OnboardInput,
  OnboardResult,
  PackagedCube,
  PackageInput,
  RegisteredCube,
  SubmitInput,
  TestRunInput,
  TestRunResult,
  WorkflowName,
} from '../contract';
import type { Store } from '../store/store';
import { refuseCredentials } from './credentials-in-urls';
import { readProgress } from './read-progress';
import type { LiveProgress } from './read-progress';
import { digestPart, testIdentity, workflowId } from './workflow-ids';

export interface MedperfClientOptions {
  readonly client: Client;
  readonly store: Store;
  /** Whose server and user the started workflows act as. */
  readonly profile: { readonly name: string; readonly server: string; readonly username: string };
}

/** A started workflow. */
export interface Run<T> {
  readonly id: string;
  /** Waits for the end; throws Temporal's `WorkflowFailedError` when the workflow failed or was cancelled. */
  result(): Promise<T>;
}

/** gRPC's word for a run that is not there or has ended. */
const NOT_FOUND = new Set([5]);
const KEYWORD = SearchAttributeType.KEYWORD;
const BENCHMARK = defineSearchAttributeKey(SEARCH_ATTRIBUTES.benchmark, KEYWORD);
const MODEL = defineSearchAttributeKey(SEARCH_ATTRIBUTES.model, KEYWORD);
const OWNER = defineSearchAttributeKey(SEARCH_ATTRIBUTES.owner, KEYWORD);

/** The thin client: starts the workflows under business ids and reads what they know. */
export class MedperfClient {
  constructor(private readonly options: MedperfClientOptions) {}

  /**
   * Puts what of a cube's folder is hosted with it into the store, so that any host that shares it can take the steps.
   * The rest of the folder, such as sources, data or an earlier `deploy`, neither travels nor counts.
   */
  async ingestCube(directory: string, label: string): Promise<CubeRef & { kind: 'local' }> {
    const exclude = (path: string): boolean => !travels(path) || isClutter(path);
    const { digest } = await this.options.store.putTree(directory, { links: 'follow', remember: true, exclude });
    return { kind: 'local', tree: digest, label };
  }

  /** Puts raw data or labels into the store. */
  async ingestData(directory: string): Promise<Digest> {
    return (await this.options.store.putTree(directory, { links: 'follow', remember: true, exclude: isClutter }))
      .digest;
  }

  startTestRun(input: Omit<TestRunInput, 'profile'>): Promise<Run<TestRunResult>> {
    const { name, server, username } = this.options.profile;
    const full = { ...input, profile: name };
    const model = input.model?.kind === 'local' ? input.model.label : String(input.model?.uid ?? 'reference');
    return this.start(
      WORKFLOWS.testRun,
      workflowId.testRun(server, username, full),
      full,
      `test run of ${model}`,
      model,
      input.benchmark,
      testIdentity(full),
    );
  }

  startPackage(input: PackageInput): Promise<Run<PackagedCube>> {
    const { label } = input.cube;
    return this.start(WORKFLOWS.package, workflowId.package(input), input, `package ${label}`, label);
  }

  startHost(input: HostInput): Promise<Run<HostedCube>> {
    return this.start(WORKFLOWS.host, workflowId.host(input), input, `host ${input.name}`, input.name);
  }

  /** @throws MedperfError `InvalidRequest` for a URL with a user name or password in it. */
  startHostingCheck(input: HostingCheckInput): Promise<Run<readonly HostingCheck[]>> {
    const summary = `check ${input.urls.length} URLs`;
    return this.start(WORKFLOWS.checkHosting, workflowId.checkHosting(input), input, summary, HOSTING_CHECK);
  }

  startSubmit(input: Omit<SubmitInput, 'profile'>): Promise<Run<RegisteredCube>> {
    const { name, server } = this.options.profile;
    const full = { ...input, profile: name };
    return this.start(WORKFLOWS.submit, workflowId.submit(server, full), full, `submit ${input.name}`, input.name);
  }

  startAssociate(input: Omit<AssociateInput, 'profile'>): Promise<Run<AssociateResult>> {
    const { name, server } = this.options.profile;
    const full = { ...input, profile: name };
    const summary = `associate cube ${input.modelUid} with benchmark ${input.benchmark}`;
    return this.start(
      WORKFLOWS.associate,
      workflowId.associate(server, full),
      full,
      summary,
      String(input.modelUid),
      input.benchmark,
    );
  }

  /** Approves a request after a test of its model; for a committee. */
  startApprove(input: Omit<ApproveInput, 'profile'>): Promise<Run<ApproveResult>> {
    const { name, server } = this.options.profile;
    const full = { ...input, profile: name };
    const { modelUid, benchmark } = input;
    const summary = `approve model ${modelUid} for benchmark ${benchmark} after a test`;
    return this.start(WORKFLOWS.approve, workflowId.approve(server, full), full, summary, String(modelUid), benchmark);
  }

  startOnboard(input: Omit<OnboardInput, 'profile'>): Promise<Run<OnboardResult>> {
    const { name, server } = this.options.profile;
    const full = { ...input, profile: name };
    const summary = `onboard ${input.name} to benchmark ${input.benchmark}`;
    return this.start(WORKFLOWS.onboard, workflowId.onboard(server, full), full, summary, input.name, input.benchmark);
  }

  run<T>(id: string): Run<T> {
    return { id, result: () => this.options.client.workflow.getHandle(id).result() as Promise<T> };
  }

  /** What the workflow knows, with what the server knows of its pending activities. Needs a worker. */
  progress(id: string): Promise<LiveProgress> {
    return readProgress(this.options.client, id);
  }

  /** Answers the wait for confirmation; throws `InvalidRequest` with the workflow's words when nothing waits for it. */
  async confirm(id: string, confirmation: Confirmation): Promise<void> {
    try {
      await this.options.client.workflow.getHandle(id).executeUpdate('confirm', { args: [confirmation] });
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw new MedperfError('InvalidRequest', {
        what: `The run ${id} did not take the confirmation: ${error.cause?.message ?? error.message}.`,
        next: `look at it: temporal-medperf run show ${id}`,
      });
    }
  }

  /**
   * Has a run that waits for the committee look for its decision at once; the waits after that begin short again.
   * @throws MedperfError `InvalidRequest` for a run that does not wait for a committee.
   */
  async lookNow(id: string): Promise<void> {
    const handle = this.options.client.workflow.getHandle(id);
    const { status, raw } = await handle.describe();
    if (!raw.pendingActivities?.some(({ activityId }) => activityId === COMMITTEE_STEP)) {
      throw new MedperfError('InvalidRequest', {
        what: `The run ${id} does not wait for a committee's decision.`,
        found: `a run that is ${status.name}`,
        next: 'see what it does: temporal-medperf run ls',
      });
    }
    await handle.signal('look');
  }

  /**
   * Asks the workflow to stop: containers are stopped, and a pending association request is withdrawn. The run's history
   * keeps the profile's user and the reason.
   */
  async cancel(id: string, reason = ''): Promise<void> {
    const { client, profile } = this.options;
    try {
      await client.workflowService.requestCancelWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId: id },
        identity: profile.username,
        requestId: randomUUID(),
        reason,
      });
    } catch (error) {
      if (!isGrpcServiceError(error) || !NOT_FOUND.has(error.code)) throw error;
      throw new WorkflowNotFoundError(error.details, id, undefined);
    }
  }

  private async start<T>(
    type: WorkflowName,
    id: string,
    input: object,
    summary: string,
    model: string,
    benchmark?: number,
    identity: object = input,
  ): Promise<Run<T>> {
    refuseCredentials(input);
    // Whether it is confirmed does not make it another request.
    const request = digestPart({ ...identity, confirmed: undefined });
    const handle = await this.options.client.workflow.start<Workflow>(type, {
      workflowId: id,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: summary,
      memo: { request },
      typedSearchAttributes: this.searchAttributes(model, benchmark),
    });
    await this.refuseOther(handle, request);
    return { id, result: () => handle.result() as Promise<T> };
  }

  private searchAttributes(model: string, benchmark: number | undefined): SearchAttributePair[] {
    return [
      { key: MODEL, value: model },
      { key: OWNER, value: this.options.profile.username },
      ...(benchmark === undefined ? [] : [{ key: BENCHMARK, value: String(benchmark) }]),
    ];
  }

  /** Attaching to a run that was asked for something else would hide the difference. */
  private async refuseOther(handle: WorkflowHandleWithFirstExecutionRunId, request: string): Promise<void> {
    const { memo } = await handle.describe();
    if (memo?.['request'] === request) return;
    throw new MedperfError('InvalidRequest', {
      what: `A run of this name goes on already, asked for with other files or options: ${handle.workflowId}.`,
      next: `wait for it (temporal-medperf run watch ${handle.workflowId}), cancel it, or choose another name.`,
    });
  }
}

/** True for a run id that the server does not know. */
export function isUnknownRun(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError;
}

/** What a cube is made of, and the folders on the way to it. */
const PARTS = [
  hostedFileNames.manifest,
  hostedFileNames.containerConfig,
  'workspace',
  `workspace/${hostedFileNames.parameters}`,
  'workspace/additional_files',
];

function travels(path: string): boolean {
  return PARTS.includes(path) || path.startsWith('workspace/additional_files/');
}

/** MedPerf's client drops the first kind on unpacking; the others never belong to a cube or a dataset. */
function isClutter(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.startsWith('._') || name === '.DS_Store' || name === '.git';
}
