import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { gzipInParallel } from './parallel-gzip';

async function zipped(chunks: readonly Uint8Array[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const source = async function* () {
    await Promise.resolve();
    yield* chunks;
  };
  for await (const part of gzipInParallel(source())) parts.push(part);
  return Buffer.concat(parts);
}

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let from = 0;
  for (const length of lengths) {
    chunks.push(bytes.subarray(from, from + length));
    from += length;
  }
  return [...chunks, bytes.subarray(from)];
}

describe('gzipInParallel', () => {
  it('is one gzip member of the same bytes, however they come', async () => {
    const sizes = fc.oneof(fc.nat(3_000), fc.integer({ min: 500_000, max: 1_700_000 }));
    const words = Buffer.from('case 17 finding nodule left upper lobe score 0.93\n'.repeat(40_000));
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.nat(600_000), { maxLength: 6 }), async (size, lengths) => {
        const bytes = words.subarray(0, size);
        const packed = await zipped(cut(bytes, lengths));
        expect(gunzipSync(packed).equals(bytes)).toBe(true);
        expect(packed.equals(await zipped([bytes]))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('is accepted by gzip, also when nothing shrinks, and looks back over its blocks', async () => {
    const noise = randomBytes(700_000);
    execFileSync('gzip', ['-t'], { input: await zipped([noise]) });
    // The window of 32 KiB before a block's border holds what comes after it.
    const block = 512 * 1024;
    const repeated = Buffer.concat([noise.subarray(0, block), noise.subarray(block - 30_000, block)]);
    expect((await zipped([repeated])).length).toBeLessThan(block + 2_000);
  });

  it('passes its source’s failure on', async () => {
    const failing = async function* () {
      yield Buffer.alloc(600_000);
      await Promise.reject(new Error('the disk is gone'));
    };
    const read = async () => {
      for await (const _ of gzipInParallel(failing()));
    };
    await expect(read()).rejects.toThrow('the disk is gone');
  });
});
