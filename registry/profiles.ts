import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { inTurn } from './directory-turn';
import { serverAddress } from './server-address';

/** One server and one user under a name of the person's own. */
export interface Profile {
  readonly name: string;
  readonly server: string;
  readonly username: string;
  /** PEM of the authority that alone may certify the server, where it is one of the site's own. */
  readonly ca?: string;
}

/** A profile with its credentials. */
export interface SignedInProfile extends Profile {
  readonly token: string;
}

/**
 * The profiles of one configuration directory. Files are read at each call, so that a new sign-in needs no restart.
 * All errors are `MedperfError`s: `NeedsAttention` for an unknown or signed-out profile and for files that a person has
 * to mend, `InvalidRequest` for a name that cannot be one.
 */
export interface Profiles {
  /** Sorted by name; also those that are signed out. */
  list(): Promise<readonly Profile[]>;
  get(name: string): Promise<SignedInProfile>;
  /** Adds the profile or replaces the one of that name. */
  save(profile: SignedInProfile): Promise<void>;
  /** Signs out: the credentials go, the server's address and the user's name stay. */
  forget(name: string): Promise<void>;
}

const PROFILES_FILE = 'profiles.json';
const CREDENTIALS_FILE = 'credentials.json';
const PROFILES = z.record(
  z.string(),
  z.object({ server: z.string(), username: z.string(), ca: z.string().exactOptional() }),
);
const CREDENTIALS = z.record(z.string(), z.string().min(1));
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function openProfiles(directory: string): Profiles {
  const readProfiles = (): Promise<z.infer<typeof PROFILES>> => readRecord(directory, PROFILES_FILE, PROFILES);
  const readCredentials = async (): Promise<z.infer<typeof CREDENTIALS>> => {
    await refuseReadableByOthers(directory);
    return readRecord(directory, CREDENTIALS_FILE, CREDENTIALS);
  };
  return {
    list: async () =>
      Object.entries(await readProfiles())
        .map(([name, profile]) => ({ name, ...profile }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    get: async (name) => {
      const profile = own(await readProfiles(), name);
      if (profile === undefined) throw signedOut(name, `There is no profile "${name}".`);
      const token = own(await readCredentials(), name);
      if (token === undefined) throw signedOut(name, `The profile "${name}" is signed out.`);
      return { name, ...profile, token };
    },
    save: async ({ name, server, username, ca, token }) => {
      refuseName(name);
      const entry = { server: serverAddress(server), username, ...(ca === undefined ? {} : { ca }) };
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await inTurn(directory, async () => {
        const profiles = { ...(await readProfiles()), [name]: entry };
        const credentials = { ...(await readCredentials()), [name]: token };
        await writeRecord(directory, CREDENTIALS_FILE, credentials);
        await writeRecord(directory, PROFILES_FILE, profiles);
      });
    },
    forget: async (name) => {
      if (own(await readProfiles(), name) === undefined) throw signedOut(name, `There is no profile "${name}".`);
      await inTurn(directory, async () => {
        const { [name]: _token, ...others } = await readCredentials();
        await writeRecord(directory, CREDENTIALS_FILE, others);
      });
    },
  };
}

async function readRecord<T>(
  directory: string,
  file: string,
  schema: z.ZodType<Record<string, T>>,
): Promise<Record<string, T>> {
  const text = await unlessAbsent(readFile(join(directory, file), 'utf8'));
  if (text === null) return {};
  const parsed = schema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  throw new MedperfError('NeedsAttention', {
    what: `The file ${file} in temporal-medperf's configuration directory cannot be read.`,
    expected: 'the JSON that temporal-medperf login writes',
    found: `${text.length} characters of something else`,
    next: `Move ${file} away and sign in again: temporal-medperf login`,
  });
}

/** Other users of the machine must not get at the tokens; only a person can know whether they did. */
async function refuseReadableByOthers(directory: string): Promise<void> {
  const found = await unlessAbsent(stat(join(directory, CREDENTIALS_FILE)));
  if (found === null || process.platform === 'win32' || (found.mode & 0o077) === 0) return;
  throw new MedperfError('NeedsAttention', {
    what: `Others on this machine may read ${CREDENTIALS_FILE} in temporal-medperf's configuration directory.`,
    expected: 'mode 600',
    found: `mode ${(found.mode & 0o777).toString(8)}`,
    next: `In that directory run: chmod 600 ${CREDENTIALS_FILE}`,
  });
}

/** Readers see the old file or the new one, never half of it. */
async function writeRecord(directory: string, file: string, record: object): Promise<void> {
  const temporary = join(directory, `.${file}.${process.pid}.${performance.now()}`);
  try {
    await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await rename(temporary, join(directory, file));
  } finally {
    await rm(temporary, { force: true });
  }
}

function refuseName(name: string): void {
  if (NAME.test(name)) return;
  throw new MedperfError('InvalidRequest', {
    what: "The profile's name cannot be used.",
    expected: 'up to 64 letters, digits, dots, hyphens and underscores, a letter or digit first',
    found: JSON.stringify(name.slice(0, 80)),
    next: 'Choose another name.',
  });
}

function signedOut(name: string, what: string): MedperfError {
  return new MedperfError('NeedsAttention', { what, next: `Sign in: temporal-medperf login --profile ${name}` });
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
