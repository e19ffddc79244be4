import type { ResourceUse } from './actions';
import type { Cube, CubeFormat, CubeRef, CubeType, HostedFiles } from './cubes';
import type { BlobRef, Digest } from './digests';
import type { HostingFinding } from './hosting';
import type { CacheMiss, ResultOrigin } from './reuse';
import type { ModelResult } from './test-run';

/** Inputs and results of the activities; what a step takes and gives are digests, names and small facts. */

export interface ResolveBenchmarkInput {
  readonly profile: string;
  readonly benchmark: number;
  readonly offline: boolean;
}

/** A cube by what its files are, and no longer by the registry's uid. */
export type FilesRef = LocalRef | HostedRef;

export type LocalRef = CubeRef & {
  readonly kind: 'local';
  /** How it is to be described; null takes what the folder has. */
  readonly format: CubeFormat | null;
};

export interface FetchCubeInput {
  readonly cube: FilesRef;
  /** What is going to run of it: a cube that lacks it is refused before anything large is fetched. */
  readonly tasks: readonly Task[];
  readonly offline: boolean;
}

/** A cube that is hosted, registered or not yet. */
export interface HostedRef {
  readonly kind: 'hosted';
  readonly name: string;
  readonly uid?: number;
  readonly files: HostedFiles;
}

export interface IdentifyInput {
  readonly profile: string;
  /** How cubes of folders are to be described; null takes what they have. */
  readonly format: CubeFormat | null;
  /** By role. */
  readonly cubes: Readonly<Record<string, CubeInTest>>;
  readonly demoData: FetchDemoDataInput | null;
  readonly offline: boolean;
}

export interface CubeInTest {
  readonly ref: CubeRef;
  /** What the test runs of it. */
  readonly tasks: readonly Task[];
}

export interface Identified {
  readonly cubes: Readonly<Record<string, IdentifiedCube>>;
  readonly demoData: DataAndLabels | null;
  /** As in `TestSettings`. */
  readonly scope: string | null;
}

/** What is known of a cube without fetching its files or its image. */
export interface IdentifiedCube {
  readonly ref: FilesRef;
  readonly tasks: readonly Task[];
  /** Null until its files were fetched once. */
  readonly known: Cube | null;
  /** Null where nothing but its host can tell. */
  readonly imageId: Digest | null;
  /** A container of it ended well before, so that a result may be there. */
  readonly ranBefore: boolean;
}

export interface FetchDemoDataInput {
  readonly url: string;
  readonly hash: string;
  readonly offline: boolean;
}

/** Trees of the store. */
export interface DataAndLabels {
  readonly data: Digest;
  readonly labels: Digest;
  /** Of prepared data alone; its checks may read it. */
  readonly metadata?: Digest;
}

export interface ClaimHostInput {
  readonly gpus: number;
  /** Hosts that the run has given up; one of them is taken only if its own worker answers. */
  readonly avoid: readonly string[];
}

export interface ClaimedHost {
  readonly host: string;
  /** How long the host may take no step before another one is claimed; the operator's policy. */
  readonly givenUpAfterMs: number;
}

export interface ObtainImageInput {
  readonly cube: Cube;
  readonly offline: boolean;
}

export interface ObtainedImage {
  readonly imageId: Digest;
}

/** The tasks of MedPerf's contract between cubes. */
export const TASKS = ['prepare', 'sanity_check', 'statistics', 'infer', 'evaluate'] as const;
export type Task = (typeof TASKS)[number];

export interface FindResultInput {
  readonly cube: Cube;
  readonly imageId: Digest;
  readonly task: Task;
  /** Input name to the tree (or, for a file, the blob) that replaces the cube's default. */
  readonly inputs: Readonly<Record<string, Digest>>;
  /** As in `TestSettings`. */
  readonly scope: string | null;
}

export interface RunTaskInput extends FindResultInput {
  readonly gpus: number;
  readonly noCache: boolean;
  /** The benchmark that the run is for, or null; the operator's policy may give it limits of its own. */
  readonly benchmark: number | null;
}

export interface RunTaskResult {
  readonly key: Digest;
  /** Output name to tree or blob. */
  readonly outputs: Readonly<Record<string, Digest>>;
  readonly log: Digest;
  readonly host: string;
  readonly reused: boolean;
  /** Of the container's run, also when reused. */
  readonly resources: ResourceUse;
  readonly origin: ResultOrigin;
  /** Only where the container ran now. */
  readonly miss?: CacheMiss;
}

/** What a sweep of a host removed, and what it could not decide or do. */
export interface SweptHost {
  readonly containers: number;
  readonly folders: number;
  /** Owners that the server could not be asked about; what is theirs was left. */
  readonly unanswered: number;
  /** What could not be removed, and why. */
  readonly failed: readonly string[];
}

export interface RecordReportInput {
  readonly demoDatasetUrl: string;
  readonly demoDatasetHash: string;
  readonly prepared: DataAndLabels;
  readonly dataPreparator: Cube;
  readonly evaluator: Cube;
  readonly candidate: EvaluatedModel;
  readonly reference: EvaluatedModel | null;
}

export interface EvaluatedModel {
  readonly cube: Cube;
  /** Blob: what evaluate wrote, YAML. */
  readonly evaluation: Digest;
  readonly log: Digest;
}

export interface RecordedReport {
  readonly report: Digest;
  readonly candidate: ModelResult;
  readonly reference: ModelResult | null;
  readonly preparedDataHash: string;
}

export interface PackageCubeInput {
  readonly tree: Digest;
  readonly label: string;
  readonly type?: CubeType;
  /** Null takes what the folder has. */
  readonly format: CubeFormat | null;
}

export interface PublishInput {
  readonly name: string;
  /** File name to blob. */
  readonly files: Readonly<Record<string, BlobRef>>;
}

export interface PublishedFiles {
  /** By file name. */
  readonly urls: Readonly<Record<string, string>>;
  /** Warnings of the hosting check. */
  readonly findings: readonly HostingFinding[];
}

export interface PublishImageInput {
  /** Of the cube, as it is published under. */
  readonly name: string;
  readonly format: CubeFormat;
  /** As the manifest names it. */
  readonly image: string;
  readonly manifest: BlobRef;
}

export interface PublishedImage {
  /** `HOST/NAMESPACE/NAME@sha256:…`. */
  readonly pinned: string;
  readonly imageId: Digest;
  /** The manifest with its image named so. */
  readonly manifest: BlobRef;
}

export interface RegisterCubeInput {
  readonly profile: string;
  readonly name: string;
  readonly files: HostedFiles;
  readonly operational: boolean;
}

export interface RegisterCubeResult {
  /** What the uid is of; in the MLCube generations always a cube. */
  readonly kind: 'cube' | 'model';
  readonly uid: number;
  readonly name: string;
  readonly adopted: boolean;
}
