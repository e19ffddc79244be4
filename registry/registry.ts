import type { CubeFormat, HostedMlcube, JsonValue } from '../contract';
import type { Dialect } from './server-dialect';

export type ApprovalStatus = 'PENDING' | 'APPROVED' | 'REJECTED';
export type State = 'DEVELOPMENT' | 'OPERATION';

export interface User {
  readonly uid: number;
  readonly username: string;
  readonly email: string;
}

/** What today's server holds of a cube. */
export interface ContainerContent {
  readonly format: 'container';
  /** As somebody sent it: the server takes any. */
  readonly config: JsonValue;
  /** Null where there are none. */
  readonly parameters: JsonValue;
  readonly additionalFiles: { readonly url: string; readonly hash: string } | null;
  /** `sha256:…` of the image's manifest in its registry, or the bare hex SHA-256 of its archive. */
  readonly imageHash: string;
}

export type CubeContent = HostedMlcube | ContainerContent;

export interface CubeRecord {
  readonly uid: number;
  readonly name: string;
  readonly owner: number;
  readonly content: CubeContent;
  readonly state: State;
  readonly isValid: boolean;
  readonly createdAt: string;
}

export interface NewCube {
  readonly name: string;
  /** Of the format that the server's generation registers. */
  readonly content: CubeContent;
  readonly state: State;
}

/** What is associated with benchmarks. In the MLCube generations a model is its cube, with the same uid. */
export interface ModelRecord {
  readonly uid: number;
  readonly name: string;
  readonly owner: number;
  readonly state: State;
  readonly isValid: boolean;
  readonly createdAt: string;
  /** Null for a model that is no container but an asset. */
  readonly cube: CubeRecord | null;
}

export interface BenchmarkRecord {
  readonly uid: number;
  readonly name: string;
  readonly description: string;
  readonly owner: number;
  readonly state: State;
  readonly isValid: boolean;
  readonly isActive: boolean;
  readonly approvalStatus: ApprovalStatus;
  readonly demoDatasetUrl: string;
  readonly demoDatasetHash: string;
  readonly demoDatasetPrepared: boolean;
  /** Uids of a cube, of a model and of a cube. */
  readonly dataPreparator: number;
  readonly referenceModel: number;
  readonly evaluator: number;
  readonly createdAt: string;
}

/** Data that its owner registered; only hashes of it are in the registry. */
export interface DatasetRecord {
  readonly uid: number;
  readonly name: string;
  readonly description: string;
  readonly location: string;
  /** Null where the server does not tell. */
  readonly owner: number | null;
  readonly inputDataHash: string;
  /** MedPerf's folder hash of the prepared data and labels; of the raw data until they are prepared. */
  readonly generatedUid: string;
  /** Uid of the cube that prepares it. */
  readonly dataPreparator: number;
  readonly state: State;
  readonly isValid: boolean;
  /** Null where the server does not know of it. */
  readonly submittedAsPrepared: boolean | null;
  readonly createdAt: string;
}

/** What a model reached on a dataset of a benchmark; today's server calls it an execution. */
export interface ResultRecord {
  readonly uid: number;
  readonly name: string;
  readonly owner: number;
  readonly benchmark: number;
  readonly model: number;
  readonly dataset: number;
  readonly results: JsonValue;
  readonly approvalStatus: ApprovalStatus;
  readonly isValid: boolean;
  /** False while today's server still waits for the results. */
  readonly isFinal: boolean;
  readonly createdAt: string;
}

/** One row of the associations' history; the current one of a pair is the newest. */
export interface AssociationRecord {
  readonly modelUid: number;
  readonly benchmark: number;
  readonly status: ApprovalStatus;
  readonly initiatedBy: number;
  readonly createdAt: string;
  readonly approvedAt: string | null;
  readonly priority: number;
}

/**
 * MedPerf's server as one signed-in user sees it. Errors are `MedperfError`s: `RegistryUnavailable` (unreachable, 5xx, 429),
 * `RegistryRejected` (4xx, with the server's own words field by field), `NeedsAttention` (401: sign in again).
 */
export interface Registry {
  /** The server's address as shown to people and used in names of records. */
  readonly server: string;
  readonly dialect: Dialect;
  /** How the server describes cubes. */
  readonly format: CubeFormat;
  /** Longest name that it takes, in characters. */
  readonly nameLength: number;
  me(signal?: AbortSignal): Promise<User>;

  benchmark(uid: number, signal?: AbortSignal): Promise<BenchmarkRecord>;
  benchmarks(options?: { mine?: boolean }, signal?: AbortSignal): AsyncIterable<BenchmarkRecord>;

  cube(uid: number, signal?: AbortSignal): Promise<CubeRecord>;
  /** All, or one's own, or those of a name. */
  cubes(options?: { mine?: boolean; name?: string }, signal?: AbortSignal): AsyncIterable<CubeRecord>;
  /**
   * Registers once: looks the name up among one's own cubes first, adopts an identical record, and explains a difference,
   * a name taken by somebody else or identical content of another cube (`RegistryRejected`).
   */
  registerCube(cube: NewCube, signal?: AbortSignal): Promise<{ record: CubeRecord; adopted: boolean }>;

  model(uid: number, signal?: AbortSignal): Promise<ModelRecord>;
  models(options?: { mine?: boolean }, signal?: AbortSignal): AsyncIterable<ModelRecord>;
  /** Registers a cube that is a model, as {@link registerCube} does. */
  registerModel(cube: NewCube, signal?: AbortSignal): Promise<{ record: ModelRecord; adopted: boolean }>;

  dataset(uid: number, signal?: AbortSignal): Promise<DatasetRecord>;
  datasets(options?: { mine?: boolean }, signal?: AbortSignal): AsyncIterable<DatasetRecord>;

  result(uid: number, signal?: AbortSignal): Promise<ResultRecord>;
  /** One's own, or those of a benchmark, which its owner alone may see. */
  results(options?: { benchmark?: number }, signal?: AbortSignal): AsyncIterable<ResultRecord>;

  /** Newest row of each pair that the caller may see (own models or own benchmarks). */
  associations(signal?: AbortSignal): Promise<readonly AssociationRecord[]>;
  /** Newest row of the pair, or null. */
  association(modelUid: number, benchmark: number, signal?: AbortSignal): Promise<AssociationRecord | null>;
  /**
   * The test's results that came with the pair's newest request, for the owners of the model and the benchmark; null for
   * nobody's request, and for one that brought none.
   */
  sentResults(modelUid: number, benchmark: number, signal?: AbortSignal): Promise<JsonValue>;
  /**
   * Requests once: an approved row is adopted, as is one's own that is pending or, whatever became of it, newer than
   * `newest`, which is the `createdAt` of the newest row that was known before. `testResult` becomes
   * `metadata.test_result`.
   */
  requestAssociation(
    request: { modelUid: number; benchmark: number; testResult: JsonValue; newest: string | null },
    signal?: AbortSignal,
  ): Promise<{ record: AssociationRecord; adopted: boolean }>;
  /**
   * Approves or rejects the pending row; the initiator's rejection is a withdrawal. Idempotent for the same status.
   * `found`: it was decided so before, by somebody or by an earlier call.
   */
  decideAssociation(
    modelUid: number,
    benchmark: number,
    status: 'APPROVED' | 'REJECTED',
    signal?: AbortSignal,
  ): Promise<{ record: AssociationRecord; found: boolean }>;
  /** Puts a benchmark's models in an order, the highest first; the benchmark's owner alone may. Idempotent. */
  setPriority(modelUid: number, benchmark: number, priority: number, signal?: AbortSignal): Promise<AssociationRecord>;
}
