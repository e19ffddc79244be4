import type { Command } from 'commander';
import { readDevStack } from '../../devstack/stack-record';
import { openProfiles, signIn } from '../../registry';
import { define } from '../command';
import { ask, askHidden, isInteractive, linesOfInput } from '../prompts';
import type { Cli } from '../session';
import { WrongUse } from '../wrong-use';

interface LoginOptions {
  readonly username?: string;
  readonly server?: string;
}

export function addAccountCommands(program: Command): void {
  define(
    program
      .command('login')
      .description('Sign in to a MedPerf server and keep the sign-in as a profile')
      .option('-u, --username <name>', 'user name; asked for when left out')
      .option('--server <url>', "address of the server; else the profile's, else the dev stack's"),
    ['login', 'login --profile committee --username testbenchmarkowner', 'login -u ada < password.txt'],
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
  const { username, password } = await credentials(options.username);
  const { token, user } = await signIn(server, username, password);
  await openProfiles(cli.places.config).save({ name: cli.profile, server, username: user.username, token });
  cli.output.result(
    { profile: cli.profile, server, username: user.username },
    () => `Signed in to ${server} as ${user.username} (profile ${cli.profile}).`,
  );
}

async function logout(cli: Cli): Promise<void> {
  await openProfiles(cli.places.config).forget(cli.profile);
  cli.output.result({ profile: cli.profile }, () => `Signed out (profile ${cli.profile}).`);
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
