import { MedperfError } from '../contract';
import { MedperfRegistry } from './medperf-registry';
import type { Profile, Profiles } from './profiles';

export type * from './registry';
export { CUBE_NAME_LENGTH, refuseUnregistrableName } from './cube-registration';
export { MedperfRegistry } from './medperf-registry';
export { openProfiles } from './profiles';
export { CREDENTIAL_STORES } from './credential-stores';
export type { CredentialStoreKind } from './credential-stores';
export type { Profile, Profiles, SignedInProfile } from './profiles';
export { requireAuthority } from './authority';
export { serverAddress } from './server-address';
export {
  MEDPERF_SERVER,
  MEDPERF_SIGN_IN,
  findSignIn,
  signInAtIssuer,
  signInByPassword,
  signInLocally,
} from './sign-in';
export type { ServerPlace, SignInFacts, SignedIn } from './sign-in';
export { signOut } from './sign-out';
export type { DeviceCode } from './device-sign-in';
export type { Authorization, Credentials, SignInKind, SignInPlace } from './credentials';
export { DIALECTS } from './server-dialect';
export type { Dialect } from './server-dialect';

/**
 * The registry as the profile's user sees it, with his credentials as they are at each request; close it when done.
 * @throws MedperfError `RegistryRejected` for a server of a generation whose API is not spoken here.
 */
export function openRegistry(profiles: Profiles, { name, server, ca, dialect }: Profile): MedperfRegistry {
  if (dialect === 'HEAD') throw notSpoken(server);
  return new MedperfRegistry({
    server,
    authorization: profiles.authorization(name),
    ...(ca === undefined ? {} : { ca }),
    ...(dialect === undefined ? {} : { dialect }),
  });
}

function notSpoken(server: string): MedperfError {
  return new MedperfError('RegistryRejected', {
    what: `${server} is a MedPerf server of today's generation, whose API is not supported yet.`,
    expected: 'a server that registers MLCubes (until November 2025)',
    found: 'a server of containers and models (from March 2026)',
    next: 'Use a server of the MLCube generations, such as the dev stack: temporal-medperf dev start',
  });
}
