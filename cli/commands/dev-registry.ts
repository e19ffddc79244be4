import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import {
  DIALECT_NAMES,
  TOKEN_USERS,
  TUTORIAL_PASSWORD,
  exampleTutorial,
  openLocalIssuer,
  seedTutorial,
  startRegistry,
  tokenSettingsFrom,
} from '../../devstack/registry';
import type { DialectName, RegistryOptions, TokenSettings, TokenUser } from '../../devstack/registry';
import { define, wholeNumber } from '../command';
import type { Places } from '../places';
import type { Cli } from '../session';
import { WrongUse } from '../wrong-use';

interface RegistryCommandOptions {
  readonly dialect: string;
  readonly host: string;
  readonly port: number;
  readonly database?: string;
  readonly seed: string;
  readonly admin: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export function addRegistryCommand(dev: Command): void {
  const names = DIALECT_NAMES.map((name) => name.toLowerCase());
  define(
    dev
      .command('registry')
      .description('Run only the stand-in of MedPerf’s server, in the foreground')
      .addOption(new Option('--dialect <name>', 'generation of the server').choices(names).default('e23'))
      .option('--host <address>', 'address to listen on', '127.0.0.1')
      .option('--port <port>', 'port to listen on; 0: a free one', wholeNumber, 8000)
      .option('--database <place>', 'folder or postgres:// URL that keeps its data; without: memory')
      .addOption(new Option('--seed <what>', 'records to begin with').choices(['none', 'tutorial']).default('none'))
      .option('--admin <name>', 'user name of an administrator (repeatable)', collected, [])
      .option('--tls-cert <file>', 'certificate in PEM; with --tls-key it answers https')
      .option('--tls-key <file>', 'its key in PEM'),
    [
      'dev registry --seed tutorial',
      'dev registry --dialect e25 --database ./registry --admin testadmin',
      'dev registry --dialect head --database postgres://localhost/medperf --tls-cert cert.pem --tls-key key.pem',
    ],
    runRegistry,
  );
}

function collected(name: string, before: readonly string[]): string[] {
  return [...before, name];
}

async function runRegistry({ places, output }: Cli, options: RegistryCommandOptions): Promise<void> {
  const dialect = DIALECT_NAMES.find((name) => name.toLowerCase() === options.dialect) ?? 'E23';
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const trusted = listed(process.env['AUTO_APPROVE_BENCHMARKS_FROM']);
  const trustedUsers = trusted.map((email) => ({ username: email.split('@', 1)[0] ?? email, email }));
  const administratorUsers = options.admin.map((username) => ({ username, email: `${username}@example.com` }));
  const { settings, tokensFile } = await tokensOf(dialect, places, [...administratorUsers, ...trustedUsers]);
  const { host, port, admin: administrators, database } = options;
  const tls = await tlsOf(options);
  const registry = await startRegistry({
    dialect,
    database: placeOf(database),
    host,
    port,
    administrators,
    autoApproveBenchmarksFrom: trusted,
    ...(settings && { tokens: settings }),
    ...(tls && { tls }),
  });
  if (options.seed === 'tutorial') await seedTutorial(registry, exampleTutorial(dialect));
  const { url } = registry;
  output.result({ url, dialect, ...(tokensFile !== null && { tokens: tokensFile }) }, () =>
    [
      `The stand-in for MedPerf's server (${dialect}) answers at ${url}.`,
      signInHint(dialect, tokensFile, options),
    ].join('\n'),
  );
  await stopped;
  await registry.close();
}

function signInHint(dialect: DialectName, tokensFile: string | null, { seed, admin }: RegistryCommandOptions): string {
  if (dialect !== 'E23') {
    return tokensFile === null
      ? 'It takes the tokens of the issuer in AUTH_ISSUER.'
      : `Ready tokens by e-mail: ${tokensFile}`;
  }
  return seed === 'none' && admin.length === 0
    ? 'It has no users: start it with --seed tutorial or --admin NAME.'
    : `Password of its first users: ${TUTORIAL_PASSWORD}`;
}

interface Tokens {
  /** Null in E23, where the server makes its own. */
  readonly settings: TokenSettings | null;
  /** Where tokens of an issuer of our own were written. */
  readonly tokensFile: string | null;
}

/** The issuer that the environment names as for MedPerf's own server, or one that lives on this machine. */
async function tokensOf(dialect: DialectName, places: Places, users: readonly TokenUser[]): Promise<Tokens> {
  if (dialect === 'E23') return { settings: null, tokensFile: null };
  const settings = tokenSettingsFrom(process.env);
  if (settings !== null) return { settings, tokensFile: null };
  const directory = join(places.state, 'registry-issuer');
  const issuer = await openLocalIssuer(directory);
  const tokensFile = join(directory, 'tokens.json');
  await issuer.writeTokens(tokensFile, [...TOKEN_USERS, ...users]);
  return { settings: issuer.settings, tokensFile };
}

function placeOf(database: string | undefined): RegistryOptions['database'] {
  if (database === undefined) return {};
  return /^postgres(ql)?:\/\//.test(database) ? { url: database } : { directory: database };
}

async function tlsOf({ tlsCert, tlsKey }: RegistryCommandOptions): Promise<RegistryOptions['tls']> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new WrongUse({ what: 'TLS needs both a certificate and its key.', next: 'give --tls-cert and --tls-key.' });
  }
  const read = async (file: string): Promise<string> => {
    try {
      return await readFile(file, 'utf8');
    } catch {
      throw new WrongUse({ what: `${file} cannot be read.`, next: 'give a PEM file that this user may read.' });
    }
  };
  return { cert: await read(tlsCert), key: await read(tlsKey) };
}

function listed(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((item) => item.trim() || []);
}
