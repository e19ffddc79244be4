import { Readable } from 'node:stream';
import { Header } from 'tar';
import type { ImageArchive } from '../hosting/docker-archive';

/** One member of a `docker save` archive, made by hand. */
export interface Member {
  readonly path: string;
  readonly content?: Buffer;
  readonly linkTo?: string;
}

function tarMember({ path, content = Buffer.alloc(0), linkTo }: Member): Buffer[] {
  const block = Buffer.alloc(512);
  new Header({
    path,
    size: content.length,
    type: linkTo === undefined ? 'File' : 'SymbolicLink',
    mode: 0o644,
    mtime: new Date(0),
    ...(linkTo === undefined ? {} : { linkpath: linkTo }),
  }).encode(block);
  return [block, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

/** An archive of these members, as often as it is opened. */
export function archiveOf(members: readonly Member[]): ImageArchive {
  const bytes = [...members.flatMap(tarMember), Buffer.alloc(1024)];
  return { open: () => Promise.resolve(Readable.from(bytes, { objectMode: false })) };
}
