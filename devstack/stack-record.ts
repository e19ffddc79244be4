import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { endProcess, isAlive } from './process-identity';
import { STACK_DIALECTS } from './stack-dialect';

const port = z.int().min(1).max(65_535);
const identity = z.object({ pid: z.int().positive(), started: z.string() });

const RecordSchema = z.object({
  /** The process that runs the stack. */
  supervisor: identity,
  startedAt: z.iso.datetime(),
  temporal: z.object({ address: z.string(), uiUrl: z.url(), process: identity }),
  /** `tokens` is the file of its users' tokens, where it takes those of an issuer of its own. */
  registry: z.object({ url: z.url(), dialect: z.enum(STACK_DIALECTS), tokens: z.string().exactOptional() }),
  /** `directory` is the folder that `url` shows: who writes below it publishes. */
  files: z.object({ url: z.url(), directory: z.string() }),
  docker: z.object({ socketPath: z.string().nullable(), process: identity.nullable() }),
});

const PortsSchema = z.object({ temporal: port, ui: port, registry: port, files: port });

/** What runs and where; kept as `dev-stack.json` in the stack's state folder while it runs. */
export type StackRecord = z.infer<typeof RecordSchema>;

/** Ports stay for good: the registry holds URLs of the file host, and profiles hold the registry's. */
export type StackPorts = z.infer<typeof PortsSchema>;

const RECORD_FILE = 'dev-stack.json';
const PORTS_FILE = 'ports.json';
const STOP_MS = 60_000;

/** The record of the stack that runs on a state folder, or null. */
export async function readDevStack(stateDirectory: string): Promise<StackRecord | null> {
  const record = await readRecord(stateDirectory);
  return record !== null && (await isAlive(record.supervisor)) ? record : null;
}

/** Stops the stack that runs on a state folder and waits until it is gone; false when none ran. */
export async function stopDevStack(stateDirectory: string): Promise<boolean> {
  const record = await readDevStack(stateDirectory);
  if (record === null) return false;
  await endProcess(record.supervisor, STOP_MS);
  return true;
}

/** The last record, also when its stack was killed. */
export function readRecord(stateDirectory: string): Promise<StackRecord | null> {
  return read(join(stateDirectory, RECORD_FILE), RecordSchema);
}

export function writeRecord(stateDirectory: string, record: StackRecord): Promise<void> {
  return write(join(stateDirectory, RECORD_FILE), record);
}

export function removeRecord(stateDirectory: string): Promise<void> {
  return rm(join(stateDirectory, RECORD_FILE), { force: true });
}

export function readPorts(stateDirectory: string): Promise<StackPorts | null> {
  return read(join(stateDirectory, PORTS_FILE), PortsSchema);
}

export function writePorts(stateDirectory: string, ports: StackPorts): Promise<void> {
  return write(join(stateDirectory, PORTS_FILE), ports);
}

/** Null when there is no such file, or not one of ours. */
async function read<T>(file: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}

async function write(file: string, value: unknown): Promise<void> {
  await writeFile(`${file}.part`, `${JSON.stringify(value, null, 2)}\n`);
  await rename(`${file}.part`, file);
}
