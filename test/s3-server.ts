import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { buildWithGo, getOnce, goVersion } from '../devstack/setup/cached-program';
import { onPath } from '../devstack/setup/found-programs';
import { freePort } from './free-port';
import { eventually } from './medperf-stack';

const VERSION = 'v1.8.0';
const GO_MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
const PROGRAM = { name: 'versitygw', file: `versitygw-${VERSION}`, title: 'an S3 server for the tests (versitygw)' };
/** The first that gets by itself the newer Go which the server's module asks for. */
const OLDEST_GO = 21;

export const S3_REGION = 'us-east-1';
export const S3_USER = { accessKeyId: 'tester', secretAccessKey: 'test-secret' } as const;
/** How a process that the SDK runs in is told who it is. */
export const S3_ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: S3_USER.accessKeyId,
  AWS_SECRET_ACCESS_KEY: S3_USER.secretAccessKey,
  AWS_REGION: S3_REGION,
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
} as const;

/** versitygw on the loopback address, with buckets in an empty folder of its own. */
export class S3Server {
  static async start(options: { readonly folder?: string } = {}): Promise<S3Server> {
    const server = new S3Server(options.folder ?? (await mkdtemp(join(tmpdir(), 's3-server-'))), await freePort());
    await server.begin();
    return server;
  }

  readonly endpoint: string;
  /** For what the tests do to buckets themselves. */
  readonly client: S3Client;
  private process: ChildProcess | undefined;
  private output = '';

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.client = new S3Client({
      region: S3_REGION,
      endpoint: this.endpoint,
      forcePathStyle: true,
      credentials: S3_USER,
    });
  }

  async makeBucket(bucket: string, { publicRead = false } = {}): Promise<void> {
    await this.client.send(new CreateBucketCommand({ Bucket: bucket }));
    if (publicRead) await this.allowPublicRead(bucket);
  }

  async allowPublicRead(bucket: string): Promise<void> {
    const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*` };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await this.client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }

  /** At once, as a power cut would; the buckets stay. */
  async kill(): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  }

  /** Again at the same address with the same buckets. */
  async restart(): Promise<void> {
    await this.kill();
    await this.begin();
  }

  /** Makes the unfinished uploads of a bucket look as if they had been begun then. */
  async dateUploads(bucket: string, begun: Date): Promise<void> {
    const uploads = join(this.folder, 'buckets', bucket, '.sgwtmp', 'multipart');
    for (const entry of await readdir(uploads, { withFileTypes: true, recursive: true }))
      if (entry.isDirectory()) await utimes(join(entry.parentPath, entry.name), begun, begun);
  }

  /** Makes the objects below a prefix look as if they had been put then. */
  async dateObjects(bucket: string, prefix: string, put: Date): Promise<void> {
    const objects = join(this.folder, 'buckets', bucket, prefix);
    for (const entry of await readdir(objects, { withFileTypes: true, recursive: true }))
      if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), put, put);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async begin(): Promise<void> {
    const [buckets, metadata] = [join(this.folder, 'buckets'), join(this.folder, 'metadata')];
    await mkdir(buckets, { recursive: true });
    await mkdir(metadata, { recursive: true });
    const program = await getS3Server(() => undefined);
    const server = ['--port', `127.0.0.1:${this.port}`, '--health', '/health', '--keep-alive', '--quiet'];
    // A folder for what it knows of the objects: not every file system takes extended attributes.
    const child = spawn(program, [...server, 'posix', '--sidecar', metadata, buckets], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ROOT_ACCESS_KEY_ID: S3_USER.accessKeyId,
        ROOT_SECRET_ACCESS_KEY: S3_USER.secretAccessKey,
        VGW_REGION: S3_REGION,
      },
    });
    this.process = child;
    this.output = '';
    const keep = (text: string): void => void (this.output = (this.output + text).slice(-4000));
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => (this.output = error.message));
    await eventually(
      async () => {
        const ended = child.exitCode ?? child.signalCode;
        if (ended !== null || child.pid === undefined)
          throw new Error(`${PROGRAM.name} (${ended ?? 'no start'}): ${this.output}`);
        return (await fetch(`${this.endpoint}/health`).catch(() => null))?.status ?? 0;
      },
      (status) => status === 200,
    );
  }
}

/**
 * Path of the S3 server's program: one on the PATH, from our cache, or built by Go into it.
 * @throws Error saying what to do where it cannot be had.
 */
export async function getS3Server(say: (line: string) => void): Promise<string> {
  const found = await onPath(PROGRAM.name);
  if (found !== null) return found;
  try {
    return await getOnce(PROGRAM, say, async (folder) => {
      const version = await goVersion();
      if (version < OLDEST_GO) throw new Error(version === 0 ? 'there is no Go' : `Go 1.${version} is too old`);
      await buildWithGo(GO_MODULE, folder, { title: PROGRAM.title, minutes: 'two' }, say);
    });
  } catch (error) {
    throw new Error(
      `The tests of hosting at S3 need the program ${PROGRAM.name}, and it could not be had (` +
        `${error instanceof Error ? error.message : String(error)}). Install Go 1.${OLDEST_GO} or newer, which builds it ` +
        `(Debian 12's golang-go is older: take the one of its backports or of go.dev), or put ${PROGRAM.name} ${VERSION} on the PATH.`,
      { cause: error },
    );
  }
}
