import { MedperfRegistry } from './medperf-registry';
import type { Profile, Profiles } from './profiles';

export type * from './registry';
export { refuseUnregistrableName } from './registration';
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

/** The registry as the profile's user sees it, with his credentials as they are at each request; close it when done. */
export function openRegistry(profiles: Profiles, { name, server, ca, dialect }: Profile): MedperfRegistry {
  return new MedperfRegistry({
    server,
    authorization: profiles.authorization(name),
    ...(ca === undefined ? {} : { ca }),
    ...(dialect === undefined ? {} : { dialect }),
  });
}
