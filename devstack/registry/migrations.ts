import { MedperfError } from '../../contract';
import type { Database, Row, Sql } from './database';

/** The SQL that makes and changes a dialect's tables: applied in order, each once; only ever add to the end. */
export interface Migrations {
  readonly dialect: string;
  readonly steps: readonly string[];
}

/** Any number that no other advisory lock uses as a single key. */
const MIGRATION_LOCK = 1_296_385_616;

/**
 * Brings the tables up to date; safe for several servers that start at once on one PostgreSQL.
 * @throws MedperfError `InvalidRequest` when the database holds another dialect.
 */
export async function migrate(database: Database, { dialect, steps }: Migrations): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.query('select pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
    await sql.query('create table if not exists migrations (number integer primary key)');
    await sql.query('create table if not exists dialect (name text not null)');
    const [row] = await sql.query('select coalesce(max(number), 0) as done from migrations');
    const done = Number(row?.done);
    await claimDialect(sql, dialect, done);
    for (const [index, text] of steps.entries()) {
      if (index < done) continue;
      for (const statement of text.split(';').filter((part) => part.trim() !== '')) await sql.query(statement);
      await sql.query('insert into migrations (number) values ($1)', [index + 1]);
    }
  });
}

async function claimDialect(sql: Sql, dialect: string, done: number): Promise<void> {
  const [known]: readonly Row[] = await sql.query('select name from dialect');
  if (known?.name === dialect) return;
  if (known !== undefined || done > 0) {
    throw new MedperfError('InvalidRequest', {
      what: "The registry's database belongs to another dialect of MedPerf's server.",
      expected: dialect,
      found: known === undefined ? 'one from before there were dialects' : String(known.name),
      next: 'Start the registry with the dialect of its database, or give it another database.',
    });
  }
  await sql.query('insert into dialect (name) values ($1)', [dialect]);
}
