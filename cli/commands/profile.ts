import type { Command } from 'commander';
import { stringify } from 'yaml';
import { openProfiles, serverAddress, signOut } from '../../registry';
import type { Profile } from '../../registry';
import { define } from '../command';
import { addServerOptions, authorityFor, signInPlaceFor } from '../server-options';
import type { ServerOptions } from '../server-options';
import type { Cli } from '../session';
import { table } from '../tables';
import { WrongUse } from '../wrong-use';

export function addProfileCommands(program: Command): void {
  const profile = program.command('profile').description('Servers and users, each under a name of your own');
  define(profile.command('ls').description('List the profiles; * is the active one'), ['profile ls'], list);
  define(
    profile
      .command('view')
      .description('Show a profile, without its secrets')
      .argument('[name]', 'else the active one'),
    ['profile view', 'profile view committee'],
    view,
  );
  define(
    profile
      .command('activate')
      .description('Make a profile the one that commands use without --profile')
      .argument('<name>'),
    ['profile activate committee'],
    activate,
  );
  define(
    addServerOptions(
      profile.command('create').description('Make a profile to sign in with later').argument('<name>'),
      'it has to be given',
    ),
    ['profile create site --server https://medperf.example.org --ca authority.pem'],
    create,
  );
  define(
    addServerOptions(profile.command('set').description('Change what a profile says of its server'), "the profile's"),
    ['profile set --profile site --dialect e25', 'profile set --credentials keyring'],
    change,
  );
  define(
    profile.command('delete').description('Sign a profile out and remove it').argument('<name>'),
    ['profile delete committee'],
    remove,
  );
}

async function list(cli: Cli): Promise<void> {
  const profiles = await openProfiles(cli.places.config).list();
  const active = await openProfiles(cli.places.config).active();
  cli.output.result(
    profiles.map((profile) => ({ ...shown(profile), active: profile.name === active })),
    () =>
      table(
        ['', 'Name', 'Server', 'User', 'Dialect'],
        profiles.map(({ name, server, username, dialect }) => [
          name === active ? '*' : '',
          name,
          server,
          username,
          dialect?.toLowerCase(),
        ]),
      ),
  );
}

async function view(cli: Cli, _options: unknown, [name = cli.profile]: readonly string[]): Promise<void> {
  const profiles = openProfiles(cli.places.config);
  const profile = shown(await profileNamed(cli, name));
  const signedIn = await profiles.get(name).then(
    () => true,
    () => false,
  );
  const all = { ...profile, signedIn };
  cli.output.result(all, () => stringify(all, { sortMapEntries: true }).trimEnd());
}

async function activate(cli: Cli, _options: unknown, [name = '']: readonly string[]): Promise<void> {
  await openProfiles(cli.places.config).activate(name);
  cli.output.result({ profile: name }, () => `Commands without --profile use ${name} now.`);
}

async function create(cli: Cli, options: ServerOptions, [name = '']: readonly string[]): Promise<void> {
  const profiles = openProfiles(cli.places.config);
  if ((await profiles.list()).some((profile) => profile.name === name)) {
    throw new WrongUse({
      what: `There is a profile "${name}" already.`,
      next: `change it: temporal-medperf profile set --profile ${name}`,
    });
  }
  if (options.server === undefined) {
    throw new WrongUse({ what: 'A profile needs a server.', next: 'give --server URL.' });
  }
  await profiles.define(await changed({ name, server: serverAddress(options.server), username: '' }, options));
  cli.output.result({ profile: name }, () => `Made. Sign in: temporal-medperf login --profile ${name}`);
}

async function change(cli: Cli, options: ServerOptions): Promise<void> {
  const profile = await changed(await profileNamed(cli, cli.profile), options);
  await openProfiles(cli.places.config).define(profile);
  cli.output.result(shown(profile), () => stringify(shown(profile), { sortMapEntries: true }).trimEnd());
}

async function remove(cli: Cli, _options: unknown, [name = '']: readonly string[]): Promise<void> {
  const profiles = openProfiles(cli.places.config);
  await profileNamed(cli, name);
  const notTold = await signOut(profiles, name);
  await profiles.remove(name);
  if (notTold !== null) cli.output.note(`Its tokens could not be given back and end by themselves. ${notTold.message}`);
  cli.output.result({ profile: name }, () => `Removed the profile ${name}.`);
}

/** The profile as the options change it; what is known of one server says nothing of another. */
async function changed(former: Profile, options: ServerOptions): Promise<Profile> {
  const server = options.server === undefined ? former.server : serverAddress(options.server);
  const { name, username, credentialStore } = former;
  const known = server === former.server ? former : undefined;
  const dialect = options.dialect ?? known?.dialect;
  const signInPlace = signInPlaceFor(server, options, known);
  const store = options.credentials ?? credentialStore;
  return {
    name,
    server,
    username: known === undefined ? '' : username,
    ...(await authorityFor(options.ca, known)),
    ...(dialect !== undefined && { dialect }),
    ...(known?.signInBy !== undefined && { signInBy: known.signInBy }),
    ...(signInPlace !== null && { signInPlace }),
    ...(store !== undefined && { credentialStore: store }),
  };
}

async function profileNamed(cli: Cli, name: string): Promise<Profile> {
  const profile = (await openProfiles(cli.places.config).list()).find((one) => one.name === name);
  if (profile !== undefined) return profile;
  throw new WrongUse({
    what: `There is no profile "${name}".`,
    next: 'see which there are: temporal-medperf profile ls',
  });
}

/** Without the certificate's text, and with what counts where nothing was said. */
function shown({ ca, ...profile }: Profile): object {
  return { credentialStore: 'file', ...profile, ...(ca !== undefined && { ca: 'an authority of its own' }) };
}
