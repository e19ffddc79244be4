import type { Command } from 'commander';
import { openProfiles, signOut } from '../../registry';
import { define } from '../command';
import { addServerOptions } from '../server-options';
import type { Cli } from '../session';
import { signInWith } from '../sign-in-choice';
import type { LoginOptions } from '../sign-in-choice';

export function addAccountCommands(program: Command): void {
  define(
    addServerOptions(
      program
        .command('login')
        .description('Sign in to a MedPerf server and keep the sign-in as a profile')
        .option('-u, --username <name>', 'user name, where the server takes passwords; asked for when left out')
        .option('-e, --email <address>', 'e-mail, where users sign in with a browser; asked for when left out')
        .option('--local <email>', 'sign in to a development server as one of the users in its tokens.json')
        .option('--tokens <file>', "tokens.json for --local; else the dev stack's"),
      "the profile's, else the dev stack's",
    ),
    [
      'login',
      'login --server https://api.medperf.org --email ada@example.org',
      'login --profile committee --username testbenchmarkowner',
      'login -u ada < password.txt',
      'login --local testmo@example.com',
      'login --server https://medperf.example.org --ca authority.pem',
    ],
    login,
  );
  define(
    program.command('logout').description('Forget the sign-in of a profile, and end it where it was made'),
    ['logout', 'logout --profile committee'],
    logout,
  );
}

async function login(cli: Cli, options: LoginOptions): Promise<void> {
  const { profile, user } = await signInWith(cli, options);
  await openProfiles(cli.places.config).save(profile);
  const { name, server, username, dialect = null } = profile;
  cli.output.result(
    { profile: name, server, username, email: user.email, dialect },
    () => `Signed in to ${server} as ${username} (profile ${name}).`,
  );
}

async function logout(cli: Cli): Promise<void> {
  const notTold = await signOut(openProfiles(cli.places.config), cli.profile);
  if (notTold !== null) cli.output.note(`Its tokens could not be given back and end by themselves. ${notTold.message}`);
  cli.output.result({ profile: cli.profile }, () => `Signed out (profile ${cli.profile}).`);
}
