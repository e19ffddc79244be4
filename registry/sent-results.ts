import { z } from 'zod';
import type { JsonValue } from '../contract';
import type { DialectForm } from './dialect-forms';
import { later } from './records';
import type { AssociationRecord } from './registry';

/** A row of the associations' history with what its request brought, in the server's own form. */
type SentRow = AssociationRecord & { readonly metadata?: unknown };

const METADATA = z.looseObject({ test_result: z.json() });

export function sentRow({ association }: DialectForm): z.ZodType<SentRow> {
  return z.intersection(association, z.object({ metadata: z.unknown() }));
}

/** The results of the pair's newest request; no other row is kept. */
export async function newestResults(
  rows: AsyncIterable<SentRow>,
  pair: { readonly modelUid: number; readonly benchmark: number },
): Promise<JsonValue> {
  let newest: SentRow | null = null;
  for await (const row of rows) {
    if (row.modelUid !== pair.modelUid || row.benchmark !== pair.benchmark) continue;
    newest = newest === null ? row : later(newest, row);
  }
  return METADATA.safeParse(newest?.metadata).data?.test_result ?? null;
}
