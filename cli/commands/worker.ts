import { Option } from 'commander';
import type { Command } from 'commander';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { CONTAINERS_QUEUE, CONTROL_QUEUE, MedperfError } from '../../contract';
import { lockDirectory } from '../../devstack/directory-lock';
import { readDevStack } from '../../devstack/stack-record';
import { DockerEngine } from '../../engine/docker-engine';
import { findCredentials } from '../../engine/registry-credentials';
import { DirectoryPublisher } from '../../hosting/directory-publisher';
import { refuseImagePlace, RegistryImagePublisher } from '../../hosting/image-publisher';
import type { ImagePublisher } from '../../hosting/image-publisher';
import { ImageRegistries } from '../../hosting/oci-registry';
import type { Publisher } from '../../hosting/publisher';
import { openProfiles } from '../../registry';
import type { Store } from '../../store/store';
import { DEFAULT_POLICY, readPolicy, Registries, runWorkers } from '../../worker';
import type { Policy, WorkersOptions } from '../../worker';
import { define, wholeNumber } from '../command';
import { startedBy } from '../detached-process';
import { openStore } from '../open-store';
import type { Cli } from '../session';
import { missingSearchAttributes, openTemporal } from '../temporal';
import type { OpenTemporal } from '../temporal';
import { WrongUse } from '../wrong-use';

export interface WorkerOptions {
  readonly role: 'all' | 'control' | 'containers';
  readonly slots?: number;
  readonly policy?: string;
  readonly hostDirectory?: string;
  readonly hostUrl?: string;
  readonly hostImageRegistry?: string;
  readonly plainHttp?: boolean;
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
      .option('--host-url <url>', 'where it shows that folder')
      .option('--host-image-registry <place>', 'HOST/NAMESPACE that published images are pushed to')
      .option('--plain-http', 'speak with that registry without encryption'),
    [
      'worker start',
      'worker start --role containers --slots 2 --policy policy.yaml',
      'worker start --role control --host-directory /srv/cubes --host-url https://cubes.example.org',
    ],
    startWorker,
  );
}

async function startWorker(cli: Cli, options: WorkerOptions): Promise<void> {
  if ((options.hostDirectory === undefined) !== (options.hostUrl === undefined)) {
    throw new WrongUse({
      what: 'Publishing needs both a folder and its URL.',
      next: 'give --host-directory and --host-url.',
    });
  }
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const temporal = await openTemporal(cli.places);
  try {
    await requireSearchAttributes(temporal);
    await serve(cli, temporal, options, stop.signal);
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

async function serve(cli: Cli, temporal: OpenTemporal, options: WorkerOptions, signal: AbortSignal): Promise<void> {
  const images = imageHosting(options);
  const { store, close: closeStore } = openStore(cli.places);
  const registries = new Registries(openProfiles(cli.places.config));
  const policy = options.policy === undefined ? DEFAULT_POLICY : await readPolicy(options.policy);
  const host = options.role === 'control' ? null : await claimContainerHost(cli, store, policy, options.slots);
  const connection = await NativeConnection.connect(temporal.options);
  const workers: WorkersOptions = {
    connection,
    namespace: temporal.namespace,
    signal,
    ...(options.role === 'containers'
      ? {}
      : {
          control: {
            store,
            openRegistry: registries.open,
            publisher: await publisher(cli, store, options),
            ...(policy.reuse === 'own' ? { scopeOf: registries.scopeOf } : {}),
          },
        }),
    ...(host === null ? {} : { containers: { store, engine: host.engine, policy, ...images?.place(host.engine) } }),
    onReady: () => tellReady(cli, options),
  };
  try {
    await runWorkers(workers);
  } finally {
    await images?.registries.close();
    await host?.engine.close();
    await host?.unlock();
    await registries.close();
    await connection.close();
    closeStore();
  }
}

/** Where this host pushes the images that are published; the sign-in is that of `docker login`. */
function imageHosting({ hostImageRegistry: place, plainHttp = false }: WorkerOptions) {
  if (place === undefined) return null;
  refuseImagePlace(place);
  const [registryHost = ''] = place.split('/');
  const registries = new ImageRegistries({
    credentials: findCredentials,
    plainHttpHosts: plainHttp ? [registryHost] : [],
  });
  const publisher = (engine: DockerEngine): ImagePublisher =>
    new RegistryImagePublisher({ registries, place, archive: (id) => ({ open: () => engine.saveImage(id) }) });
  return { registries, place: (engine: DockerEngine) => ({ imagePublisher: publisher(engine) }) };
}

/** One process serves a host's containers: two would prepare the same folders. */
async function claimContainerHost(
  { places: { work } }: Cli,
  store: Store,
  { gpus, user, runtime }: Policy,
  slots: number | undefined,
): Promise<{ engine: DockerEngine; unlock: () => Promise<void> }> {
  const engine = await DockerEngine.connect({
    store,
    workDirectory: work,
    gpus,
    ...(user === undefined ? {} : { user }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(slots === undefined ? {} : { slots }),
  });
  try {
    return { engine, unlock: await lockDirectory(work, "This host's container work") };
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

/** The operator's folder, else the one that the dev stack's file host shows; null leaves hosting to other workers. */
async function publisher(cli: Cli, store: Store, options: WorkerOptions): Promise<Publisher | null> {
  const { hostDirectory: directory, hostUrl: baseUrl } = options;
  if (directory !== undefined && baseUrl !== undefined) return new DirectoryPublisher({ store, directory, baseUrl });
  const stack = await readDevStack(cli.places.state);
  return stack === null
    ? null
    : new DirectoryPublisher({ store, directory: stack.files.directory, baseUrl: stack.files.url });
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
