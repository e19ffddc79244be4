import { setTimeout as delay } from 'node:timers/promises';
import { ImageRegistryFailure, unreachable, unusable, wrongContent } from './image-registry-failures';
import type { ArchivedBlob } from './docker-archive';
import type { RegistryAnswer, RegistryRequest } from './registry-exchange';
import type { RegistryTransport } from './registry-transport';

/** Sent with one request; what a broken connection costs at most. */
export const PIECE_BYTES = 8 * 1024 * 1024;
/** A registry that wants larger pieces gets them up to here; they are held in memory. */
const LARGEST_PIECE_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 250;
const ANSWER_BYTES = 64 * 1024;

export interface Repository {
  readonly transport: RegistryTransport;
  readonly host: string;
  readonly repository: string;
}

export interface BlobUploadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Address of an upload of this blob that was not finished. */
  readonly resume?: string | undefined;
  /** Told the address under which the registry keeps the upload, after every piece. */
  readonly onLocation: (location: string) => void;
  readonly onSent: (bytes: number) => void;
  readonly pieceBytes?: number;
  readonly pause?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** Where the next byte goes. */
interface Place {
  readonly location: string;
  readonly offset: number;
}

/** Whether the registry has the blob already. */
export async function hasBlob(to: Repository, { digest }: ArchivedBlob, signal?: AbortSignal): Promise<boolean> {
  const answer = await ask(to, { method: 'HEAD', address: `/v2/${to.repository}/blobs/${digest}`, signal });
  if (answer.status === 200) return true;
  if (answer.status === 404) return false;
  throw unexpected(to, 'looking for a layer', answer);
}

/** Deletes an unfinished upload; a registry that does not know it any more has nothing to delete. */
export async function deleteUpload(to: Repository, location: string, signal?: AbortSignal): Promise<void> {
  await ask(to, { method: 'DELETE', address: location, signal });
}

/**
 * Uploads one blob in pieces. An interrupted upload goes on at the offset that the registry tells; a registry that does
 * not know it any more gets the blob anew. `content` gives the blob from its beginning.
 */
export class BlobUpload {
  private pieceBytes: number;
  private readonly pause: NonNullable<BlobUploadOptions['pause']>;

  constructor(
    private readonly to: Repository,
    private readonly blob: ArchivedBlob,
    private readonly options: BlobUploadOptions,
  ) {
    this.pieceBytes = options.pieceBytes ?? PIECE_BYTES;
    this.pause = options.pause ?? sleep;
  }

  async send(content: AsyncIterable<Uint8Array>): Promise<void> {
    let place = await this.begin();
    let read = 0;
    for await (const piece of inPieces(content, this.pieceBytes)) {
      const end = read + piece.length;
      if (end > place.offset) place = await this.sendPiece(place, piece, read);
      read = end;
    }
    await this.finish(place);
  }

  private async begin(): Promise<Place> {
    const { resume, onLocation } = this.options;
    const known = resume === undefined ? null : await this.status(resume);
    if (known !== null && known.offset <= this.blob.size) return known;
    const address = `/v2/${this.to.repository}/blobs/uploads/`;
    const answer = await this.ask({ method: 'POST', address });
    if (answer.status !== 202) throw unexpected(this.to, 'beginning an upload', answer);
    const location = this.locationOf(answer);
    const least = Number(answer.header('oci-chunk-min-length') ?? 0);
    if (least > this.pieceBytes && least <= LARGEST_PIECE_BYTES) this.pieceBytes = least;
    onLocation(location);
    return { location, offset: 0 };
  }

  /** Sends what of the piece the registry lacks; `start` is the piece's offset in the blob. */
  private async sendPiece(from: Place, piece: Uint8Array, start: number): Promise<Place> {
    let place = from;
    const end = start + piece.length;
    for (let attempt = 1; place.offset < end; attempt += 1) {
      if (place.offset < start) throw lostUpload(this.to, 'fewer bytes than were sent');
      try {
        place = await this.patch(place, piece.subarray(place.offset - start));
      } catch (error) {
        if (!isPassing(error) || attempt === ATTEMPTS) throw error;
        await this.pause(FIRST_PAUSE_MS * 2 ** (attempt - 1), this.options.signal);
        const known = await this.status(place.location).catch((asking: unknown) => {
          if (!isPassing(asking)) throw asking;
          return place;
        });
        if (known === null) throw lostUpload(this.to, 'an upload that it does not know any more');
        place = known;
      }
    }
    return place;
  }

  private async patch({ location, offset }: Place, bytes: Uint8Array): Promise<Place> {
    const end = offset + bytes.length;
    const headers = {
      'content-type': 'application/octet-stream',
      'content-range': `${offset}-${end - 1}`,
    };
    const answer = await this.ask({ method: 'PATCH', address: location, headers, body: bytes });
    if (answer.status !== 202 && answer.status !== 204 && answer.status !== 201) {
      throw lostUpload(this.to, `status ${answer.status} for a piece of it`);
    }
    const next = { location: this.locationOf(answer, location), offset: end };
    this.options.onLocation(next.location);
    this.options.onSent(bytes.length);
    return next;
  }

  /** What the registry has of an upload; null when it does not know it. */
  private async status(location: string): Promise<Place | null> {
    const answer = await this.ask({ method: 'GET', address: location });
    if (answer.status !== 204 && answer.status !== 202 && answer.status !== 200) return null;
    const last = /^(?:bytes=)?0-(\d+)$/.exec(answer.header('range') ?? '')?.[1];
    // Nothing and one byte are written alike; nothing is what can be.
    const offset = last === undefined || last === '0' ? 0 : Number(last) + 1;
    return { location: this.locationOf(answer, location), offset };
  }

  private async finish({ location }: Place): Promise<void> {
    const url = this.to.transport.resolve(location);
    url.searchParams.set('digest', this.blob.digest);
    const answer = await this.ask({ method: 'PUT', address: url.href });
    const told = answer.header('docker-content-digest');
    if (answer.status !== 201) throw lostUpload(this.to, `status ${answer.status} at the end of it`);
    if (told !== null && told !== this.blob.digest) {
      throw wrongContent(
        `The image registry ${this.to.host} keeps other bytes than were sent.`,
        this.blob.digest,
        told,
      );
    }
  }

  private ask(request: Omit<RegistryRequest, 'repository' | 'right' | 'signal'>): Promise<RegistryAnswer> {
    return ask(this.to, { ...request, signal: this.options.signal });
  }

  private locationOf(answer: RegistryAnswer, otherwise?: string): string {
    const location = answer.header('location') ?? otherwise;
    if (location === undefined) throw unexpected(this.to, 'beginning an upload', answer);
    return this.to.transport.resolve(location, answer.url).href;
  }
}

/** The registry has lost an upload, or found its bytes wrong: it is begun anew. */
export class LostUpload extends ImageRegistryFailure {}

function lostUpload({ host }: Repository, found: string): LostUpload {
  const { problem, facts } = unreachable(host, found);
  return new LostUpload(problem, { ...facts, what: `The image registry ${host} lost an upload.` });
}

function ask(
  { transport, repository }: Repository,
  request: Omit<RegistryRequest, 'repository' | 'right'>,
): Promise<RegistryAnswer> {
  return transport.send({ ...request, repository, right: 'pull,push' }, ANSWER_BYTES);
}

export function unexpected(
  { host }: Repository,
  doing: string,
  { status, body }: RegistryAnswer,
): ImageRegistryFailure {
  const words = body
    .toString('utf8')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 300);
  return unusable(
    `The image registry ${host} refused ${doing}.`,
    `status ${status}${words === '' ? '' : `: ${words}`}`,
    "Check the registry's address and name space, and that it takes uploads.",
  );
}

function isPassing(error: unknown): boolean {
  return error instanceof ImageRegistryFailure && ['unreachable', 'rate-limited'].includes(error.problem);
}

/** The same bytes in pieces of one size; the last one may be shorter. */
export async function* inPieces(content: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    let rest = chunk;
    while (bytes + rest.length >= size) {
      yield Buffer.concat([...held, rest.subarray(0, size - bytes)]);
      rest = rest.subarray(size - bytes);
      [held, bytes] = [[], 0];
    }
    if (rest.length > 0) held.push(rest);
    bytes += rest.length;
  }
  if (bytes > 0) yield Buffer.concat(held);
}

async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, signal && { signal });
}
