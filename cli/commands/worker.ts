import { Option } from 'commander';
import type { Command } from 'commander';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { ControlDependencies } from '../../activities';
import { CONTAINERS_QUEUE, CONTROL_QUEUE, MedperfError } from '../../contract';
import { lockDirectory } from '../../devstack/directory-lock';
import { readDevStack } from '../../devstack/stack-record';
import { DockerEngine } from '../../engine/docker-engine';
import { findCredentials } from '../../engine/registry-credentials';
import { transferBytesOf } from '../../hosting/image-size';
import { ImageRegistries } from '../../hosting/oci-registry';
import { openProfiles } from '../../registry';
import { Downloads } from '../../store/downloads';
import type { Store } from '../../store/store';
import { DEFAULT_POLICY, readPolicy, Registries, REMINDER_URL, reminderWebhook, runWorkers } from '../../worker';
import type { Policy, WorkersOptions } from '../../worker';
import { define, wholeNumber } from '../command';
import { startedBy } from '../detached-process';
import { filesTarget, imageHosting, openFilesHosting } from '../hosting-targets';
import type { FilesHosting, FilesTarget, HostingOptions } from '../hosting-targets';
import { openStore } from '../open-store';
import type { Cli } from '../session';
import { missingSearchAttributes, openTemporal } from '../temporal';
import type { OpenTemporal } from '../temporal';

export interface WorkerOptions extends HostingOptions {
  readonly role: 'all' | 'control' | 'containers';
  readonly slots?: number;
  readonly policy?: string;
}

export function addWorkerCommands(program: Command): void {
  const worker = program.command('worker').description('Do the work that runs ask for');
  define(
    worker
      .command('start')
      .description('Serve the task queues until SIGTERM or Ctrl-C')
      .addOption(
        new Option('--role <role>', 'control: registry, store, hosting; containers: this machine’s Docker')
          .choices(['all', 'control', 'containers'])
          .default('all'),
      )
      .option(
        '--slots <count>',
        'tasks without a GPU at once (default: one a processor, and two at least)',
        wholeNumber,
      )
      .option('--policy <file>', 'what the operator allows containers (YAML or JSON)')
      .option('--host-directory <folder>', 'folder that a web server publishes, for "mlcube host"')
      .option('--host-s3-bucket <bucket>', 'bucket that everybody may read, for "mlcube host" (docs/hosting.md)')
      .option('--host-s3-endpoint <url>', 'of a server other than Amazon’s')
      .option('--host-s3-region <region>', 'region of the bucket')
      .option('--host-s3-prefix <prefix>', 'what the keys in the bucket begin with')
      .option('--host-url <url>', 'where the folder or bucket is read (default of a bucket: ENDPOINT/BUCKET)')
      .option('--host-image-registry <place>', 'HOST/NAMESPACE that published images are pushed to')
      .option('--plain-http', 'speak with that registry without encryption'),
    [
      'worker start',
      'worker start --role containers --slots 2 --policy policy.yaml',
      'worker start --role control --host-directory /srv/cubes --host-url https://cubes.example.org',
      'worker start --role control --host-s3-bucket cubes --host-s3-endpoint https://s3.example.org',
    ],
    startWorker,
  );
}

async function startWorker(cli: Cli, options: WorkerOptions): Promise<void> {
  const target = filesTarget(options);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const temporal = await openTemporal(cli.places);
  try {
    await requireSearchAttributes(temporal);
    await serve(cli, temporal, options, target, stop.signal);
  } finally {
    await temporal.connection.close();
  }
}

async function requireSearchAttributes(temporal: OpenTemporal): Promise<void> {
  const missing = await missingSearchAttributes(temporal);
  if (missing.length === 0) return;
  throw new MedperfError('NeedsAttention', {
    what: `Temporal's namespace ${temporal.namespace} lacks search attributes that the workflows use.`,
    found: `missing: ${missing.join(', ')} (all of type Keyword)`,
    next: 'register them: temporal-medperf setup',
  });
}

async function serve(
  cli: Cli,
  temporal: OpenTemporal,
  options: WorkerOptions,
  target: FilesTarget | null,
  signal: AbortSignal,
): Promise<void> {
  const images = imageHosting(options);
  const { store, close: closeStore } = openStore(cli.places);
  const registries = new Registries(openProfiles(cli.places.config));
  const policy = options.policy === undefined ? DEFAULT_POLICY : await readPolicy(options.policy);
  const host = options.role === 'control' ? null : await claimContainerHost(cli, store, policy, options.slots);
  const files = options.role === 'containers' ? null : await openFilesHosting(target, store, cli.places.state);
  const downloads = await openDownloads(policy, files, cli.places.state);
  const connection = await NativeConnection.connect(temporal.options);
  const lookups = new ImageRegistries({ credentials: findCredentials });
  const workers: WorkersOptions = {
    connection,
    namespace: temporal.namespace,
    signal,
    ...(files === null
      ? {}
      : {
          control: {
            store,
            downloads,
            openRegistry: registries.open,
            publisher: files.publisher,
            images: lookups,
            ...(policy.reuse === 'own' ? { scopeOf: registries.scopeOf } : {}),
            ...remindersFrom(process.env),
          },
        }),
    ...(host === null
      ? {}
      : { containers: { store, downloads, engine: host.engine, policy, ...images?.place(host.engine) } }),
    onReady: () => tellReady(cli, options),
  };
  try {
    await runWorkers(workers);
  } finally {
    await downloads.close();
    files?.close();
    await images?.registries.close();
    await lookups.close();
    await host?.close();
    await registries.close();
    await connection.close();
    closeStore();
  }
}

function remindersFrom({ [REMINDER_URL]: address }: NodeJS.ProcessEnv): Pick<ControlDependencies, 'sendReminder'> {
  return address === undefined || address === '' ? {} : { sendReminder: reminderWebhook(address) };
}

/** From where the policy allows, from where this worker publishes, and from the dev stack's file host. */
async function openDownloads(policy: Policy, files: FilesHosting | null, state: string): Promise<Downloads> {
  const stack = await readDevStack(state);
  const own = [files?.baseUrl, stack?.files.url].filter((url) => typeof url === 'string');
  return new Downloads([...policy.downloads.privateHosts, ...own.map((url) => new URL(url).host)]);
}

/** One process serves a host's containers: two would prepare the same folders. */
async function claimContainerHost(
  { places: { work } }: Cli,
  store: Store,
  { gpus, user, runtime }: Policy,
  slots: number | undefined,
): Promise<{ engine: DockerEngine; close: () => Promise<void> }> {
  const registries = new ImageRegistries({ credentials: findCredentials });
  const engine = await DockerEngine.connect({
    store,
    workDirectory: work,
    transferBytes: (image, architecture, signal) => transferBytesOf(registries, image, architecture, signal),
    gpus,
    ...(user === undefined ? {} : { user }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(slots === undefined ? {} : { slots }),
  });
  try {
    const unlock = await lockDirectory(work, "This host's container work");
    const close = async (): Promise<void> => {
      await engine.close();
      await registries.close();
      await unlock();
    };
    return { engine, close };
  } catch (cause) {
    throw new MedperfError(
      'InvalidRequest',
      {
        what: cause instanceof Error ? cause.message : String(cause),
        next: 'stop that worker first, or start this one with --role control.',
      },
      { cause },
    );
  }
}

function tellReady(cli: Cli, { role }: WorkerOptions): void {
  const queues = {
    control: [CONTROL_QUEUE],
    containers: [CONTAINERS_QUEUE, `${CONTAINERS_QUEUE}@<this host>`],
  };
  const served = role === 'all' ? [...queues.control, ...queues.containers] : queues[role];
  cli.output.result({ ready: true, queues: served }, () => `worker ready: queues ${served.join(', ')}`);
  startedBy.ready();
}
