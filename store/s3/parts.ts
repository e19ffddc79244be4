import type { ByteRange } from '../store';

const MIB = 1024 * 1024;
/** Contents up to here go in one request. */
export const WHOLE_BYTES = 16 * MIB;
/** Smaller ones cost requests, larger ones are sent again when a connection breaks. */
export const PART_BYTES = 8 * MIB;
/** Of one upload, by the S3 protocol. */
const MOST_PARTS = 10_000;

/** A part of a content; numbers begin with 1. */
export interface Part extends ByteRange {
  readonly number: number;
}

/** Cuts a content of `size` bytes; the same size always gives the same parts, so that another process goes on with them. */
export function partsOf(size: number): Part[] {
  const bytes = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS / MIB) * MIB);
  return Array.from({ length: Math.ceil(size / bytes) }, (_, at) => ({
    number: at + 1,
    start: at * bytes,
    end: Math.min((at + 1) * bytes, size),
  }));
}
