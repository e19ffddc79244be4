import { userInfo } from 'node:os';
import { MedperfClient } from '../client';
import { openProfiles, openRegistry } from '../registry';
import type { MedperfRegistry, Profile } from '../registry';
import type { Store } from '../store/store';
import { openStore } from './open-store';
import type { Output } from './output';
import type { Places } from './places';
import { openTemporal } from './temporal';
import type { OpenTemporal } from './temporal';

/** What every command gets. */
export interface Cli {
  readonly places: Places;
  readonly output: Output;
  /** Name of the profile: one server, one user. */
  readonly profile: string;
}

/** Temporal, store and user that a command works with. */
export interface Session {
  readonly medperf: MedperfClient;
  readonly temporal: OpenTemporal;
  readonly store: Store;
  readonly profile: Profile;
}

/** Opens what runs need and closes it after the work; the profile has to be signed in. */
export async function withSession<T>(cli: Cli, work: (session: Session) => Promise<T>): Promise<T> {
  const { name, server, username, dialect } = await openProfiles(cli.places.config).get(cli.profile);
  return withProfile(cli, { name, server, username, ...(dialect && { dialect }) }, work);
}

/** For runs that do not speak with a registry: a profile that is not there is no obstacle. */
export async function withAnySession<T>(cli: Cli, work: (session: Session) => Promise<T>): Promise<T> {
  // A profile that was only made has no user yet.
  const { server = '', username = '', dialect } = (await knownProfile(cli)) ?? {};
  const user = username || userInfo().username;
  return withProfile(cli, { name: cli.profile, server, username: user, ...(dialect && { dialect }) }, work);
}

/** Signed in or not; null where it was never made. */
export async function knownProfile({ places, profile }: Cli): Promise<Profile | null> {
  const profiles = await openProfiles(places.config).list();
  return profiles.find(({ name }) => name === profile) ?? null;
}

async function withProfile<T>(cli: Cli, profile: Profile, work: (session: Session) => Promise<T>): Promise<T> {
  const temporal = await openTemporal(cli.places);
  const { store, close } = openStore(cli.places);
  try {
    const medperf = new MedperfClient({ client: temporal.client, store, profile });
    return await work({ medperf, temporal, store, profile });
  } finally {
    close();
    await temporal.connection.close();
  }
}

export async function withRegistry<T>(cli: Cli, work: (registry: MedperfRegistry) => Promise<T>): Promise<T> {
  const profiles = openProfiles(cli.places.config);
  const registry = openRegistry(profiles, await profiles.get(cli.profile));
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}
