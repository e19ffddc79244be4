/** What the pre-flight found out; the rules judge it. Sizes are in bytes, architectures in Go's words (`amd64`). */
export interface PreFlightBenchmark {
  readonly uid: number;
  readonly name: string;
  readonly isValid: boolean;
  readonly isActive: boolean;
  readonly approved: boolean;
  readonly operational: boolean;
}

/** An image as its registry's manifest and configuration, or a Docker daemon, describe it. */
export interface ImageFacts {
  readonly architecture: string;
  readonly os: string;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** As it is transferred from a registry, or as it lies in a daemon. */
  readonly bytes: number;
}

/** What came of looking for the image in one place. */
export type ImageLookup =
  | { readonly found: 'image'; readonly image: ImageFacts; readonly pinned?: string }
  | { readonly found: 'nothing'; readonly why: string }
  /** The place wants a sign-in or does not answer. */
  | { readonly found: 'no-answer'; readonly why: string; readonly next: string };

export interface ImageLookups {
  readonly registry: ImageLookup;
  readonly daemon: ImageLookup;
}

export interface HostFacts {
  readonly name: string;
  readonly architecture?: string;
  readonly gpus: number;
  /** Versions of the GPUs' drivers, where they are known. */
  readonly gpuDrivers: readonly string[];
}

export interface SpaceFacts {
  /** What lies there, for people. */
  readonly place: string;
  readonly freeBytes: number;
  readonly neededBytes: number;
}

export interface UrlFacts {
  /** Whose file it is, for people: `the demo dataset of benchmark 1`. */
  readonly what: string;
  readonly owner: 'benchmark' | 'model';
  readonly url: string;
  readonly answer: { readonly ok: true } | { readonly ok: false; readonly definite: boolean; readonly found: string };
}

export interface NameFacts {
  readonly name: string;
  /** The registry's limit, in characters. */
  readonly maxLength: number;
  readonly takenBy: { readonly uid: number; readonly mine: boolean } | null;
}
