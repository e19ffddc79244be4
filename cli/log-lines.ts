import { StringDecoder } from 'node:string_decoder';
import { neutralised } from '../engine/log-tail';

const LONGEST_LINE = 16 * 1024;

/**
 * A log's lines as they go by, fit for a terminal, as many at once as have come; a line without end is broken. Carriage
 * returns begin new lines.
 */
export async function* readableLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    // A carriage return at the end may be the half of a line end.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (; rest.length > LONGEST_LINE; rest = rest.slice(LONGEST_LINE)) lines.push(rest.slice(0, LONGEST_LINE));
    if (lines.length > 0) yield lines.map(neutralised);
  }
  rest += decoder.end();
  if (rest !== '') yield [neutralised(rest)];
}
