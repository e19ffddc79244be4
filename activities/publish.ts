import { hostedFileNames, MedperfError } from '../contract';
import type { CubeUrls, Heartbeat, PublishInput } from '../contract';
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

/** Publishes a cube's files; every one was fetched back and compared when this returns. */
export async function publish(
  { publisher, signal, tell, before, isCancelled }: PublishPlace,
  { name, files }: PublishInput,
): Promise<CubeUrls> {
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
  const urls = await publisher.publish(name, digests, {
    signal,
    unfinished,
    onUnfinished: (uploads) => tell({ uploads }),
    keepUnfinished: () => !isCancelled(),
  });
  const manifestUrl = urls[hostedFileNames.manifest];
  if (manifestUrl === undefined) throw new TypeError('a packaged cube without a manifest');
  const parametersUrl = urls[hostedFileNames.parameters];
  const additionalFilesUrl = urls[hostedFileNames.additionalFiles];
  return {
    manifestUrl,
    ...(parametersUrl === undefined ? {} : { parametersUrl }),
    ...(additionalFilesUrl === undefined ? {} : { additionalFilesUrl }),
  };
}
