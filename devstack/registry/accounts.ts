import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Sql } from './database';
import { invalidObject, unauthenticated } from './refusals';
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

/** The signed-in caller. */
export interface Account {
  readonly id: number;
  readonly superuser: boolean;
}

/** Characters of what one signs in with. */
const CREDENTIALS = { username: 150, password: 128 };

/** Makes the user, or gives the one of that name the password and the rights. */
export async function createAccount(sql: Sql, account: NewAccount): Promise<number> {
  const { username, email, superuser, password } = account;
  const hash = password === undefined ? '' : await hashPassword(password);
  const changed = await sql.query(
    'update users set superuser = $2, password_hash = $3 where username = $1 returning id',
    [username, superuser, hash],
  );
  const inserted = 'insert into users (username, email, superuser, password_hash) values ($1, $2, $3, $4) returning id';
  const [row] = changed.length > 0 ? changed : await sql.query(inserted, [username, email, superuser, hash]);
  return Number(row?.id);
}

/** The user's one token, made at the first sign-in. */
export async function signIn(sql: Sql, body: unknown): Promise<string> {
  const { username = '', password = '' } = readTexts(body, CREDENTIALS);
  const [user] = await sql.query('select id, password_hash from users where username = $1', [username]);
  const right = await passwordMatches(password, user === undefined ? '' : String(user.password_hash));
  if (user === undefined || !right) throw invalidObject('Unable to log in with provided credentials.');
  const [row] = await sql.query('update users set token = coalesce(token, $2) where id = $1 returning token', [
    user.id,
    randomBytes(20).toString('hex'),
  ]);
  return String(row?.token);
}

/** @throws Refusal 401, as Django REST framework's token authentication words it. */
export async function authenticate(sql: Sql, authorization: string | undefined): Promise<Account> {
  const [scheme, ...words] = (authorization ?? '').trim().split(/\s+/);
  if (scheme?.toLowerCase() !== 'token') throw unauthenticated();
  if (words.length === 0) throw unauthenticated('Invalid token header. No credentials provided.');
  if (words.length > 1) throw unauthenticated('Invalid token header. Token string should not contain spaces.');
  const [user] = await sql.query('select id, superuser from users where token = $1', [words[0]]);
  if (user === undefined) throw unauthenticated('Invalid token.');
  return { id: Number(user.id), superuser: user.superuser === true };
}

async function hashPassword(password: string): Promise<string> {
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
