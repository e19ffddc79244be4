import { MedperfError } from '../contract';
import type { Heartbeat, PublishedFiles, PublishInput } from '../contract';
import type { Publisher } from '../hosting/publisher';

export interface PublishPlace {
  /** Null where the operator named no place. */
  readonly publisher: Publisher | null;
  readonly signal: AbortSignal;
  readonly tell: (details: Heartbeat) => void;
  /** What an earlier attempt told last. */
  readonly before: Heartbeat | undefined;
  /** Whether somebody asked to stop, rather than this worker stopping. */
  readonly isCancelled: () => boolean;
}

/** Publishes a cube's files; every one was fetched back, compared and its place checked when this returns. */
export async function publish(
  { publisher, signal, tell, before, isCancelled }: PublishPlace,
  { name, files }: PublishInput,
): Promise<PublishedFiles> {
  if (publisher === null) {
    throw new MedperfError('InvalidRequest', {
      what: 'This worker has no place to publish files.',
      expected: 'a folder that an HTTP server publishes, or a bucket',
      next: 'start the worker with --host-directory and --host-url, or with --host-s3-bucket, or host the files yourself and use `mlcube submit`.',
    });
  }
  const digests = Object.fromEntries(Object.entries(files).map(([file, blob]) => [file, blob.digest]));
  const unfinished = before?.uploads ?? {};
  tell({ uploads: unfinished });
  const published = await publisher.publish(name, digests, {
    signal,
    unfinished,
    onUnfinished: (uploads) => tell({ uploads }),
    onProgress: (file, done, total) => tell({ message: `publishing ${file}`, share: done / total }),
    keepUnfinished: () => !isCancelled(),
  });
  return {
    urls: Object.fromEntries(Object.entries(published).map(([file, { url }]) => [file, url])),
    findings: Object.values(published).flatMap(({ findings }) => findings),
  };
}
