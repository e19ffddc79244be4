import { z } from 'zod';
import { isDigest } from '../contract';
import type { Digest } from '../contract';

/** Records of a log in the store while it grows: one that names the container's run and its end, one for each piece. */

const digest = z.custom<Digest>(isDigest);
const bytes = z.int().nonnegative();

export const LogHeadSchema = z.object({
  /** One for each container that ever had the name. */
  generation: z.string(),
  /** The whole log, once there is no more to come. */
  end: z.object({ digest, size: bytes, cut: z.boolean(), gaps: bytes }).nullable(),
});
export type LogHead = z.infer<typeof LogHeadSchema>;

export const LogPieceSchema = z.object({ generation: z.string(), offset: bytes, digest, size: bytes });
export type LogPiece = z.infer<typeof LogPieceSchema>;

export function headRecord(name: string): string {
  return `log/${name}/head`;
}

export function pieceRecord(name: string, number: number): string {
  return `log/${name}/${number}`;
}
