import { z } from 'zod';
import type { Digest, HostedRef } from '../contract';
import { HINTS } from '../store/store';
import type { Store } from '../store/store';
import { HostedFilesSchema } from './hosted-files-schema';

const text = z.string();
const HostedSchema = z.object({
  kind: z.literal('hosted'),
  name: text,
  uid: z.int().exactOptional(),
  files: HostedFilesSchema,
}) satisfies z.ZodType<HostedRef>;
const offline = z.boolean();
const SourceSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('cube'), cube: HostedSchema, offline }),
  z.object({ kind: z.literal('demo-data'), url: text, hash: text, offline }),
]);

/** From where a content of the store was fetched, and whether the last one who asked for it forbade fetching. */
export type ContentSource = z.infer<typeof SourceSchema>;

/** Keeps from where trees and archives were fetched, so that whoever misses one can have it fetched again. */
export async function rememberSource(store: Store, contents: readonly Digest[], source: ContentSource): Promise<void> {
  await Promise.all(contents.map((digest) => store.writeRecord(recordName(digest), source)));
}

export async function knownSource(store: Store, content: Digest): Promise<ContentSource | null> {
  return SourceSchema.safeParse(await store.readRecord(recordName(content))).data ?? null;
}

function recordName(content: Digest): string {
  return `${HINTS}sources/${content}`;
}
