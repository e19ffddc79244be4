import { z } from 'zod';
import { MedperfError } from '../contract';
import { accepted } from './answers';
import { HttpSession, LostAnswer } from './http-session';
import { MedperfRegistry } from './medperf-registry';
import type { User } from './registry';
import { readDialect } from './server-dialect';

const TOKEN = z.object({ token: z.string().min(1) });

/**
 * Signs in with user name and password, as MedPerf's servers of the MLCube generation first did.
 * @returns the user's token, which stays the same until its password changes.
 * @throws MedperfError `RegistryRejected` with the server's words or for a server of another generation, `RegistryUnavailable`,
 * `InvalidRequest` (address).
 */
export async function signIn(
  server: string,
  username: string,
  password: string,
  { ca, signal }: { readonly ca?: string; readonly signal?: AbortSignal } = {},
): Promise<{ token: string; user: User }> {
  const place = { server, ...(ca === undefined ? {} : { ca }) };
  const token = await requestToken(new HttpSession(place), { username, password }, signal);
  const registry = new MedperfRegistry({ ...place, token });
  try {
    return { token, user: await registry.me(signal) };
  } finally {
    await registry.close();
  }
}

async function requestToken(session: HttpSession, credentials: object, signal?: AbortSignal): Promise<string> {
  try {
    if ((await readDialect(session, signal)) === 'HEAD') throw notSupportedYet(session.server);
    const answer = await session.change('POST', '/auth-token/', credentials, signal);
    const next = 'Check the user name and the password, and that the server takes sign-in by password.';
    return accepted(answer, TOKEN, `Signing in at ${session.server} failed.`, next).token;
  } catch (error) {
    throw error instanceof LostAnswer ? error.failure : error;
  } finally {
    await session.close();
  }
}

function notSupportedYet(server: string): MedperfError {
  return new MedperfError('RegistryRejected', {
    what: `${server} is a MedPerf server of today's generation, which is not supported yet.`,
    expected: 'a server that registers MLCubes (until November 2025)',
    found: 'a server of containers and models (from March 2026)',
    next: 'Use a server of the MLCube generation, such as the dev stack: temporal-medperf dev start',
  });
}
