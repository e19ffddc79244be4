import { InvalidArgumentError } from 'commander';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Such as `1.4 GiB`. */
export function shownBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024 && unit < UNITS.length - 1; unit += 1) value /= 1024;
  return `${unit === 0 ? value : value.toPrecision(value < 1000 ? 3 : 4)} ${UNITS[unit]}`;
}

/** Reads `200GiB`, `200G` or `1.5t`, all of them powers of 1024, and plain bytes. */
export function byteSize(text: string): number {
  const [, number, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)\s?([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('Expected a size such as 200GiB.');
  return Math.floor(Number(number) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' '));
}
