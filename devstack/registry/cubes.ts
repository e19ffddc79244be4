import { repeatedIn } from './database';
import type { Row, Sql } from './database';
import { readFields } from './fields';
import type { Values } from './fields';
import { invalidFields, invalidObject, notFound } from './refusals';
import { CUBES, findRow, insertRow, refuseFrozen, updateRow } from './resources';

/** The columns that together must be unique, whoever owns the cubes and whatever their URLs. */
const FILES = [
  'image_tarball_hash',
  'image_hash',
  'additional_files_tarball_hash',
  'mlcube_hash',
  'parameters_hash',
] as const;

export async function createCube(sql: Sql, owner: number, body: unknown): Promise<Row> {
  const values = await readFields(sql, CUBES, body, null);
  await refuseSameFiles(sql, values, 0);
  refuseHalfPairs(values);
  return unique(() => insertRow(sql, CUBES, owner, values));
}

export async function changeCube(sql: Sql, id: number, body: unknown): Promise<Row> {
  const existing = await findRow(sql, CUBES, id, 'for update');
  if (existing === undefined) throw notFound();
  const values = await readFields(sql, CUBES, body, id);
  await refuseSameFiles(sql, { ...existing, ...values }, id);
  refuseFrozen(CUBES, existing, values);
  return unique(() => updateRow(sql, CUBES, existing, values));
}

async function refuseSameFiles(sql: Sql, values: Values, id: number): Promise<void> {
  const conditions = FILES.map((column, index) => `${column} = $${index + 2}`);
  const same = await sql.query(`select id from mlcubes where id <> $1 and ${conditions.join(' and ')}`, [
    id,
    ...FILES.map((column) => values[column]),
  ]);
  if (same.length > 0) throw sameFiles();
}

function sameFiles(): Error {
  return invalidObject(`The fields ${FILES.join(', ')} must make a unique set.`);
}

/** Every URL needs its hash and every hash its URL; the image comes as a tarball or under its own hash, not both. */
function refuseHalfPairs(values: Values): void {
  refuseHalfPair(values.git_parameters_url, values.parameters_hash, 'Parameters', 'Paramters');
  refuseHalfPair(
    values.additional_files_tarball_url,
    values.additional_files_tarball_hash,
    'Additional files',
    'Additional files',
  );
  const tarball = values.image_tarball_hash !== '';
  const image = values.image_hash !== '';
  if (!tarball && !image) throw invalidObject('Image hash or image tarball hash must be provided');
  if (tarball && image) throw invalidObject("Image hash and image tarball hash can't both be provided");
  refuseHalfPair(values.image_tarball_url, values.image_tarball_hash, 'Image tarball', 'Image tarball');
}

function refuseHalfPair(url: unknown, hash: unknown, what: string, whatWithoutUrl: string): void {
  if (url !== '' && hash === '') throw invalidObject(`${what} require a file hash`);
  if (url === '' && hash !== '') throw invalidObject(`${whatWithoutUrl} hash should not be given without a URL`);
}

/** Two at once pass the look-ups above; the table's own constraints then let one through. */
async function unique(write: () => Promise<Row>): Promise<Row> {
  try {
    return await write();
  } catch (error) {
    if (repeatedIn(error) === 'mlcubes_name') throw nameTaken(CUBES.label);
    if (repeatedIn(error) === 'mlcubes_files') throw sameFiles();
    throw error;
  }
}

export function nameTaken(label: string): Error {
  return invalidFields({ name: [`${label} with this name already exists.`] });
}
