import * as fc from 'fast-check';
import { readableLines } from './log-lines';

async function linesOf(text: string, size: number): Promise<string[]> {
  const bytes = Buffer.from(text);
  const lines: string[] = [];
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield Promise.resolve(bytes.subarray(at, at + size));
  }
  for await (const some of readableLines(pieces())) lines.push(...some);
  return lines;
}

describe('lines of a log for people', () => {
  it('are the same in whatever pieces the log comes', async () => {
    const text = fc.array(fc.constantFrom('a', 'é', '\n', '\r\n', '\r', ' ', '\t', '😀'), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (parts, size) => {
        const whole = parts.join('');
        expect(await linesOf(whole, size)).toEqual(await linesOf(whole, 1000));
      }),
    );
  });

  it('keep their length and indentation, and nothing that a terminal obeys', async () => {
    const long = `  ${'x'.repeat(5000)}`;
    expect(await linesOf(`${long}\n\n\u001b[31mred\u001b[0m\u202e\n10 %\r20 %`, 7)).toEqual([
      long,
      '',
      'red',
      '10 %',
      '20 %',
    ]);
  });

  it('are broken when they have no end', async () => {
    const lines = await linesOf('y'.repeat(100_000), 64 * 1024);
    expect(lines.join('')).toHaveLength(100_000);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(20_000);
  });
});
