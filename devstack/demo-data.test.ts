import { createHash } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { demoDataArchive, demoDataFiles } from './demo-data';
import { encodeGreyPng } from './grey-png';

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}
const { decodePng } = jest.requireActual<{ decodePng(bytes: Uint8Array): Picture }>('./cubes/formats/png.js');
const { parseCsv } = jest.requireActual<{ parseCsv(text: string): Record<string, string>[] }>('./cubes/formats/csv.js');

describe('the demo data', () => {
  it('is the same bytes for the same seed and others for another', async () => {
    const hashes = await Promise.all([1, 1, 2].map(async (seed) => hash(await demoDataArchive({ seed, images: 4 }))));
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('has a picture for every row of labels, and says where both are', () => {
    const files = new Map(demoDataFiles({ images: 12 }).map(({ path, content }) => [path, content]));
    expect(files.get('paths.yaml')?.toString()).toBe('data_path: demo_data/images\nlabels_path: demo_data/labels\n');
    const rows = parseCsv(files.get('demo_data/labels/labels.csv')?.toString() ?? '');
    expect(rows).toHaveLength(12);
    for (const row of rows) expect(files.has(join('demo_data/images', `${row['Image ID'] ?? ''}.png`))).toBe(true);
  });

  it('has pictures that the data preparator can read', () => {
    for (const { path, content } of demoDataFiles({ images: 3 })) {
      if (path.endsWith('.png')) expect(decodePng(content)).toMatchObject({ width: 56, height: 56 });
    }
  });
});

describe('the data preparator reading PNG', () => {
  it('gets every pixel back, whatever the filter of its row', () => {
    const size = fc.integer({ min: 1, max: 17 });
    const pictures = fc.tuple(size, size).chain(([width, height]) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        pixels: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
      }),
    );
    fc.assert(
      fc.property(pictures, (picture) => {
        const decoded = decodePng(encodeGreyPng(picture.width, picture.height, picture.pixels));
        expect(decoded).toEqual(picture);
      }),
    );
  });

  it.each([
    ['is not a PNG file', Buffer.from('GIF89a')],
    ['has no header', encodeGreyPng(2, 2, new Uint8Array(4)).subarray(0, 8)],
    ['ends before its last row', encodeGreyPng(2, 1, new Uint8Array(2)).fill(9, 23, 24)],
  ])('says what is wrong: %s', (message, bytes) => {
    expect(() => decodePng(bytes)).toThrow(message);
  });
});

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
