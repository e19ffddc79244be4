import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { CREDENTIALS, SIGN_IN_KINDS, SIGN_IN_PLACE, authorizationOf } from './credentials';
import type { Authorization, Credentials, SignInKind, SignInPlace } from './credentials';
import { inTurn } from './directory-turn';
import { serverAddress } from './server-address';
import { DIALECTS } from './server-dialect';
import type { Dialect } from './server-dialect';
import { isToBeRenewed, renew } from './token-renewal';

/** One server and one user under a name of the person's own. */
export interface Profile {
  readonly name: string;
  readonly server: string;
  readonly username: string;
  /** PEM of the authority that alone may certify the server, where it is one of the site's own. */
  readonly ca?: string;
  /** What the server speaks; absent where that could not be told. */
  readonly dialect?: Dialect;
  /** How the user signed in last. */
  readonly signInBy?: SignInKind;
  /** Where the server's users sign in, when it takes tokens of an issuer. */
  readonly signInPlace?: SignInPlace;
}

/** A profile with its credentials. */
export interface SignedInProfile extends Profile {
  readonly credentials: Credentials;
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
  /** The header `Authorization` of the profile as it is at each call; tokens that end soon are renewed first, once for all. */
  authorization(name: string): Authorization;
  /** Adds the profile or replaces the one of that name. */
  save(profile: SignedInProfile): Promise<void>;
  /** Signs out: the credentials go, the server's address and the user's name stay. */
  forget(name: string): Promise<void>;
}

const PROFILES_FILE = 'profiles.json';
const CREDENTIALS_FILE = 'credentials.json';
const PROFILES = z.record(
  z.string(),
  z.object({
    server: z.string(),
    username: z.string(),
    ca: z.string().exactOptional(),
    dialect: z.enum(DIALECTS).exactOptional(),
    signInBy: z.enum(SIGN_IN_KINDS).exactOptional(),
    signInPlace: SIGN_IN_PLACE.exactOptional(),
  }),
);
const CREDENTIALS_BY_PROFILE = z.record(z.string(), CREDENTIALS);
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function openProfiles(directory: string): Profiles {
  const readProfiles = (): Promise<z.infer<typeof PROFILES>> => readRecord(directory, PROFILES_FILE, PROFILES);
  const readCredentials = async (): Promise<z.infer<typeof CREDENTIALS_BY_PROFILE>> => {
    await refuseReadableByOthers(directory);
    return readRecord(directory, CREDENTIALS_FILE, CREDENTIALS_BY_PROFILE);
  };
  const get = async (name: string): Promise<SignedInProfile> => {
    const profile = own(await readProfiles(), name);
    if (profile === undefined) throw signedOut(name, `There is no profile "${name}".`);
    const credentials = own(await readCredentials(), name);
    if (credentials === undefined) throw signedOut(name, `The profile "${name}" is signed out.`);
    return { name, ...profile, credentials };
  };
  /** Another process may have renewed them while this one waited for its turn. */
  const renewed = (name: string): Promise<Credentials> =>
    inTurn(directory, async () => {
      const { credentials, signInPlace } = await get(name);
      if (credentials.kind !== 'device' || signInPlace === undefined || !isToBeRenewed(credentials)) return credentials;
      const fresh = await renew(signInPlace, credentials, { profile: name });
      await writeRecord(directory, CREDENTIALS_FILE, { ...(await readCredentials()), [name]: fresh });
      return fresh;
    });
  return {
    list: async () =>
      Object.entries(await readProfiles())
        .map(([name, profile]) => ({ name, ...profile }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    get,
    authorization: (name) => async () => {
      const { credentials } = await get(name);
      const isEnding = credentials.kind === 'device' && isToBeRenewed(credentials);
      return authorizationOf(isEnding ? await renewed(name) : credentials);
    },
    save: async ({ name, credentials: fresh, ...profile }) => {
      refuseName(name);
      const entry = { ...profile, server: serverAddress(profile.server), signInBy: fresh.kind };
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await inTurn(directory, async () => {
        const profiles = { ...(await readProfiles()), [name]: entry };
        const credentials = { ...(await readCredentials()), [name]: fresh };
        await writeRecord(directory, CREDENTIALS_FILE, credentials);
        await writeRecord(directory, PROFILES_FILE, profiles);
      });
    },
    forget: async (name) => {
      if (own(await readProfiles(), name) === undefined) throw signedOut(name, `There is no profile "${name}".`);
      await inTurn(directory, async () => {
        const { [name]: _forgotten, ...others } = await readCredentials();
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
