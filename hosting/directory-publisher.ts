import { join } from 'node:path';
import type { Digest } from '../contract';
import type { Store } from '../store/store';
import { requireServed } from './fetch-back';
import { checkNames, publishedPlace } from './published-names';
import type { PublishedFile, Publisher, PublishOptions } from './publisher';

export interface DirectoryPublisherOptions {
  readonly store: Store;
  /** The folder that the web server publishes. */
  readonly directory: string;
  /** Where the web server shows that folder. */
  readonly baseUrl: string;
}

/** Publishes into a directory that a web server serves, as `<folder>/<version>/<file name>`. */
export class DirectoryPublisher implements Publisher {
  constructor(private readonly options: DirectoryPublisherOptions) {}

  async publish(
    folder: string,
    files: Readonly<Record<string, Digest>>,
    { signal }: PublishOptions = {},
  ): Promise<Readonly<Record<string, PublishedFile>>> {
    checkNames(folder, Object.keys(files));
    const published: Record<string, PublishedFile> = {};
    for (const [name, digest] of Object.entries(files))
      published[name] = await this.publishFile(folder, name, digest, signal);
    return published;
  }

  private async publishFile(
    folder: string,
    name: string,
    digest: Digest,
    signal: AbortSignal | undefined,
  ): Promise<PublishedFile> {
    signal?.throwIfAborted();
    const place = publishedPlace(folder, name, digest);
    await this.options.store.materialiseFile(digest, join(this.options.directory, ...place), 'copy');
    const url = `${this.options.baseUrl.replace(/\/+$/, '')}/${place.join('/')}`;
    return { url, findings: await requireServed(url, name, digest, signal) };
  }
}
