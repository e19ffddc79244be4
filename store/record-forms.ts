import { z } from 'zod';
import { isDigest } from '../contract';
import type { ActionResult, Digest } from '../contract';
import { quoted, refused } from './failures';

/** What {@link encodedName} makes with `.json` behind it; not the drafts beside it. */
const RECORD_FILE = /^(?:[\w.!~*'()-]|%[0-9A-F]{2})+\.json$/;

const digest = z.custom<Digest>(isDigest);
const actionResult = z.object({
  key: digest,
  exitCode: z.int(),
  outputs: z.record(z.string(), digest),
  log: z.object({ digest, size: z.int().nonnegative() }),
  startedAt: z.string(),
  finishedAt: z.string(),
  host: z.string(),
  resources: z.object({
    wallSeconds: z.number(),
    cpuSeconds: z.number(),
    peakMemoryBytes: z.number(),
    readBytes: z.number(),
    writtenBytes: z.number(),
    gpuSeconds: z.number(),
  }),
  outputBound: z.enum(['filesystem', 'watched']),
}) satisfies z.ZodType<ActionResult>;

/** Null for what is no result of that action. */
export function asActionResult(value: unknown, key: Digest): ActionResult | null {
  const parsed = actionResult.safeParse(value);
  return parsed.success && parsed.data.key === key ? parsed.data : null;
}

/** A record's name as one part of a path: it holds no separator, so no name can lead elsewhere. */
export function encodedName(name: string): string {
  const encoded = /\p{Surrogate}/u.test(name) ? '' : encodeURIComponent(name);
  // With `.json` and a temporary suffix it must stay below the 255 bytes of a file name.
  if (encoded === '' || encoded.length > 200)
    throw refused(
      `The record name ${quoted(name)} cannot be used.`,
      `${encoded.length} characters when encoded`,
      'Use a shorter plain name.',
      '1 to 200 characters',
    );
  return encoded;
}

/** The record that a file is of, or null for other files. */
export function decodedName(file: string): string | null {
  return RECORD_FILE.test(file) ? decodeURIComponent(file.slice(0, -'.json'.length)) : null;
}
