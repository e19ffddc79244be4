import { readDevStack } from '../devstack/stack-record';
import type { DockerEngine } from '../engine/docker-engine';
import { findCredentials } from '../engine/registry-credentials';
import { DirectoryPublisher } from '../hosting/directory-publisher';
import { refuseImagePlace, RegistryImagePublisher } from '../hosting/image-publisher';
import type { ImagePublisher } from '../hosting/image-publisher';
import { ImageRegistries } from '../hosting/oci-registry';
import type { Publisher } from '../hosting/publisher';
import { S3Publisher } from '../hosting/s3-publisher';
import { connectBucket } from '../store/s3/connection';
import type { BucketPlace } from '../store/s3/connection';
import type { Store } from '../store/store';
import { WrongUse } from './wrong-use';

/** What an operator says about where this worker publishes. */
export interface HostingOptions {
  readonly hostDirectory?: string;
  readonly hostUrl?: string;
  readonly hostS3Bucket?: string;
  readonly hostS3Endpoint?: string;
  readonly hostS3Region?: string;
  readonly hostS3Prefix?: string;
  readonly hostImageRegistry?: string;
  readonly plainHttp?: boolean;
}

/** Where files are published, before anything is opened. */
export type FilesTarget =
  | { readonly kind: 'directory'; readonly directory: string; readonly baseUrl: string }
  | { readonly kind: 's3'; readonly place: BucketPlace; readonly baseUrl: string };

export interface FilesHosting {
  readonly publisher: Publisher | null;
  /** Where everybody reads what is published. */
  readonly baseUrl: string | null;
  readonly close: () => void;
}

const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const PREFIX_CHARACTERS = 500;

/** What the options mean; null where they name no place for files. @throws WrongUse where they contradict each other. */
export function filesTarget(options: HostingOptions): FilesTarget | null {
  const { hostDirectory: directory, hostUrl, hostS3Bucket: bucket } = options;
  if (directory !== undefined && bucket !== undefined)
    throw wrong('Files are published into a folder or into a bucket.', 'give --host-directory or --host-s3-bucket.');
  if (hostUrl !== undefined) requireUrl('--host-url', hostUrl);
  if (bucket !== undefined) return s3Target(bucket, options);
  const { hostS3Endpoint, hostS3Region, hostS3Prefix } = options;
  if ([hostS3Endpoint, hostS3Region, hostS3Prefix].some((option) => option !== undefined))
    throw wrong('An endpoint, region or prefix is that of a bucket.', 'give --host-s3-bucket too.');
  if ((directory === undefined) !== (hostUrl === undefined))
    throw wrong(
      'Publishing needs both a place and its URL.',
      'give --host-directory or --host-s3-bucket, and --host-url.',
    );
  return directory === undefined || hostUrl === undefined ? null : { kind: 'directory', directory, baseUrl: hostUrl };
}

function s3Target(bucket: string, options: HostingOptions): FilesTarget {
  const { hostUrl, hostS3Endpoint: endpoint, hostS3Region: region, hostS3Prefix: prefix } = options;
  if (endpoint !== undefined) requireUrl('--host-s3-endpoint', endpoint);
  if (prefix !== undefined && (!PREFIX.test(prefix) || prefix.length > PREFIX_CHARACTERS))
    throw wrong('--host-s3-prefix cannot be part of a URL.', 'use letters, digits, ".", "_", "-" and single slashes.');
  const baseUrl = hostUrl ?? (endpoint === undefined ? null : `${endpoint.replace(/\/+$/, '')}/${bucket}`);
  if (baseUrl === null)
    throw wrong('Without an endpoint nobody can tell where the bucket is read.', 'give --host-url, its public URL.');
  const place: BucketPlace = {
    bucket,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(prefix === undefined ? {} : { prefix }),
  };
  return { kind: 's3', place, baseUrl };
}

/** The operator's place, else the folder that the dev stack's file host shows; none leaves hosting to other workers. */
export async function openFilesHosting(
  target: FilesTarget | null,
  store: Store,
  stateDirectory: string,
): Promise<FilesHosting> {
  if (target?.kind === 's3') {
    const bucket = connectBucket(target.place);
    const publisher = new S3Publisher({ store, bucket, baseUrl: target.baseUrl });
    return { publisher, baseUrl: target.baseUrl, close: () => bucket.client.destroy() };
  }
  const stack = target === null ? await readDevStack(stateDirectory) : null;
  const shown = target ?? (stack === null ? null : { directory: stack.files.directory, baseUrl: stack.files.url });
  const publisher = shown === null ? null : new DirectoryPublisher({ store, ...shown });
  return { publisher, baseUrl: shown?.baseUrl ?? null, close: () => undefined };
}

/** Where this host pushes the images that are published; the sign-in is that of `docker login`. */
export function imageHosting({ hostImageRegistry: place, plainHttp = false }: HostingOptions): {
  registries: ImageRegistries;
  place: (engine: DockerEngine) => { imagePublisher: ImagePublisher };
} | null {
  if (place === undefined) return null;
  refuseImagePlace(place);
  const [registryHost = ''] = place.split('/');
  const registries = new ImageRegistries({
    credentials: findCredentials,
    plainHttpHosts: plainHttp ? [registryHost] : [],
  });
  const publisher = (engine: DockerEngine): ImagePublisher =>
    new RegistryImagePublisher({ registries, place, archive: (id) => ({ open: () => engine.saveImage(id) }) });
  return { registries, place: (engine) => ({ imagePublisher: publisher(engine) }) };
}

function requireUrl(option: string, text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && ['http:', 'https:'].includes(url.protocol) && url.username + url.password === '';
  if (!isPlain || url.search + url.hash !== '')
    throw wrong(`${option} cannot be used.`, 'give an http:// or https:// URL without a user, query or fragment.');
}

function wrong(what: string, next: string): WrongUse {
  return new WrongUse({ what, next });
}
