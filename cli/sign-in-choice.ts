import { readDevStack } from '../devstack/stack-record';
import { findSignIn, openProfiles, serverAddress, signInAtIssuer, signInByPassword, signInLocally } from '../registry';
import type { ServerPlace, SignInPlace, SignedIn, SignedInProfile } from '../registry';
import { ask, askHidden, isInteractive, linesOfInput } from './prompts';
import { authorityFor, signInPlaceFor } from './server-options';
import type { ServerOptions } from './server-options';
import type { Cli } from './session';
import { WrongUse } from './wrong-use';

/** As commander names them; which ones are given decides how one signs in, else the server does. */
export interface LoginOptions extends ServerOptions {
  readonly username?: string;
  readonly email?: string;
  readonly local?: string;
  readonly tokens?: string;
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
  const dialect = options.dialect ?? known?.dialect ?? found;
  const credentialStore = options.credentials ?? former?.credentialStore;
  return {
    profile: {
      name: cli.profile,
      ...place,
      username: user.username,
      credentials,
      ...(dialect !== null && { dialect }),
      ...(signInPlace !== null && { signInPlace }),
      ...(credentialStore !== undefined && { credentialStore }),
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
