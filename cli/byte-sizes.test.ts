import { byteSize, shownBytes } from './byte-sizes';

it.each([
  ['0', 0],
  ['1000', 1000],
  ['1k', 1024],
  ['1.5 GiB', 1.5 * 1024 ** 3],
  ['200G', 200 * 1024 ** 3],
  ['2TB', 2 * 1024 ** 4],
])('reads %s', (text, bytes) => {
  expect(byteSize(text)).toBe(bytes);
});

it.each(['', 'much', '-1', '1X', '1GG', 'G'])('refuses %j', (text) => {
  expect(() => byteSize(text)).toThrow('Expected a size');
});

it.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1536, '1.50 KiB'],
  [1000 * 1024 ** 3, '1000 GiB'],
  [5 * 1024 ** 5, '5120 TiB'],
])('shows %d', (bytes, text) => {
  expect(shownBytes(bytes)).toBe(text);
});
