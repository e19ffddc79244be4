import { MedperfRegistry } from './medperf-registry';
import type { SignedInProfile } from './profiles';

export type * from './registry';
export { CUBE_NAME_LENGTH, refuseUnregistrableName } from './cube-registration';
export { MedperfRegistry } from './medperf-registry';
export { openProfiles } from './profiles';
export type { Profile, Profiles, SignedInProfile } from './profiles';
export { requireAuthority } from './authority';
export { serverAddress } from './server-address';
export { signIn } from './sign-in';

/** The registry as the profile's user sees it; close it when done. */
export function openRegistry({ server, token, ca }: Pick<SignedInProfile, 'server' | 'token' | 'ca'>): MedperfRegistry {
  return new MedperfRegistry({ server, token, ...(ca === undefined ? {} : { ca }) });
}
