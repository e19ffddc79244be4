const MIB = 1024 ** 2;
const BLOCK = 4096;
const INODE = 256;
/** ext4 keeps the first ten and that of `lost+found` for itself; the rest is for the output folders themselves. */
const INODES_NOT_FOR_OUTPUTS = 48;
/** Most that fit into one group of blocks. */
const GROUP = 128 * MIB;
const INODES_OF_GROUP = 32_768;
/** Bitmaps and what rounding up the inode table of a group may take, generously. */
const GROUP_OVERHEAD = 5 * BLOCK;
/** What the kernel withholds from users: a fiftieth, at most 4096 blocks. */
const WITHHELD_SHARE = 1 / 50;
const WITHHELD_MOST = 4096 * BLOCK;
const FIXED_OVERHEAD = 256 * 1024;

export interface OutputLimits {
  readonly outputBytes: number;
  readonly outputFiles: number;
}

/** An ext4 file system in which a run can write all that its limits allow, and little more. */
export interface OutputImage {
  readonly bytes: number;
  readonly inodes: number;
  readonly mkfsOptions: readonly string[];
}

/** `mostBytes`: a file system larger than the disk below it is of no use. */
export function outputImage(limits: OutputLimits, mostBytes: number): OutputImage {
  const inodes = limits.outputFiles + INODES_NOT_FOR_OUTPUTS;
  const content = limits.outputBytes + roundingUp(limits) + limits.outputBytes / 1000 + FIXED_OVERHEAD;
  const groups = Math.ceil(Math.max((content + inodes * INODE) / GROUP, inodes / INODES_OF_GROUP)) + 1;
  const filled = content + inodes * INODE + groups * GROUP_OVERHEAD;
  const needed = filled + Math.min((filled * WITHHELD_SHARE) / (1 - WITHHELD_SHARE), WITHHELD_MOST);
  const bytes = Math.ceil(Math.min(needed, mostBytes) / BLOCK) * BLOCK;
  return { bytes, inodes, mkfsOptions: ['-b', String(BLOCK), '-I', String(INODE), '-N', String(inodes)] };
}

/** Every file and folder takes whole blocks. Counted in full for few files; a million tiny ones get less than they could use. */
function roundingUp({ outputBytes, outputFiles }: OutputLimits): number {
  return Math.min(outputFiles * BLOCK, Math.max(MIB, outputBytes / 10));
}
