import { z } from 'zod';
import { accepted } from './answers';
import { HttpSession, LostAnswer } from './http-session';
import { MedperfRegistry } from './medperf-registry';
import type { User } from './registry';

const TOKEN = z.object({ token: z.string().min(1) });

/**
 * Signs in with user name and password, as MedPerf's servers of the MLCube generation first did.
 * @returns the user's token, which stays the same until its password changes.
 * @throws MedperfError `RegistryRejected` with the server's words, `RegistryUnavailable`, `InvalidRequest` (address).
 */
export async function signIn(
  server: string,
  username: string,
  password: string,
  signal?: AbortSignal,
): Promise<{ token: string; user: User }> {
  const token = await requestToken(new HttpSession({ server }), { username, password }, signal);
  const registry = new MedperfRegistry({ server, token });
  try {
    return { token, user: await registry.me(signal) };
  } finally {
    await registry.close();
  }
}

async function requestToken(session: HttpSession, credentials: object, signal?: AbortSignal): Promise<string> {
  try {
    const answer = await session.change('POST', '/auth-token/', credentials, signal);
    const next = 'Check the user name and the password, and that the server takes sign-in by password.';
    return accepted(answer, TOKEN, `Signing in at ${session.server} failed.`, next).token;
  } catch (error) {
    throw error instanceof LostAnswer ? error.failure : error;
  } finally {
    await session.close();
  }
}
