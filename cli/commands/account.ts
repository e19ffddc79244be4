import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { readDevStack } from '../../devstack/stack-record';
import { openProfiles, requireAuthority, serverAddress, signIn } from '../../registry';
import { define } from '../command';
import { ask, askHidden, isInteractive, linesOfInput } from '../prompts';
import type { Cli } from '../session';
import { WrongUse } from '../wrong-use';

interface LoginOptions {
  readonly username?: string;
  readonly server?: string;
  readonly ca?: string;
}

export function addAccountCommands(program: Command): void {
  define(
    program
      .command('login')
      .description('Sign in to a MedPerf server and keep the sign-in as a profile')
      .option('-u, --username <name>', 'user name; asked for when left out')
      .option('--server <url>', "address of the server; else the profile's, else the dev stack's")
      .option('--ca <file>', "certificate (PEM) of the authority that issued the server's; kept with the profile"),
    [
      'login',
      'login --profile committee --username testbenchmarkowner',
      'login -u ada < password.txt',
      'login --server https://medperf.example.org --ca authority.pem',
    ],
    login,
  );
  define(
    program.command('logout').description('Forget the sign-in of a profile'),
    ['logout', 'logout --profile committee'],
    logout,
  );
}

async function login(cli: Cli, options: LoginOptions): Promise<void> {
  const server = options.server ?? (await knownServer(cli));
  const authority = await authorityFor(cli, server, options.ca);
  const { username, password } = await credentials(options.username);
  const { token, user } = await signIn(server, username, password, authority);
  await openProfiles(cli.places.config).save({
    name: cli.profile,
    server,
    username: user.username,
    token,
    ...authority,
  });
  cli.output.result(
    { profile: cli.profile, server, username: user.username },
    () => `Signed in to ${server} as ${user.username} (profile ${cli.profile}).`,
  );
}

async function logout(cli: Cli): Promise<void> {
  await openProfiles(cli.places.config).forget(cli.profile);
  cli.output.result({ profile: cli.profile }, () => `Signed out (profile ${cli.profile}).`);
}

/** The one given, else the one that the profile has for the same server. */
async function authorityFor(cli: Cli, server: string, file: string | undefined): Promise<{ readonly ca?: string }> {
  if (file !== undefined) return { ca: requireAuthority(await textOf(file)) };
  const known = (await openProfiles(cli.places.config).list()).find(({ name }) => name === cli.profile);
  return known?.ca !== undefined && known.server === serverAddress(server) ? { ca: known.ca } : {};
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

async function knownServer({ places, profile }: Cli): Promise<string> {
  const profiles = await openProfiles(places.config).list();
  const server =
    profiles.find(({ name }) => name === profile)?.server ?? (await readDevStack(places.state))?.registry.url;
  if (server !== undefined) return server;
  throw new WrongUse({
    what: 'It is not known which server to sign in to.',
    next: 'give --server URL, or start the dev stack first: temporal-medperf dev start',
  });
}

/** Asked for at a terminal; else lines of standard input: the user name unless it is given, then the password. */
async function credentials(given: string | undefined): Promise<{ username: string; password: string }> {
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
