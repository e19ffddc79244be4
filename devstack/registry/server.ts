import { MedperfError } from '../../contract';
import { createApplication } from './application';
import { TUTORIAL_PASSWORD } from './tutorial';
import { createAccount } from './accounts';
import { passwordTokens } from './authentication';
import type { Authentication } from './authentication';
import { openDatabase } from './database';
import type { Database, DatabasePlace } from './database';
import type { Dialect, DialectName } from './dialect';
import { migrate } from './migrations';
import { jsonWebTokens } from './json-web-tokens';
import type { TokenSettings } from './token-settings';
import { DIALECTS } from './dialects';

export interface RegistryOptions {
  readonly dialect: DialectName;
  /** Memory when neither a directory nor a PostgreSQL URL is given. */
  readonly database: DatabasePlace;
  /** Address to listen on; the loopback address unless said otherwise. */
  readonly host?: string;
  /** Absent or 0: a free one. */
  readonly port?: number;
  /** User names of administrators; where users sign in with passwords, they are made with the tutorial's. */
  readonly administrators?: readonly string[];
  /** How tokens are verified; E25 and HEAD need it, and E23 has tokens of its own. */
  readonly tokens?: TokenSettings;
  /** Emails whose benchmarks are approved as soon as they are made (HEAD). */
  readonly autoApproveBenchmarksFrom?: readonly string[];
  /** PEM texts of a certificate and its key; absent: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface RunningRegistry {
  /** `http://127.0.0.1:PORT`, without the API's base path. */
  readonly url: string;
  readonly dialect: DialectName;
  readonly database: Database;
  /** Lets running calls end, then closes the database. */
  close(): Promise<void>;
}

/**
 * Starts a development stand-in for MedPerf's server of one generation. Its permissions, checks and answers follow the real
 * server's; it is not meant for real data.
 * @throws MedperfError when the address cannot be listened at or the database holds another dialect; Error when another
 * process owns the database's directory.
 */
export async function startRegistry(options: RegistryOptions): Promise<RunningRegistry> {
  const { host = '127.0.0.1', port = 0, tls, autoApproveBenchmarksFrom = [] } = options;
  const dialect = DIALECTS[options.dialect];
  const database = await openDatabase(options.database);
  try {
    await migrate(database, dialect.migrations);
    const server = createApplication({
      dialect,
      database,
      authentication: await authenticationOf(dialect, database, options),
      settings: { autoApproveBenchmarksFrom },
      ...(tls && { tls }),
    });
    const url = await server.listen({ host, port }).catch((error: unknown) => {
      throw cannotListen(error, host, port);
    });
    return {
      url,
      dialect: dialect.name,
      database,
      close: async () => {
        await server.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

function cannotListen(cause: unknown, host: string, port: number): MedperfError {
  return new MedperfError(
    'InvalidRequest',
    {
      what: `The registry cannot listen at ${host}:${port}.`,
      found: cause instanceof Error ? cause.message : String(cause),
      next: 'Stop what listens there, or give another address or port.',
    },
    { cause },
  );
}

async function authenticationOf(
  { name, passwords }: Dialect,
  database: Database,
  { tokens, administrators = [] }: RegistryOptions,
): Promise<Authentication> {
  if (passwords === (tokens !== undefined))
    throw new TypeError(`users of ${name} sign in ${passwords ? 'by password' : 'with tokens'}`);
  if (tokens !== undefined) return jsonWebTokens(tokens, { administrators });
  for (const username of administrators) {
    const email = `${username}@example.com`;
    await createAccount(database, { username, email, superuser: true, password: TUTORIAL_PASSWORD });
  }
  return passwordTokens();
}
