import type Docker from 'dockerode';
import { z } from 'zod';
import { MedperfError, isDigest } from '../contract';
import type { BlobRef, Digest } from '../contract';
import type { Store } from '../store/store';
import { daemonWords, engineUnavailable, pullFailure, statusOf } from './daemon-errors';
import type { ImageRequest } from './engine';
import { findArchivedImage, withoutNames } from './image-archive';
import type { ImageRoom } from './image-room';
import { PullProgress } from './pull-progress';
import { findCredentials } from './registry-credentials';

/** Nothing that would lead elsewhere in the address of a request to the daemon, which judges the rest. */
const REFERENCE = /^(?!.*\.\.)[A-Za-z0-9][\w./:@-]{0,510}$/;

const progressLine = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  stream: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).optional(),
});
export type ProgressLine = z.infer<typeof progressLine>;

/** Finds an image on the host, loads it from its archive or pulls it, and checks that it is the promised one. */
export class ImageSource {
  constructor(
    private readonly docker: Docker,
    private readonly store: Store,
    private readonly room: ImageRoom,
  ) {}

  async obtain(request: ImageRequest): Promise<Digest> {
    request.signal.throwIfAborted();
    // Its archive alone says which image it is.
    if (request.archive !== undefined && request.expectedId === null) return this.load(request, request.archive);
    if (!REFERENCE.test(request.reference)) throw badReference(request.reference);
    const before = await this.findLocal(request);
    if (before.wanted !== null) return before.wanted;
    if (request.archive !== undefined) return this.load(request, request.archive);
    if (!request.offline) await this.pull(request);
    else if (before.tagged === null) throw absentOffline(request.reference);
    const after = await this.findLocal(request);
    if (after.wanted !== null) return after.wanted;
    throw after.tagged === null ? notGiven(request.reference) : wrongImage(request, after.tagged);
  }

  /** `wanted` fulfils the request; `tagged` is what the reference names here. */
  private async findLocal(request: ImageRequest): Promise<{ wanted: Digest | null; tagged: Digest | null }> {
    if (request.expectedId !== null) {
      const expected = await this.inspect(request.expectedId);
      if (expected !== null) return { wanted: expected, tagged: expected };
    }
    const tagged = await this.inspect(request.reference);
    return { wanted: request.expectedId === null ? tagged : null, tagged };
  }

  private async inspect(name: string): Promise<Digest | null> {
    try {
      const { Id } = await this.docker.getImage(name).inspect();
      return isDigest(Id) ? Id : null;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      if (statusOf(error) === 400) throw badReference(name);
      throw engineUnavailable(`look for the image ${name}`, error);
    }
  }

  /** Found and kept by its id alone, so that no archive moves a name that other cubes go by. */
  private async load(request: ImageRequest, { digest: archive, size }: BlobRef): Promise<Digest> {
    const { reference, expectedId, signal } = request;
    const looking = `looking into the archive of ${reference}`;
    request.onProgress({ message: looking });
    await this.store.check(archive, { signal, onWait: (reason) => tellWait(request, reason, looking) });
    const image = await findArchivedImage(await this.store.openRead(archive), reference);
    if (image === null) throw notGiven(reference);
    if (expectedId !== null && image.id !== expectedId) throw wrongImage(request, image.id);
    if ((await this.inspect(image.id)) !== null) return image.id;
    const loading = `loading ${reference} from its archive`;
    const room = await this.room.forArchive(size, signal, (reason) => tellWait(request, reason, loading));
    request.onProgress({ message: loading });
    const stream = await this.store.openRead(archive);
    try {
      const answer = await this.docker.loadImage(withoutNames(stream, image), { quiet: true, abortSignal: signal });
      for await (const line of progressLines(answer)) {
        if (line.error !== undefined) throw badArchive(reference, line.error);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw engineUnavailable(`load the image ${reference} from its archive`, error);
    } finally {
      stream.destroy();
      room?.release();
    }
    const loaded = await this.inspect(image.id);
    if (loaded === null) throw notGiven(reference);
    return loaded;
  }

  private async pull(request: ImageRequest): Promise<void> {
    const { reference } = request;
    const progress = new PullProgress(reference);
    const pulling = `pulling ${reference}`;
    const room = await this.room.forPull(reference, request.signal, (reason) => tellWait(request, reason, pulling));
    request.onProgress({ message: pulling });
    try {
      // Not `docker.pull`: that puts the credentials into the address as well, which a daemon may log.
      const answer = await this.docker.createImage((await findCredentials(reference)) ?? {}, {
        ...nameAndTag(reference),
        abortSignal: request.signal,
      });
      for await (const line of progressLines(answer)) {
        if (line.error !== undefined) throw new Error(line.error);
        const news = progress.add(line);
        if (news !== null) request.onProgress(news);
      }
    } catch (error) {
      request.signal.throwIfAborted();
      throw pullFailure(reference, error);
    } finally {
      room?.release();
    }
  }
}

function tellWait(request: ImageRequest, reason: string | null, otherwise: string): void {
  request.onProgress({ message: reason ?? otherwise });
}

/** Without a tag the daemon would pull every tag there is. */
function nameAndTag(reference: string): { fromImage: string; tag: string } {
  const lastPart = reference.lastIndexOf('/') + 1;
  const at = reference.indexOf('@', lastPart);
  const split = at >= 0 ? at : reference.indexOf(':', lastPart);
  return split < 0
    ? { fromImage: reference, tag: 'latest' }
    : { fromImage: reference.slice(0, split), tag: reference.slice(split + 1) };
}

/** The daemon's answer: one JSON object a line, and errors among them after a status of 200. */
async function* progressLines(answer: NodeJS.ReadableStream): AsyncGenerator<ProgressLine> {
  let unfinished = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer) {
    const lines = (unfinished + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield progressLine.parse(JSON.parse(line));
  }
  if (unfinished.trim() !== '') yield progressLine.parse(JSON.parse(unfinished));
}

function absentOffline(reference: string): MedperfError {
  return new MedperfError('InvalidRequest', {
    what: `The image ${reference} is not on this host, and offline nothing is pulled.`,
    expected: 'an image that Docker has already',
    next: 'Run without --offline, or load the image on this host first (docker load or docker pull).',
  });
}

function wrongImage(request: ImageRequest, found: Digest): MedperfError {
  return new MedperfError('HashMismatch', {
    what: `The image ${request.reference} is not the one that was registered.`,
    expected: request.expectedId ?? '',
    found,
    next: 'Publish the registered image again under this name, or submit the cube anew with the image it has now.',
  });
}

function notGiven(reference: string): MedperfError {
  return new MedperfError('IncompatibleModel', {
    what: `The image ${reference} is not what its archive or registry gave.`,
    expected: `an image named ${reference}`,
    next: 'Save the image under that name (docker save), or correct the name in the cube.',
  });
}

function badArchive(reference: string, words: string): MedperfError {
  return new MedperfError('IncompatibleModel', {
    what: `Docker cannot load the image ${reference} from its archive.`,
    found: daemonWords({ message: words }),
    next: 'Save the image again with docker save and package the cube anew.',
  });
}

function badReference(reference: string): MedperfError {
  return new MedperfError('IncompatibleModel', {
    what: `${JSON.stringify(reference.slice(0, 100))} is not the name of an image.`,
    expected: 'a name such as owner/model:1.0',
    next: "Correct the image's name in the cube's manifest.",
  });
}
