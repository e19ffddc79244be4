import type { Profiles } from './profiles';
import { revoke } from './token-renewal';

/**
 * Signs a profile out here, and where its tokens came from if that place takes them back.
 * @returns why the tokens could not be given back; null when they were, or when there is nothing to give back.
 */
export async function signOut(profiles: Profiles, name: string): Promise<Error | null> {
  const before = await profiles.get(name).catch(() => null);
  await profiles.forget(name);
  if (before?.credentials.kind !== 'device' || before.signInPlace === undefined) return null;
  try {
    await revoke(before.signInPlace, before.credentials);
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
