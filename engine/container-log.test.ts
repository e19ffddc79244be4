import * as fc from 'fast-check';
import { splitFrames } from './container-log';
import { LogTail, plainLine } from './log-tail';

function frame(stream: number, text: string): Buffer {
  const payload = Buffer.from(`2026-01-02T03:04:05.000000007Z ${text}`);
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
        const found: [number, string][] = [];
        for await (const { stream, time, bytes } of splitFrames(inPieces(frames, size))) {
          expect(time).toBe(BigInt(Date.UTC(2026, 0, 2, 3, 4, 5)) * 1_000_000n + 7n);
          found.push([stream, bytes.toString()]);
        }
        expect(found).toEqual(written);
      }),
    );
  });

  it('is refused when it is none', async () => {
    const read = async (bytes: Buffer): Promise<void> => {
      for await (const found of splitFrames(inPieces(bytes, 100))) expect(found).toBeUndefined();
    };
    await expect(read(Buffer.alloc(100, 0xff))).rejects.toThrow(/frame of/);
    await expect(read(Buffer.from([1, 0, 0, 0, 0, 0, 0, 2, 0x20, 0x20]))).rejects.toThrow(/without its time/);
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
