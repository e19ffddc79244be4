/** The password of the tutorial's users. */
export const TUTORIAL_PASSWORD = 'test';

/** Where one cube's files are hosted, and their bare hex hashes: SHA-1 in E23, SHA-256 in E25. Absent: it has no such part. */
export interface TutorialCube {
  /** At most 20 characters. */
  readonly name?: string;
  readonly manifestUrl: string;
  readonly manifestHash: string;
  readonly parametersUrl?: string;
  readonly parametersHash?: string;
  readonly additionalFilesUrl?: string;
  readonly additionalFilesHash?: string;
  /** The image's config digest without `sha256:`; E23 knows none. */
  readonly imageHash?: string;
}

/** A container as today's server holds it. */
export interface TutorialContainer {
  /** At most 128 characters. */
  readonly name?: string;
  readonly containerConfig: Readonly<Record<string, unknown>>;
  /** Null: it takes no parameters. */
  readonly parametersConfig: Readonly<Record<string, unknown>> | null;
  /** `sha256:…` of the registry's manifest, or bare hex of an archive. */
  readonly imageHash: string;
  readonly additionalFilesUrl?: string;
  readonly additionalFilesHash?: string;
}

export interface TutorialBenchmark {
  readonly name?: string;
  readonly description?: string;
  readonly demoDatasetUrl: string;
  readonly demoDatasetHash: string;
  /** MedPerf's folder hash of the prepared demo data; no server verifies it. */
  readonly demoDatasetGeneratedUid: string;
}

interface TutorialOf<Part> {
  readonly dataPreparator: Part;
  readonly referenceModel: Part;
  readonly metrics: Part;
  readonly benchmark: TutorialBenchmark;
}

/** The tutorial's benchmark of E23 and E25. */
export type CubeTutorial = TutorialOf<TutorialCube>;
/** The tutorial's benchmark of HEAD. */
export type ContainerTutorial = TutorialOf<TutorialContainer>;
export type Tutorial = CubeTutorial | ContainerTutorial;

export function isContainerTutorial(tutorial: Tutorial): tutorial is ContainerTutorial {
  return 'containerConfig' in tutorial.dataPreparator;
}
