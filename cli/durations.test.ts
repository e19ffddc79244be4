import { InvalidArgumentError } from 'commander';
import { duration } from './durations';

const HOUR_MS = 3_600_000;

it.each([
  ['90s', 90_000],
  ['36h', 36 * HOUR_MS],
  ['3d', 72 * HOUR_MS],
  ['2 weeks', 336 * HOUR_MS],
  ['0.5d', 12 * HOUR_MS],
])('reads %s', (text, milliseconds) => {
  expect(duration(text)).toBe(milliseconds);
});

it.each(['', '3', '0d', '-1d', '3 apples', '0.0001s', '0.9s', '1e3d', '400d', '9999999999w', '3d '])(
  'refuses %j',
  (text) => {
    expect(() => duration(text)).toThrow(InvalidArgumentError);
  },
);
