import type { CommitteeWaiting, Decision } from './association';
import type { CubeFormat, CubeRef, CubeType, HostedFiles } from './cubes';
import type { BlobRef, Digest } from './digests';
import type { Finding } from './failures';
import type { HostingFinding } from './hosting';
import type { TestRunResult } from './test-run';
import type { NoCache } from './test-steps';

export interface PackageInput {
  readonly cube: CubeRef & { readonly kind: 'local' };
  /** Read from the manifest's tasks when absent. */
  readonly type?: CubeType;
  /** How it is to be described; what the folder has when absent. */
  readonly format?: CubeFormat;
}

/** A cube's files, each to be hosted by itself, or kept by a registry that holds its configuration. */
export interface PackagedCube {
  readonly label: string;
  readonly type: CubeType;
  readonly format: CubeFormat;
  /** `mlcube.yaml` or `container_config.yaml`. */
  readonly manifest: BlobRef;
  readonly parameters: BlobRef | null;
  readonly additionalFiles: BlobRef | null;
  /** As the manifest names it. */
  readonly image: string;
  /** Warnings; an error would have failed the step. */
  readonly findings: readonly Finding[];
}

export interface HostInput {
  readonly packaged: PackagedCube;
  /** Folder name under which the files are published. */
  readonly name: string;
  /** Also push the image, and name it by its digest in the manifest that is published. */
  readonly withImage?: boolean;
}

export interface HostedCube {
  readonly files: HostedFiles;
  /** Warnings of the hosting check; an error would have failed the step. */
  readonly findings: readonly HostingFinding[];
  /** The image by its digest, where it was published too. */
  readonly image?: string;
}

export interface SubmitInput {
  readonly profile: string;
  /** Unique in the registry. */
  readonly name: string;
  /** Hashes that are given are compared with what the URLs serve. */
  readonly files: HostedFiles;
  /** False registers the cube in state DEVELOPMENT. */
  readonly operational: boolean;
}

export interface RegisteredCube {
  /** What the uid is of; in the MLCube generations always a cube. */
  readonly kind: 'cube' | 'model';
  readonly uid: number;
  readonly name: string;
  /** True when the record was there already, identical in every field. */
  readonly adopted: boolean;
  /** The tree that the hosted files make. */
  readonly tree: Digest;
  /** Null when the image is hosted as an archive. */
  readonly imageId: Digest | null;
}

export interface AssociateInput extends CommitteeWaiting {
  readonly profile: string;
  readonly benchmark: number;
  readonly modelUid: number;
  /** `-y`: send without waiting for the `confirm` update. */
  readonly confirmed?: boolean;
  /** Ask again after a rejection. */
  readonly again?: boolean;
  readonly noCache?: NoCache;
  readonly noReference?: boolean;
  readonly gpus?: number;
}

export interface AssociateResult {
  readonly benchmark: number;
  readonly modelUid: number;
  /**
   * `DECLINED`: the person asked to confirm said no, and no request is left. `EXPIRED`: the deadline passed without a
   * decision, and the request was withdrawn.
   */
  readonly decision: Decision | 'DECLINED' | 'EXPIRED';
  readonly test: TestRunResult | null;
}

export interface OnboardInput extends CommitteeWaiting {
  readonly profile: string;
  readonly cube: CubeRef & { readonly kind: 'local' };
  readonly name: string;
  readonly benchmark: number;
  readonly confirmed?: boolean;
  readonly again?: boolean;
  readonly noCache?: NoCache;
  readonly noReference?: boolean;
  /** Publish the image too; see `HostInput`. */
  readonly withImage?: boolean;
  readonly gpus?: number;
}

export interface OnboardResult {
  readonly test: TestRunResult;
  readonly packaged: PackagedCube;
  readonly hosted: HostedCube;
  readonly registered: RegisteredCube;
  readonly association: AssociateResult;
}

/** Answer to the `confirm` update. */
export interface Confirmation {
  readonly send: boolean;
  readonly by: string;
}

/** What a person sees before confirming. Blob digests are in the store. */
export interface ExecutionSummary {
  readonly modelName: string;
  readonly benchmarkName: string;
  readonly results: Digest;
  readonly report: Digest;
}
