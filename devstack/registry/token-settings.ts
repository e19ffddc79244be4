import { createPublicKey } from 'node:crypto';
import { MedperfError } from '../../contract';

/** Whose tokens the server takes: by audience, issuer and the issuer's RSA key, or the place where its keys are published. */
export type TokenSettings = {
  readonly audience: string;
  readonly issuer: string;
} & (
  | {
      /** PEM. */
      readonly verifyingKey: string;
    }
  | {
      /** Address of a JSON Web Key Set. */
      readonly jwkUrl: string;
    }
);

const NAMES = ['AUTH_AUDIENCE', 'AUTH_ISSUER', 'AUTH_VERIFYING_KEY', 'AUTH_JWK_URL'] as const;
const NEXT = 'Set AUTH_AUDIENCE, AUTH_ISSUER and one of AUTH_VERIFYING_KEY and AUTH_JWK_URL, or none of the four.';

/**
 * The settings under the names that MedPerf's own server has for them; null when none is set.
 * @throws MedperfError `InvalidRequest` for some without the others, both ways to the key, and what is no RSA key or address.
 */
export function tokenSettingsFrom(environment: NodeJS.ProcessEnv): TokenSettings | null {
  const [audience, issuer, key, jwkUrl] = NAMES.map((name) => environment[name] ?? '');
  if (!audience && !issuer && !key && !jwkUrl) return null;
  if (!audience || !issuer) throw refused('an audience and an issuer', audience ? 'no issuer' : 'no audience');
  if (key && jwkUrl) throw refused('one way to the verifying key', 'AUTH_VERIFYING_KEY and AUTH_JWK_URL');
  // An environment file holds a PEM on one line.
  if (key) return { audience, issuer, verifyingKey: requireRsaKey(key.replaceAll('\\n', '\n')) };
  if (!jwkUrl) throw refused('AUTH_VERIFYING_KEY or AUTH_JWK_URL', 'neither');
  if (!/^https?:\/\//.test(jwkUrl) || !URL.canParse(jwkUrl)) {
    throw refused('an http or https address in AUTH_JWK_URL', 'something else');
  }
  return { audience, issuer, jwkUrl };
}

function requireRsaKey(pem: string): string {
  let type: string | undefined = 'no PEM';
  try {
    type = createPublicKey(pem).asymmetricKeyType;
  } catch {
    // Said below.
  }
  if (type === 'rsa') return pem;
  throw refused('the PEM of an RSA public key in AUTH_VERIFYING_KEY', type ?? 'another key');
}

function refused(expected: string, found: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: 'The settings for tokens in the environment cannot be used.',
    expected,
    found,
    next: NEXT,
  });
}
