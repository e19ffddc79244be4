import { mkdir } from 'node:fs/promises';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { CREDENTIAL_STORES, credentialsFile, systemKeyring } from './credential-stores';
import type { CredentialStore, CredentialStoreKind } from './credential-stores';
import { SIGN_IN_KINDS, SIGN_IN_PLACE, authorizationOf } from './credentials';
import type { Authorization, Credentials, DeviceCredentials, SignInKind, SignInPlace } from './credentials';
import { inTurn } from './directory-turn';
import { own, readRecord, writeRecord } from './profile-files';
import { serverAddress } from './server-address';
import { DIALECTS } from './server-dialect';
import type { Dialect } from './server-dialect';
import { isToBeRenewed, renew } from './token-renewal';

/** One server and one user under a name of the person's own. */
export interface Profile {
  readonly name: string;
  readonly server: string;
  /** Empty before the first sign-in. */
  readonly username: string;
  /** PEM of the authority that alone may certify the server, where it is one of the site's own. */
  readonly ca?: string;
  /** What the server speaks; absent where that could not be told. */
  readonly dialect?: Dialect;
  /** How the user signed in last. */
  readonly signInBy?: SignInKind;
  /** Where the server's users sign in, when it takes tokens of an issuer. */
  readonly signInPlace?: SignInPlace;
  /** A file unless given. */
  readonly credentialStore?: CredentialStoreKind;
}

/** A profile with its credentials. */
export interface SignedInProfile extends Profile {
  readonly credentials: Credentials;
}

/**
 * The profiles of one configuration directory. Files are read at each call, so that a new sign-in needs no restart.
 * All errors are `MedperfError`s: `NeedsAttention` for an unknown or signed-out profile and for files or a keyring that a
 * person has to mend, `InvalidRequest` for a name that cannot be one.
 */
export interface Profiles {
  /** Sorted by name; also those that are signed out. */
  list(): Promise<readonly Profile[]>;
  get(name: string): Promise<SignedInProfile>;
  /** The header `Authorization` of the profile as it is at each call; tokens that end soon are renewed first, once for all. */
  authorization(name: string): Authorization;
  /** Adds the profile or replaces the one of that name. */
  save(profile: SignedInProfile): Promise<void>;
  /** Adds a profile or replaces its settings; a sign-in at another server or as another user is forgotten. */
  define(profile: Profile): Promise<void>;
  /** Signs out: the credentials go, the server's address and the user's name stay. */
  forget(name: string): Promise<void>;
  /** Signs out and removes the profile. */
  remove(name: string): Promise<void>;
  /** Name of the profile that is meant where none is named. */
  active(): Promise<string>;
  activate(name: string): Promise<void>;
}

const PROFILES_FILE = 'profiles.json';
const ACTIVE_FILE = 'active-profile.json';
const USUAL_PROFILE = 'default';
const PROFILES = z.record(
  z.string(),
  z.object({
    server: z.string(),
    username: z.string(),
    ca: z.string().exactOptional(),
    dialect: z.enum(DIALECTS).exactOptional(),
    signInBy: z.enum(SIGN_IN_KINDS).exactOptional(),
    signInPlace: SIGN_IN_PLACE.exactOptional(),
    credentialStore: z.enum(CREDENTIAL_STORES).exactOptional(),
  }),
);
const ACTIVE = z.record(z.string(), z.string());
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function openProfiles(directory: string): Profiles {
  return new ProfileDirectory(directory);
}

class ProfileDirectory implements Profiles {
  /** Renewals under way in this process. */
  private readonly renewals = new Map<string, Promise<Credentials>>();

  constructor(private readonly directory: string) {}

  async list(): Promise<readonly Profile[]> {
    return Object.entries(await this.read())
      .map(([name, profile]) => ({ name, ...profile }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async get(name: string): Promise<SignedInProfile> {
    const profile = await this.known(name);
    const credentials = await this.storeOf(profile).read(name);
    if (credentials === null) throw signedOut(name, `The profile "${name}" is signed out.`);
    return { ...profile, credentials };
  }

  authorization(name: string): Authorization {
    return async () => {
      const { credentials, signInPlace } = await this.get(name);
      if (!isEnding(credentials) || signInPlace === undefined) return authorizationOf(credentials);
      const renewal = this.renewals.get(name) ?? this.renewed(name).finally(() => this.renewals.delete(name));
      this.renewals.set(name, renewal);
      return authorizationOf(await renewal);
    };
  }

  async save({ credentials, ...profile }: SignedInProfile): Promise<void> {
    await this.change(profile.name, async (profiles) => {
      const former = own(profiles, profile.name);
      await this.storeOf(profile).write(profile.name, credentials);
      if (former !== undefined && former.credentialStore !== profile.credentialStore) {
        await this.storeOf(former).remove(profile.name);
      }
      return { ...profile, signInBy: credentials.kind };
    });
  }

  async define(profile: Profile): Promise<void> {
    await this.change(profile.name, async (profiles) => {
      const former = own(profiles, profile.name);
      if (former !== undefined && !isSameSignIn(former, profile)) await this.storeOf(former).remove(profile.name);
      return profile;
    });
  }

  async forget(name: string): Promise<void> {
    const profile = await this.known(name);
    await inTurn(this.directory, () => this.storeOf(profile).remove(name));
  }

  async remove(name: string): Promise<void> {
    await this.forget(name);
    await inTurn(this.directory, async () => {
      const { [name]: _removed, ...others } = await this.read();
      await writeRecord(this.directory, PROFILES_FILE, others);
    });
  }

  async active(): Promise<string> {
    return (await readRecord(this.directory, ACTIVE_FILE, ACTIVE))['name'] ?? USUAL_PROFILE;
  }

  async activate(name: string): Promise<void> {
    await this.known(name);
    await writeRecord(this.directory, ACTIVE_FILE, { name });
  }

  /** One process renews a profile's tokens at a time; another may have done it while this one waited for its turn. */
  private async renewed(name: string): Promise<Credentials> {
    const renewOnce = async (): Promise<Credentials> => {
      const { credentials, signInPlace } = await this.get(name);
      if (!isEnding(credentials) || signInPlace === undefined) return credentials;
      const fresh = await renew(signInPlace, credentials, { profile: name });
      return inTurn(this.directory, () => this.keepUnlessChanged(name, credentials, fresh));
    };
    return inTurn(this.directory, renewOnce, name);
  }

  /** Who signed out or in again meanwhile meant it. */
  private async keepUnlessChanged(
    name: string,
    old: DeviceCredentials,
    fresh: DeviceCredentials,
  ): Promise<Credentials> {
    const { credentials, ...profile } = await this.get(name);
    if (credentials.kind !== 'device' || credentials.refreshToken !== old.refreshToken) return credentials;
    await this.storeOf(profile).write(name, fresh);
    return fresh;
  }

  private async change(
    name: string,
    entryOf: (profiles: z.infer<typeof PROFILES>) => Promise<Omit<Profile, 'name'> & { readonly name?: string }>,
  ): Promise<void> {
    refuseName(name);
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    await inTurn(this.directory, async () => {
      const profiles = await this.read();
      const { name: _key, ...entry } = await entryOf(profiles);
      const all = { ...profiles, [name]: { ...entry, server: serverAddress(entry.server) } };
      await writeRecord(this.directory, PROFILES_FILE, all);
    });
  }

  private async known(name: string): Promise<Profile> {
    const profile = own(await this.read(), name);
    if (profile === undefined) throw signedOut(name, `There is no profile "${name}".`);
    return { name, ...profile };
  }

  private read(): Promise<z.infer<typeof PROFILES>> {
    return readRecord(this.directory, PROFILES_FILE, PROFILES);
  }

  private storeOf({ credentialStore }: Pick<Profile, 'credentialStore'>): CredentialStore {
    return credentialStore === 'keyring' ? systemKeyring(this.directory) : credentialsFile(this.directory);
  }
}

function isEnding(credentials: Credentials): credentials is DeviceCredentials {
  return credentials.kind === 'device' && isToBeRenewed(credentials);
}

/** Whether credentials for the one serve the other. */
function isSameSignIn(a: Omit<Profile, 'name'>, b: Omit<Profile, 'name'>): boolean {
  const placeOf = ({ server, username, signInPlace, credentialStore = 'file' }: typeof a): string =>
    JSON.stringify([serverAddress(server), username, signInPlace ?? null, credentialStore]);
  return placeOf(a) === placeOf(b);
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
