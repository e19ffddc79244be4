import type { Digest } from '../contract';
import type { Store } from '../store/store';

const LINE_LENGTH = 200;
const KEPT_BYTES = 64 * 1024;

/** The last `lines` lines of a stored log, fit to show to people. */
export async function logTail(store: Store, log: Digest, lines = 15): Promise<string[]> {
  const tail = new LogTail();
  for await (const chunk of await store.openRead(log)) tail.add(chunk as Buffer);
  return tail.last(lines);
}

/** Keeps the end of a log that goes by. */
export class LogTail {
  private chunks: Uint8Array[] = [];
  private size = 0;

  add(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
    // Seldom, because a log of short lines comes in as many chunks.
    if (this.size > 4 * KEPT_BYTES || this.chunks.length > 1024) this.compact();
  }

  /** Non-empty lines, oldest first. A progress bar's carriage returns begin new lines, as they do on a screen. */
  last(lines: number): string[] {
    return this.compact()
      .toString('utf8')
      .split(/[\r\n]+/)
      .map(plainLine)
      .filter((line) => line !== '')
      .slice(-lines);
  }

  private compact(): Buffer {
    // A copy, so that the chunks' own memory is let go.
    const kept = Buffer.concat(this.chunks).subarray(-KEPT_BYTES);
    this.chunks = [kept];
    this.size = kept.length;
    return kept;
  }
}

/** Without escape sequences, control and direction-changing characters, cut to 200 characters. */
export function plainLine(line: string): string {
  const text = neutralised(line).trim();
  const characters = Array.from(text.slice(0, LINE_LENGTH * 2));
  return characters.length <= LINE_LENGTH && text.length <= LINE_LENGTH * 2
    ? text
    : `${characters.slice(0, LINE_LENGTH - 1).join('')}…`;
}

/** Without what a terminal obeys and what changes the direction of text; all the rest stays. */
export function neutralised(line: string): string {
  return line
    .replace(/\p{Cc}\[[0-?]*[ -/]*[@-~]/gu, '')
    .replace(/\t/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '');
}
