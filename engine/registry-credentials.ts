import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { z } from 'zod';

/** What Docker's API takes with a pull. Never to be logged. */
export type RegistryCredentials =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

/** The key under which Docker's own clients keep the sign-in to the registry of references without a host. */
const DEFAULT_REGISTRY = 'https://index.docker.io/v1/';
const HELPER_TIMEOUT_MS = 30_000;
const TOKEN_USER = '<token>';

const helperName = z.string().regex(/^[A-Za-z0-9][\w.-]*$/);
const configuration = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credHelpers: z.record(z.string(), helperName).optional(),
  credsStore: helperName.or(z.literal('')).optional(),
});
const helperAnswer = z.object({ Username: z.string(), Secret: z.string() });

/** Registry of an image reference, as the keys of Docker's configuration name it. */
export function registryOf(reference: string): string {
  const [first, ...rest] = reference.split('/');
  if (first === undefined || rest.length === 0) return DEFAULT_REGISTRY;
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  return isHost && first !== 'docker.io' ? first : DEFAULT_REGISTRY;
}

/**
 * The sign-in that `docker login` left for the registry of a reference: from the configuration file itself or from the
 * credential helper it names. Null when there is none; a configuration that cannot be read counts as none, and the
 * registry's refusal then says what is missing.
 */
export async function findCredentials(
  reference: string,
  directory = process.env['DOCKER_CONFIG'] ?? path.join(os.homedir(), '.docker'),
): Promise<RegistryCredentials | null> {
  const config = await readConfiguration(path.join(directory, 'config.json'));
  if (config === null) return null;
  const registry = registryOf(reference);
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  if (helper) {
    const found = await askHelper(helper, registry);
    if (found !== null) return found;
  }
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    if (key !== registry && hostOf(key) !== registry) continue;
    if (entry.identitytoken) return { identitytoken: entry.identitytoken, serveraddress: registry };
    const pair = decodePair(entry.auth) ?? entry;
    if (pair.username && pair.password !== undefined) {
      return { username: pair.username, password: pair.password, serveraddress: registry };
    }
  }
  return null;
}

async function readConfiguration(file: string): Promise<z.infer<typeof configuration> | null> {
  try {
    return configuration.parse(JSON.parse(await fs.readFile(file, 'utf8')));
  } catch {
    return null;
  }
}

/** Older clients wrote keys with scheme and path. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/')[0] ?? key;
}

function decodePair(auth: string | undefined): { username: string; password: string } | null {
  if (!auth) return null;
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

/** Docker's credential helper protocol: the registry on standard input, JSON on standard output. */
async function askHelper(helper: string, registry: string): Promise<RegistryCredentials | null> {
  const output = await new Promise<string | null>((resolve) => {
    const child = spawn(`docker-credential-${helper}`, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: process.env,
      // Not `timeout`: its timer outlives a helper that could not be started.
      signal: AbortSignal.timeout(HELPER_TIMEOUT_MS),
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code === 0 ? Buffer.concat(chunks).toString('utf8') : null));
    // A helper that ends without reading breaks the pipe; its exit code tells enough.
    child.stdin.on('error', () => undefined);
    child.stdin.end(registry);
  });
  if (output === null) return null;
  try {
    const { Username, Secret } = helperAnswer.parse(JSON.parse(output));
    if (Username === TOKEN_USER) return { identitytoken: Secret, serveraddress: registry };
    return { username: Username, password: Secret, serveraddress: registry };
  } catch {
    return null;
  }
}
