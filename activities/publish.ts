import { hostedFileNames, MedperfError } from '../contract';
import type { CubeUrls, PublishInput } from '../contract';
import type { Publisher } from '../hosting/publisher';

/** Publishes a cube's files; every one was fetched back and compared when this returns. */
export async function publish(
  publisher: Publisher | null,
  { name, files }: PublishInput,
  signal: AbortSignal,
): Promise<CubeUrls> {
  if (publisher === null) {
    throw new MedperfError('InvalidRequest', {
      what: 'This worker has no place to publish files.',
      expected: 'a folder that an HTTP server publishes',
      next: 'start the worker with --host-directory and --host-url, or host the files yourself and use `mlcube submit`.',
    });
  }
  const digests = Object.fromEntries(Object.entries(files).map(([file, blob]) => [file, blob.digest]));
  const urls = await publisher.publish(name, digests, signal);
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
