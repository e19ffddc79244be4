import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import Docker from 'dockerode';
import { MedperfError } from '../contract';
import { startFileHost } from './file-host';
import { buildDemoImages } from './images/demo-images';
import { endProcess, identify } from './process-identity';
import { seedTutorial, startRegistry } from './registry';
import { lockDirectory } from './directory-lock';
import { findOrGetDocker } from './setup/docker-engine';
import type { FoundDocker } from './setup/docker-engine';
import { findOrGetTemporal, startTemporal } from './setup/temporal-server';
import type { Log } from './setup/temporal-server';
import { readPorts, readRecord, removeRecord, writePorts, writeRecord } from './stack-record';
import type { StackPorts, StackRecord } from './stack-record';
import { hostTutorial } from './tutorial-files';

export { readDevStack, stopDevStack } from './stack-record';
export type { StackRecord } from './stack-record';

export interface DevStackOptions {
  /** Keeps databases, hosted files and ports; one stack at a time runs on it. */
  readonly stateDirectory: string;
  readonly log: Log;
}

export interface DevStack {
  readonly record: StackRecord;
  /** Settles when a part has ended by itself. */
  readonly broken: Promise<void>;
  /** Stops all parts, the last started first. */
  close(): Promise<void>;
}

const STOP_MS = 10_000;

/**
 * Starts the embedded stand-ins on the loopback address: Temporal's development server, MedPerf's registry with the
 * tutorial's seed, the file host with the benchmark's files, and Docker where none runs.
 * @throws MedperfError saying which part does not come up; the parts before it are stopped.
 */
export async function startDevStack({ stateDirectory, log }: DevStackOptions): Promise<DevStack> {
  await mkdir(stateDirectory, { recursive: true });
  const parts: (() => Promise<void>)[] = [await lockState(stateDirectory)];
  const close = async (): Promise<void> => {
    for (const part of parts.splice(0).reverse()) await part();
  };
  try {
    return { ...(await startParts(stateDirectory, log, parts)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(
  stateDirectory: string,
  log: Log,
  parts: (() => Promise<void>)[],
): Promise<Omit<DevStack, 'close'>> {
  await stopLeftOver(stateDirectory);
  const ports = await readPorts(stateDirectory);
  const docker = await findOrGetDocker(log);
  parts.push(() => stopOwnDocker(docker));
  const path = await findOrGetTemporal(log);
  const temporal = await startTemporal({
    path,
    directory: stateDirectory,
    log,
    ...(ports && { port: ports.temporal, uiPort: ports.ui }),
  });
  parts.push(() => temporal.close());
  const images = await buildDemoImages({ docker: new Docker() });
  const files = await startFiles(join(stateDirectory, 'files'), ports, parts);
  const registry = await startRegistry({
    dialect: 'E25',
    database: { directory: await folder(stateDirectory, 'registry') },
    ...(ports && { port: ports.registry }),
  });
  parts.push(() => registry.close());
  if (await seedTutorial(registry, await hostTutorial(files, images))) log('Seeded the registry like the tutorial.');
  log(`The registry answers at ${registry.url}, the file host at ${files.url}.`);

  await writePorts(stateDirectory, {
    temporal: portOf(`http://${temporal.address}`),
    ui: portOf(temporal.uiUrl),
    registry: portOf(registry.url),
    files: portOf(files.url),
  });
  const record: StackRecord = {
    supervisor: await identify(process.pid),
    startedAt: new Date().toISOString(),
    temporal: { address: temporal.address, uiUrl: temporal.uiUrl, process: await identify(temporal.pid) },
    registry: { url: registry.url },
    files,
    docker: {
      socketPath: docker.socketPath,
      process: docker.startedByUs === null ? null : await identify(docker.startedByUs),
    },
  };
  await writeRecord(stateDirectory, record);
  parts.push(() => removeRecord(stateDirectory));
  return { record, broken: temporal.ended };
}

async function lockState(stateDirectory: string): Promise<() => Promise<void>> {
  try {
    return await lockDirectory(stateDirectory, "The dev stack's state");
  } catch (cause) {
    throw new MedperfError(
      'InvalidRequest',
      {
        what: 'The dev stack cannot have its state folder for itself.',
        found: 'another dev stack runs on it or is starting',
        next: 'Use the one that runs, or stop it first.',
      },
      { cause },
    );
  }
}

/** A killed supervisor leaves its Temporal server behind, with the database open and the port taken. */
async function stopLeftOver(stateDirectory: string): Promise<void> {
  const left = await readRecord(stateDirectory);
  if (left !== null) await endProcess(left.temporal.process, STOP_MS);
  await removeRecord(stateDirectory);
}

/** Leaves a Docker of ours to others who run containers on it by now. */
async function stopOwnDocker({ startedByUs }: FoundDocker): Promise<void> {
  if (startedByUs === null) return;
  const running = await new Docker().listContainers();
  if (running.length === 0) await endProcess(await identify(startedByUs), STOP_MS);
}

async function startFiles(
  directory: string,
  ports: StackPorts | null,
  parts: (() => Promise<void>)[],
): Promise<StackRecord['files']> {
  await mkdir(directory, { recursive: true });
  const host = await startFileHost({ directory, ...(ports && { port: ports.files }) });
  parts.push(() => host.close());
  return { url: host.url, directory };
}

async function folder(stateDirectory: string, name: string): Promise<string> {
  const path = join(stateDirectory, name);
  await mkdir(path, { recursive: true });
  return path;
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
