import { generateKeyPairSync } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT, importPKCS8 } from 'jose';
import type { TokenSettings } from './token-settings';

export interface TokenUser {
  /** Becomes the token's `sub`, and the user's name. */
  readonly username: string;
  readonly email: string;
}

/** Issues tokens for a development server, as MedPerf's mock tokens are; what it signs is worth nothing anywhere else. */
export interface LocalIssuer {
  readonly settings: TokenSettings & { readonly verifyingKey: string };
  /** @param options `issuedAt` in seconds since 1970 (now), and how long it is good for (300 years, as MedPerf's own). */
  tokenFor(
    user: TokenUser,
    options?: { readonly issuedAt?: number; readonly lifetimeSeconds?: number },
  ): Promise<string>;
  /** Writes `{ email: token }` for whoever may read `file`, which only its owner may. */
  writeTokens(file: string, users: readonly TokenUser[]): Promise<void>;
}

const ALGORITHM = 'RS256';
const KEY_BITS = 2048;
const AUDIENCE = 'https://localhost-localdev/';
const ISSUER = 'https://localhost:8000/';
const LIFETIME_SECONDS = 10 ** 10;

/**
 * Opens the issuer whose key pair is in `directory`, and makes the pair where there is none; two that start at once have one.
 * Without a directory the pair lives as long as the process.
 */
export async function openLocalIssuer(directory?: string): Promise<LocalIssuer> {
  const { privateKey, publicKey } = directory === undefined ? newKeyPair() : await keyPairIn(directory);
  const key = await importPKCS8(privateKey, ALGORITHM);
  const tokenFor: LocalIssuer['tokenFor'] = ({ username, email }, options = {}) => {
    const { issuedAt = Math.floor(Date.now() / 1000), lifetimeSeconds = LIFETIME_SECONDS } = options;
    return new SignJWT({ 'https://medperf.org/email': email })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(username)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .sign(key);
  };
  return {
    settings: { audience: AUDIENCE, issuer: ISSUER, verifyingKey: publicKey },
    tokenFor,
    writeTokens: async (file, users) => {
      const tokens: Record<string, string> = {};
      for (const user of users) tokens[user.email] = await tokenFor(user);
      const draft = `${file}.${process.pid}.part`;
      await writeFile(draft, `${JSON.stringify(tokens, null, 2)}\n`, { mode: 0o600 });
      await rename(draft, file);
    },
  };
}

interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

function newKeyPair(): KeyPair {
  return generateKeyPairSync('rsa', {
    modulusLength: KEY_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** Both keys are in one file, so that nobody sees half a pair; the first that is linked there stays. */
async function keyPairIn(directory: string): Promise<KeyPair> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'signing-keys.json');
  const read = async (): Promise<KeyPair> => JSON.parse(await readFile(file, 'utf8')) as KeyPair;
  try {
    return await read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const draft = `${file}.${process.pid}.${performance.now()}.part`;
  await writeFile(draft, JSON.stringify(newKeyPair()), { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return read();
}
