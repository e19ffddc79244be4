import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import Docker from 'dockerode';
import { fetchDemoData } from '../activities/fetch-demo-data';
import { packageCube } from '../activities/package-cube';
import { publish } from '../activities/publish';
import { MedperfClient } from '../client';
import { MedperfError, SEARCH_ATTRIBUTES, toMedperfHash } from '../contract';
import type { DataAndLabels } from '../contract';
import { demoDataArchive } from '../devstack/demo-data';
import { startFileHost } from '../devstack/file-host';
import { PACKAGE_ROOT } from '../devstack/package-root';
import type { FileHost } from '../devstack/file-host';
import { buildDemoImages } from '../devstack/images/demo-images';
import { openLocalIssuer, seedTutorial, startRegistry } from '../devstack/registry';
import { DYNAMIC_CONFIG } from '../devstack/setup/temporal-server';
import type { TutorialCube } from '../devstack/registry';
import { DockerEngine } from '../engine/docker-engine';
import { DirectoryPublisher } from '../hosting/directory-publisher';
import type { ImagePublisher } from '../hosting/image-publisher';
import { openProfiles, openRegistry } from '../registry';
import type { MedperfRegistry, Profiles } from '../registry';
import { Downloads } from '../store/downloads';
import { FileStore } from '../store/file-store';
import { Registries, runWorkers } from '../worker';
import { Parties } from './registry-parties';
import type { Party } from './registry-parties';

export const EXAMPLE_CUBES = join(PACKAGE_ROOT, 'examples', 'cubes');

/** Has the run look for its committee's decision now, unless it looked by itself a moment before and goes on already. */
export async function lookNow(client: MedperfClient, id: string): Promise<void> {
  await client.lookNow(id).catch((error: unknown) => {
    if (!(error instanceof MedperfError)) throw error;
  });
}

/** Everything in one process: a Temporal dev server, the registry, a file host, Docker and the workers. */
export class EmbeddedStack {
  readonly docker = new Docker();
  readonly store: FileStore;
  readonly downloads: Downloads;
  readonly profiles: Profiles;
  private readonly stopWorkers = new AbortController();
  private working: Promise<void> = Promise.resolve();
  private engine: DockerEngine | undefined;

  private constructor(
    readonly home: string,
    readonly temporal: TestWorkflowEnvironment,
    readonly parties: Parties,
    readonly files: FileHost,
  ) {
    this.store = new FileStore(join(home, 'store'));
    this.downloads = new Downloads([new URL(files.url).host]);
    this.profiles = openProfiles(join(home, 'config'));
  }

  /** @param images where published images are pushed to. */
  static async start(images?: (engine: DockerEngine) => ImagePublisher): Promise<EmbeddedStack> {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const home = await mkdtemp(join(tmpdir(), 'medperf-stack-'));
    const path = process.env['TEMPORAL_MEDPERF_TEMPORAL_CLI'] ?? 'temporal';
    const searchAttributes = Object.values(SEARCH_ATTRIBUTES).map((name) =>
      defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    );
    const temporal = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        searchAttributes,
        extraArgs: DYNAMIC_CONFIG.flatMap((setting) => ['--dynamic-config-value', setting]),
      },
    });
    const published = join(home, 'published');
    await mkdir(published);
    const issuer = await openLocalIssuer();
    const [server, files] = await Promise.all([
      startRegistry({ dialect: 'E25', database: {}, tokens: issuer.settings }),
      startFileHost({ directory: published }),
    ]);
    const stack = new EmbeddedStack(home, temporal, new Parties(server, issuer), files);
    await stack.seed(published);
    await stack.startWorkers(published, images);
    return stack;
  }

  async stop(): Promise<void> {
    this.stopWorkers.abort();
    await this.working;
    await this.downloads.close();
    await this.engine?.close();
    await this.files.close();
    await this.parties.server.close();
    await this.temporal.teardown();
    await rm(this.home, { recursive: true, force: true });
  }

  async clientOf(party: Party): Promise<MedperfClient> {
    const profile = await this.parties.saveProfile(this.profiles, party);
    return new MedperfClient({ client: this.temporal.client, store: this.store, profile });
  }

  async registryOf(party: Party): Promise<MedperfRegistry> {
    return openRegistry(this.profiles, await this.parties.saveProfile(this.profiles, party));
  }

  async results(digest: `sha256:${string}`): Promise<unknown> {
    return JSON.parse((await this.store.readBytes(digest)).toString('utf8'));
  }

  /** The demo data as the data preparator gets it. */
  async demoData(): Promise<DataAndLabels> {
    const archive = await demoDataArchive();
    const { digest } = await this.store.putBytes(archive);
    const { store, downloads } = this;
    const fetching = { store, downloads, offline: true, signal: new AbortController().signal, tell: () => undefined };
    return fetchDemoData(fetching, { url: '', hash: toMedperfHash(digest), offline: true });
  }

  private async seed(published: string): Promise<void> {
    const images = await buildDemoImages({ docker: this.docker });
    const demo = await demoDataArchive();
    const { digest } = await this.store.putBytes(demo);
    await writeFile(join(published, 'demo.tar.gz'), demo);
    const publisher = new DirectoryPublisher({ store: this.store, directory: published, baseUrl: this.files.url });
    const host = async (name: string): Promise<TutorialCube> => {
      const tree = await this.store.putTree(join(EXAMPLE_CUBES, name, 'mlcube'), { links: 'refuse' });
      const cube = await packageCube(
        this.store,
        { tree: tree.digest, label: name, format: null },
        new AbortController().signal,
      );
      const { manifest, parameters, additionalFiles } = cube;
      const signal = new AbortController().signal;
      const { urls } = await publish(
        { publisher, signal, tell: () => undefined, before: undefined, isCancelled: () => false },
        {
          name,
          files: {
            'mlcube.yaml': manifest,
            ...(parameters === null ? {} : { 'parameters.yaml': parameters }),
            ...(additionalFiles === null ? {} : { 'additional_files.tar.gz': additionalFiles }),
          },
        },
      );
      const image = Object.entries(images).find(([reference]) => reference === cube.image)?.[1] ?? '';
      return {
        manifestUrl: urls['mlcube.yaml'] ?? '',
        ...(parameters === null ? {} : { parametersUrl: urls['parameters.yaml'] ?? '' }),
        ...(additionalFiles === null ? {} : { additionalFilesUrl: urls['additional_files.tar.gz'] ?? '' }),
        manifestHash: toMedperfHash(manifest.digest),
        ...(parameters === null ? {} : { parametersHash: toMedperfHash(parameters.digest) }),
        ...(additionalFiles === null ? {} : { additionalFilesHash: toMedperfHash(additionalFiles.digest) }),
        imageHash: image.replace('sha256:', ''),
      };
    };
    await seedTutorial(this.parties.server, {
      dataPreparator: await host('chestxray_prep'),
      referenceModel: await host('chestxray_cnn'),
      metrics: await host('chestxray_metrics'),
      benchmark: {
        demoDatasetUrl: `${this.files.url}/demo.tar.gz`,
        demoDatasetHash: toMedperfHash(digest),
        demoDatasetGeneratedUid: 'f'.repeat(64),
      },
    });
  }

  private async startWorkers(published: string, images?: (engine: DockerEngine) => ImagePublisher): Promise<void> {
    const { store, downloads } = this;
    const registries = new Registries(this.profiles);
    const engine = await DockerEngine.connect({ docker: this.docker, store, workDirectory: join(this.home, 'work') });
    this.engine = engine;
    const publisher = new DirectoryPublisher({ store, directory: published, baseUrl: this.files.url });
    await new Promise<void>((ready, failed) => {
      this.working = runWorkers({
        connection: this.temporal.nativeConnection,
        namespace: 'default',
        control: { store, downloads, openRegistry: registries.open, publisher },
        containers: { store, downloads, engine, ...(images === undefined ? {} : { imagePublisher: images(engine) }) },
        signal: this.stopWorkers.signal,
        onReady: ready,
      }).finally(() => registries.close());
      this.working.catch(failed);
    });
  }
}
