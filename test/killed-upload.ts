import { eventually } from './medperf-stack';
import { MIB, servedHash } from './s3-publishing';
import type { S3Publishing } from './s3-publishing';

/** Of 8 MiB each. */
export const PARTS = 12;

/**
 * Kills a process that uploads after so many parts, and has another one go on; `heartbeat` says whether what the first
 * one told is still known.
 */
export async function surviveKilledUpload(s3: S3Publishing, parts: number, heartbeat: boolean): Promise<void> {
  const content = await s3.content(PARTS * 8 * MIB);
  const key = s3.key('killed', 'weights', content);
  const reached = s3.whenStored(parts);
  const first = s3.publishElsewhere('killed', 'weights', content, {});
  await Promise.race([reached, first.ended]);
  expect(first.child.kill('SIGKILL')).toBe(true);
  await first.ended;
  await eventually(
    () => Promise.resolve(s3.proxy.open),
    (open) => open === 0,
  );

  const held = await s3.held(key, content);
  expect(held.length).toBeGreaterThanOrEqual(parts);
  const before = s3.proxy.answered.length;
  const second = s3.publishElsewhere('killed', 'weights', content, heartbeat ? first.told() : {});
  expect(await second.ended).toBe(0);

  const sent = s3.partsSent(before);
  expect(sent.filter((part) => held.includes(part))).toEqual([]);
  expect(new Set(sent).size).toBe(sent.length);
  expect(await servedHash(`${s3.server.endpoint}/cubes/${key}`)).toBe(content.digest);
  expect(second.told()).toEqual({});
  expect(await s3.unfinished()).toEqual([]);
}
