import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { lockDirectory } from '../directory-lock';

export type Row = Readonly<Record<string, unknown>>;

/** Runs one statement with `$1`-style values. */
export interface Sql {
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

export interface Database extends Sql {
  /** Commits what `work` did, or undoes it when it throws. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A directory of one's own, a PostgreSQL server, or memory when neither is given. */
export type DatabasePlace = { readonly directory?: string } | { readonly url: string };

/** @throws Error when another process owns the directory. */
export async function openDatabase(place: DatabasePlace): Promise<Database> {
  return 'url' in place ? openPostgres(place.url) : openEmbedded(place.directory);
}

async function openEmbedded(directory: string | undefined): Promise<Database> {
  if (directory === undefined) return embedded(await PGlite.create(), () => Promise.resolve());
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = await lockDirectory(directory, "The registry's data directory");
  try {
    return embedded(await PGlite.create(join(directory, 'postgres')), unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

function embedded(pglite: PGlite, unlock: () => Promise<void>): Database {
  return {
    query: async (text, values = []) => (await pglite.query<Row>(text, [...values])).rows,
    transaction: (work) =>
      pglite.transaction((transaction) =>
        work({ query: async (text, values = []) => (await transaction.query<Row>(text, [...values])).rows }),
      ),
    close: async () => {
      await pglite.close();
      await unlock();
    },
  };
}

function openPostgres(url: string): Database {
  const pool = new Pool({ connectionString: url });
  // Without a listener, an idle connection that the server drops ends the process.
  pool.on('error', () => undefined);
  return {
    query: async (text, values = []) => (await pool.query<Row>(text, [...values])).rows,
    transaction: (work) => inTransaction(pool, work),
    close: () => pool.end(),
  };
}

async function inTransaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await work({
      query: async (text, values = []) => (await client.query<Row>(text, [...values])).rows,
    });
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The constraint that a statement violated by repeating a value, or null for any other error. */
export function repeatedIn(error: unknown): string | null {
  return constraintOf(error, '23505');
}

/** The constraint that kept a row from being deleted because others refer to it, or null. */
export function referredIn(error: unknown): string | null {
  return constraintOf(error, '23503');
}

function constraintOf(error: unknown, code: string): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error) || error.code !== code) return null;
  return 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : '';
}
