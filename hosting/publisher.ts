import type { Digest } from '../contract';

/** Puts files where the world can fetch them. Every call is idempotent. */
export interface Publisher {
  /**
   * Publishes blobs of the store under `folder`, each under its file name, and returns their public URLs by file name.
   * What is published is addressed by content, so a second version of a file gets another URL and the first stays.
   */
  publish(
    folder: string,
    files: Readonly<Record<string, Digest>>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}
