export interface UnpackLimits {
  /** Of the unpacked archive. */
  readonly maxBytes: number;
  /** Files and folders. */
  readonly maxFiles: number;
  /** Unpacked bytes for each byte of the archive; looked at beyond 16 MiB. */
  readonly maxRatio: number;
}

export const DEFAULT_UNPACK_LIMITS: UnpackLimits = { maxBytes: 200 * 1024 ** 3, maxFiles: 1_000_000, maxRatio: 200 };
