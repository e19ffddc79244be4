import { readFile } from 'node:fs/promises';
import { readDevStack } from '../devstack/stack-record';
import {
  MEDPERF_SERVER,
  MEDPERF_SIGN_IN,
  findSignIn,
  openProfiles,
  requireAuthority,
  serverAddress,
  signInAtIssuer,
  signInByPassword,
  signInLocally,
} from '../registry';
import type { Dialect, Profile, ServerPlace, SignInPlace, SignedIn, SignedInProfile } from '../registry';
import { ask, askHidden, isInteractive, linesOfInput } from './prompts';
import type { Cli } from './session';
import { WrongUse } from './wrong-use';

/** As commander names them; which ones are given decides how one signs in, else the server does. */
export interface LoginOptions {
  readonly username?: string;
  readonly email?: string;
  readonly local?: string;
  readonly tokens?: string;
  readonly server?: string;
  readonly ca?: string;
  readonly dialect?: Dialect;
  readonly authDomain?: string;
  readonly authClientId?: string;
  readonly authAudience?: string;
  readonly authJwksUrl?: string;
  readonly authIssuer?: string;
}

/** Signs in as the options, the profile of that name and the server say; gives the profile to keep. */
export async function signInWith(
  cli: Cli,
  options: LoginOptions,
): Promise<{ profile: SignedInProfile; user: SignedIn['user'] }> {
  const profiles = await openProfiles(cli.places.config).list();
  const former = profiles.find(({ name }) => name === cli.profile);
  const server = serverAddress(options.server ?? former?.server ?? (await serverOfDevStack(cli)));
  // What is known of another server says nothing of this one.
  const known = former?.server === server ? former : undefined;
  const place = { server, ...(await authorityFor(options.ca, known)) };
  const { dialect: found, passwords } = await findSignIn(place);
  const signInPlace = signInPlaceFor(server, options, known);
  const { credentials, user } = await signInBy(cli, options, place, passwords ? 'password' : signInPlace);
  const dialect = options.dialect ?? found;
  return {
    profile: {
      name: cli.profile,
      ...place,
      username: user.username,
      credentials,
      ...(dialect !== null && { dialect }),
      ...(credentials.kind === 'device' && signInPlace !== null && { signInPlace }),
    },
    user,
  };
}

/** @param usual how the server's users sign in: by password, at an issuer, or where nobody said. */
async function signInBy(
  cli: Cli,
  options: LoginOptions,
  place: ServerPlace,
  usual: 'password' | SignInPlace | null,
): Promise<SignedIn> {
  if (options.local !== undefined) {
    return signInLocally(place, { email: options.local, tokens: options.tokens ?? (await tokensOfDevStack(cli)) });
  }
  if (usual === 'password') {
    if (options.email !== undefined)
      throw otherKind(`${place.server} takes user names and passwords`, '--username NAME');
    return signInByPassword(place, await passwordFrom(options.username));
  }
  if (options.username !== undefined) {
    throw otherKind(`${place.server} takes no passwords`, '--email ADDRESS, or --local EMAIL at a development server');
  }
  if (usual === null) throw noPlace(place.server);
  const email = options.email ?? (await emailFromPerson());
  return signInAtIssuer(place, usual, { email, onCode: showCode });
}

/** Said also with `--json`: nobody can go on without it. */
function showCode({ page, code }: { readonly page: string; readonly code: string }): void {
  process.stderr.write(`Open ${page}\nand confirm that it shows the code ${code}. Waiting for that …\n`);
}

/** From the options, else the profile's, else of MedPerf's own server; null where nobody said. */
function signInPlaceFor(server: string, options: LoginOptions, known: Profile | undefined): SignInPlace | null {
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
async function authorityFor(file: string | undefined, known: Profile | undefined): Promise<{ readonly ca?: string }> {
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

async function serverOfDevStack({ places }: Cli): Promise<string> {
  const server = (await readDevStack(places.state))?.registry.url;
  if (server !== undefined) return server;
  throw new WrongUse({
    what: 'It is not known which server to sign in to.',
    next: 'give --server URL, or start the dev stack first: temporal-medperf dev start',
  });
}

async function tokensOfDevStack({ places }: Cli): Promise<string> {
  const tokens = (await readDevStack(places.state))?.registry.tokens;
  if (tokens !== undefined) return tokens;
  throw new WrongUse({
    what: "It is not known where the development server's tokens are.",
    next: 'give --tokens FILE, the tokens.json that the server wrote at its start.',
  });
}

/** Asked for at a terminal; else lines of standard input: the user name unless it is given, then the password. */
async function passwordFrom(given: string | undefined): Promise<{ username: string; password: string }> {
  if (isInteractive()) return { username: given ?? (await ask('username: ')), password: await askHidden('password: ') };
  const lines = await linesOfInput();
  const username = given ?? lines.shift() ?? '';
  const [password = ''] = lines;
  if (username !== '' && password !== '') return { username, password };
  throw new WrongUse({
    what: 'There is no user name or no password on standard input.',
    expected: given === undefined ? 'two lines: the user name and the password' : 'one line: the password',
    next: 'run it at a terminal to be asked, or pipe the password in.',
  });
}

async function emailFromPerson(): Promise<string> {
  if (isInteractive()) return ask('e-mail: ');
  throw new WrongUse({ what: 'It is not known who signs in.', next: 'give --email ADDRESS.' });
}

function otherKind(what: string, option: string): WrongUse {
  return new WrongUse({ what: `${what}.`, next: `sign in with ${option}.` });
}

function noPlace(server: string): WrongUse {
  return new WrongUse({
    what: `It is not known where the users of ${server} sign in.`,
    next: 'give --auth-domain, --auth-client-id and --auth-audience, or --local EMAIL at a development server.',
  });
}
