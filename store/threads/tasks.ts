/** What a thread of `file-threads.ts` can be asked for. Answers are data: a thread's errors lose their types on the way. */
export { hashFiles } from './hash-files';
export { ingestFiles, ingestPieces } from './ingest-files';
export { arePresent, placeFiles, renameBlobs } from './place-files';
export { beginWith, readFiles } from './read-files';
export { removeUnused } from './remove-files';
export { scanFolders } from './scan-folders';
