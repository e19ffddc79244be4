import { z } from 'zod';
import { isDigest } from '../contract';
import type { Digest, TreeRef } from '../contract';
import { refused } from './failures';

/**
 * A directory as the store keeps it: its members sorted by name, written as canonical JSON; `docs/store.md` defines
 * the form. A folder's entry carries the totals below it, so that one listing tells the size of the whole tree.
 */
export type ListingEntry =
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly digest: Digest;
      readonly size: number;
      readonly executable: boolean;
    }
  | {
      readonly kind: 'directory';
      readonly name: string;
      readonly digest: Digest;
      readonly size: number;
      readonly files: number;
    };

const LISTING_VERSION = 1;
/** How every listing begins; few other files do. */
export const LISTING_BEGINS = '{"entries":[';
/** Room for about a million members. */
export const MAX_LISTING_BYTES = 256 * 1024 * 1024;

const name = z.string().refine(isEntryName);
const digest = z.custom<Digest>(isDigest);
const count = z.int().nonnegative();
const entry = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), name, digest, size: count, executable: z.boolean() }),
  z.strictObject({ kind: z.literal('directory'), name, digest, size: count, files: count }),
]);
const listing = z.strictObject({
  version: z.literal(LISTING_VERSION),
  entries: z.array(entry).refine(isSorted),
});

/** True for what may be a member's name: one path part of at most 255 bytes that every Linux file system can hold. */
export function isEntryName(text: string): boolean {
  if (text === '' || text === '.' || text === '..' || /[/\0\p{Surrogate}]/u.test(text)) return false;
  return Buffer.byteLength(text) <= 255;
}

/** The bytes whose SHA-256 is the tree's digest. */
export function encodeListing(entries: readonly ListingEntry[]): string {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  return `${LISTING_BEGINS}${sorted.map(encodeEntry).join(',')}],"version":${LISTING_VERSION}}`;
}

/** As canonical JSON writes it; spelt out, since a listing may have a million of them. */
function encodeEntry(item: ListingEntry): string {
  const { digest: own, name: named, size } = item;
  return item.kind === 'file'
    ? `{"digest":"${own}","executable":${item.executable},"kind":"file","name":${JSON.stringify(named)},"size":${size}}`
    : `{"digest":"${own}","files":${item.files},"kind":"directory","name":${JSON.stringify(named)},"size":${size}}`;
}

/** Throws `InvalidRequest` when the bytes are not a listing or hold a name that could lead elsewhere. */
export function decodeListing(bytes: Buffer, tree: Digest): readonly ListingEntry[] {
  const parsed = listing.safeParse(parseJson(bytes));
  if (!parsed.success)
    throw refused(`${tree} is not a directory.`, 'another kind of file', 'Give the digest of a directory.');
  return parsed.data.entries;
}

export function totals(entries: readonly ListingEntry[]): Omit<TreeRef, 'digest'> {
  let size = 0;
  let files = 0;
  for (const item of entries) {
    size += item.size;
    files += item.kind === 'file' ? 1 : item.files;
  }
  return { size, files };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return null;
  }
}

function isSorted(entries: readonly { readonly name: string }[]): boolean {
  return entries.every(({ name: own }, index) => index === 0 || (entries[index - 1]?.name ?? '') < own);
}
