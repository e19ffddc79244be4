import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Sql } from './database';
import { invalidObject } from './refusals';
import type { Account } from './resource';
import { readTexts } from './validation';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const KEY_BYTES = 32;

export interface NewAccount {
  readonly username: string;
  readonly email: string;
  /** Absent: nobody signs in by it. */
  readonly password?: string;
  readonly superuser: boolean;
}

/** An account as the table has it. */
export interface StoredAccount extends Account {
  readonly active: boolean;
}

/** Characters of what one signs in with. */
const CREDENTIALS = { username: 150, password: 128 };

/** Makes the user, or gives the one of that name the password and the rights. */
export async function createAccount(sql: Sql, account: NewAccount): Promise<number> {
  const { username, email, superuser, password } = account;
  const hash = password === undefined ? '' : await hashPassword(password);
  const changed = await sql.query('update users set superuser = $2, password = $3 where username = $1 returning id', [
    username,
    superuser,
    hash,
  ]);
  const inserted = 'insert into users (username, email, superuser, password) values ($1, $2, $3, $4) returning id';
  const [row] = changed.length > 0 ? changed : await sql.query(inserted, [username, email, superuser, hash]);
  return Number(row?.id);
}

/** The user's one token, made at the first sign-in. */
export async function signIn(sql: Sql, body: unknown): Promise<string> {
  const { username = '', password = '' } = readTexts(body, CREDENTIALS);
  const [user] = await sql.query('select id, password from users where username = $1', [username]);
  const right = await passwordMatches(password, user === undefined ? '' : String(user.password));
  if (user === undefined || !right) throw invalidObject('Unable to log in with provided credentials.');
  const [row] = await sql.query('update users set token = coalesce(token, $2) where id = $1 returning token', [
    user.id,
    randomBytes(20).toString('hex'),
  ]);
  return String(row?.token);
}

/** Sets the password and ends what the user's token opened. */
export async function changePassword(sql: Sql, id: number, password: string): Promise<void> {
  await sql.query('update users set password = $2, token = null where id = $1', [id, await hashPassword(password)]);
}

/** The account that a password's token was given to. */
export function accountByToken(sql: Sql, token: string): Promise<StoredAccount | null> {
  return readAccount(sql, 'token', token);
}

export function accountByName(sql: Sql, username: string): Promise<StoredAccount | null> {
  return readAccount(sql, 'username', username);
}

/** Adds a user who signs in elsewhere and has no password here; of two additions at once there is one account. */
export async function addAccount(
  sql: Sql,
  { username, email }: { readonly username: string; readonly email: string },
): Promise<StoredAccount | null> {
  await sql.query(
    "insert into users (username, email, password) values ($1, $2, '') on conflict (username) do nothing",
    [username, email],
  );
  return accountByName(sql, username);
}

async function readAccount(sql: Sql, column: 'token' | 'username', value: string): Promise<StoredAccount | null> {
  const [row] = await sql.query(`select id, superuser, active from users where ${column} = $1`, [value]);
  return row === undefined
    ? null
    : { id: Number(row.id), superuser: row.superuser === true, active: row.active === true };
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('hex')}:${(await derive(password, salt, KEY_BYTES)).toString('hex')}`;
}

/** Takes as long for an unknown user (an empty hash) as for a known one. */
async function passwordMatches(password: string, stored: string): Promise<boolean> {
  const [salt = '', hash = ''] = stored.split(':');
  const derived = await derive(password, Buffer.from(salt, 'hex'), KEY_BYTES);
  const expected = Buffer.from(hash, 'hex');
  return expected.length === KEY_BYTES && timingSafeEqual(derived, expected);
}
