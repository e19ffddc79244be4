import { createHash } from 'node:crypto';

/**
 * MedPerf's hash of folders: SHA-256 over the sorted SHA-256 of every file, names and layout left out
 * (reference: medperf.md, part 4).
 * @param fileHashes bare hex SHA-256 of every file, in any order, duplicates kept.
 */
export function foldersHash(fileHashes: readonly string[]): string {
  return createHash('sha256')
    .update([...fileHashes].sort().join(''), 'ascii')
    .digest('hex');
}
