import type { Digest, HostingFinding } from '../contract';

/** Where servers keep unfinished uploads, by what is uploaded: what a later attempt goes on with. */
export type UnfinishedUploads = Readonly<Record<string, string>>;

export interface PublishOptions {
  readonly signal?: AbortSignal | undefined;
  /** What an earlier attempt reported last, in this process or another. */
  readonly unfinished?: UnfinishedUploads;
  readonly onUnfinished?: (uploads: UnfinishedUploads) => void;
  /** Bytes of one of the files that are published, and of the whole of it. */
  readonly onProgress?: (name: string, doneBytes: number, totalBytes: number) => void;
  /** Asked when the work is aborted: true leaves unfinished uploads to a later attempt (default: they are given up). */
  readonly keepUnfinished?: () => boolean;
}

export interface PublishedFile {
  readonly url: string;
  /** Warnings of the hosting check. */
  readonly findings: readonly HostingFinding[];
}

/** Puts files where the world can fetch them. Every call is idempotent. */
export interface Publisher {
  /**
   * Publishes blobs of the store under `folder`, each under its file name, and returns where they are by file name;
   * every file was fetched back from there, as everybody will, compared, and its place checked. What is published is
   * addressed by content, so a second version of a file gets another URL and the first stays.
   */
  publish(
    folder: string,
    files: Readonly<Record<string, Digest>>,
    options?: PublishOptions,
  ): Promise<Readonly<Record<string, PublishedFile>>>;
}
