import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { CREDENTIAL_STORES, DIALECTS, MEDPERF_SERVER, MEDPERF_SIGN_IN, requireAuthority } from '../registry';
import type { CredentialStoreKind, Dialect, Profile, SignInPlace } from '../registry';
import { WrongUse } from './wrong-use';

/** What a profile says of its server; as commander names it. */
export interface ServerOptions {
  readonly server?: string;
  readonly ca?: string;
  readonly dialect?: Dialect;
  readonly credentials?: CredentialStoreKind;
  readonly authDomain?: string;
  readonly authClientId?: string;
  readonly authAudience?: string;
  readonly authJwksUrl?: string;
  readonly authIssuer?: string;
}

/** @param elsewhere where the server's address comes from when it is not given. */
export function addServerOptions(command: Command, elsewhere: string): Command {
  return command
    .option('--server <url>', `address of the server; else ${elsewhere}`)
    .option('--ca <file>', "certificate (PEM) of the authority that issued the server's; kept with the profile")
    .option('--dialect <name>', "e23, e25 or head: the generation of the server's API; else found out", dialectOf)
    .addOption(
      new Option('--credentials <place>', "where the sign-in is kept: a file, or the system's keyring").choices(
        CREDENTIAL_STORES,
      ),
    )
    .option('--auth-domain <host>', "where the server's users sign in, for another server than MedPerf's own")
    .option('--auth-client-id <id>', 'id of this client there')
    .option('--auth-audience <url>', 'audience that its tokens are for')
    .option('--auth-jwks-url <url>', 'where its keys are; else under the domain')
    .option('--auth-issuer <url>', "issuer that its tokens name; else the domain's address");
}

/** From the options, else the profile's, else of MedPerf's own server; null where nobody said. */
export function signInPlaceFor(server: string, options: ServerOptions, known: Profile | undefined): SignInPlace | null {
  const usual = known?.signInPlace ?? (server === MEDPERF_SERVER ? MEDPERF_SIGN_IN : null);
  const domain = options.authDomain ?? usual?.domain;
  const clientId = options.authClientId ?? usual?.clientId;
  const audience = options.authAudience ?? usual?.audience;
  if (domain === undefined || clientId === undefined || audience === undefined) return null;
  const jwksUrl = options.authJwksUrl ?? usual?.jwksUrl;
  const issuer = options.authIssuer ?? usual?.issuer;
  return {
    domain,
    clientId,
    audience,
    ...(jwksUrl !== undefined && { jwksUrl }),
    ...(issuer !== undefined && { issuer }),
  };
}

/** The one given, else the one that the profile has for the same server. */
export async function authorityFor(
  file: string | undefined,
  known: Profile | undefined,
): Promise<{ readonly ca?: string }> {
  if (file !== undefined) return { ca: requireAuthority(await textOf(file)) };
  return known?.ca === undefined ? {} : { ca: known.ca };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new WrongUse({
      what: 'The file given with --ca cannot be read.',
      found: (error as NodeJS.ErrnoException).code ?? 'no reason given',
      next: 'check its path and permissions.',
    });
  }
}

function dialectOf(text: string): Dialect {
  const dialect = DIALECTS.find((name) => name === text.toUpperCase());
  if (dialect === undefined) throw new InvalidArgumentError(`Expected one of ${DIALECTS.join(', ').toLowerCase()}.`);
  return dialect;
}
