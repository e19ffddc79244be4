let last = 0;

/**
 * The time in UTC as ISO 8601 with six fraction digits. Each call is later than the one before: PGlite's own clock counts
 * in milliseconds, and the newest row of a history must be one row.
 */
export function now(): string {
  last = Math.max(last + 1, Math.round((performance.timeOrigin + performance.now()) * 1000));
  const millisecond = new Date(Math.floor(last / 1000)).toISOString().slice(0, -1);
  return `${millisecond}${String(last % 1000).padStart(3, '0')}Z`;
}
