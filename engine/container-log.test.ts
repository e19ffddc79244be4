import * as fc from 'fast-check';
import { demultiplex } from './container-log';
import { LogTail, plainLine } from './log-tail';

function frame(stream: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield Promise.resolve(bytes.subarray(at, at + size));
}

describe("a container's log", () => {
  it('is put together whatever the pieces it comes in', async () => {
    const lines = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string()), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 40 }), async (written, size) => {
        const frames = Buffer.concat(written.map(([stream, text]) => frame(stream, text)));
        const chunks: Buffer[] = [];
        for await (const chunk of demultiplex(inPieces(frames, size))) chunks.push(chunk);
        expect(Buffer.concat(chunks).toString()).toBe(written.map(([, text]) => text).join(''));
      }),
    );
  });

  it('keeps its last lines, with nothing that a terminal obeys', () => {
    const tail = new LogTail();
    tail.add(Buffer.from('one\ntwo\n\u001b[2J\u001b]0;title\u0007thr'));
    tail.add(Buffer.from('ee\u202e\n10 %\r20 %\n'));
    expect(tail.last(3)).toEqual([']0;titlethree', '10 %', '20 %']);
  });

  it('shows no control character and no more than 200 characters of a line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const line = plainLine(text);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(Array.from(line).length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
