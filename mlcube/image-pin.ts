import { isDeepStrictEqual } from 'node:util';
import { isAlias, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { MedperfError } from '../contract';

interface Located {
  /** Counted from 1. */
  readonly line: number;
  /** Of the value's text: from its first character to the one after its last. */
  readonly start: number;
  readonly end: number;
}

/** Line of `docker.image` in a manifest's text, or null. */
export function imageLine(text: string): number | null {
  return locate(text)?.line ?? null;
}

/**
 * The manifest's text with another `docker.image`; every other character stays, comments and layout with them.
 * @throws MedperfError `InvalidManifest` where the image is written in a way in which that cannot be done.
 */
export function pinImage(text: string, reference: string): string {
  const found = locate(text);
  if (found === null) throw cannotPin('no docker.image');
  const written = text.slice(found.start, found.end);
  const quote = /^["']/.exec(written)?.[0] ?? (reference.startsWith('[') ? "'" : '');
  const lineEnd = /\r?\n$/.exec(written)?.[0] ?? '';
  const pinned = `${text.slice(0, found.start)}${quote}${reference}${quote}${lineEnd}${text.slice(found.end)}`;
  if (!isDeepStrictEqual(valueOf(pinned), withImage(valueOf(text), reference))) {
    throw cannotPin('an image that other values of the file depend on');
  }
  return pinned;
}

function locate(text: string): Located | null {
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (document === null || !isMap(document.contents)) return null;
  const docker: unknown = document.get('docker', true);
  const section = isAlias(docker) ? docker.resolve(document) : docker;
  const node: unknown = isMap(section) ? section.get('image', true) : undefined;
  if ((!isScalar(node) && !isAlias(node)) || !node.range) return null;
  const [start, end] = node.range;
  return { line: lines.linePos(start).line, start, end };
}

function parse(text: string, lineCounter = new LineCounter()): Document.Parsed | null {
  try {
    const document = parseDocument(text, { lineCounter, logLevel: 'error', schema: 'core', uniqueKeys: false });
    return document.errors.length === 0 ? document : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function valueOf(text: string): unknown {
  try {
    return parse(text)?.toJS({ maxAliasCount: 1000 });
  } catch {
    throw cannotPin('aliases that repeat too much');
  }
}

function withImage(value: unknown, image: string): unknown {
  const root = value as { readonly docker: object };
  return { ...root, docker: { ...root.docker, image } };
}

function cannotPin(found: string): MedperfError {
  return new MedperfError('InvalidManifest', {
    what: "The manifest's image cannot be pinned by its digest.",
    expected: 'docker.image written out as a plain text',
    found,
    next: 'Write the name of the image itself under docker.image.',
  });
}
