import type { Heartbeat } from '../contract';
import { tellShare } from './byte-progress';

const MIB = 1024 ** 2;

it('tells shares now and then and at the end, and none of an unknown whole', () => {
  const told: Heartbeat[] = [];
  const tell = tellShare((details) => void told.push(details), 'downloading');
  for (let mib = 1; mib <= 40; mib += 1) tell(mib * MIB, 40 * MIB);
  expect(told.map(({ share }) => share)).toEqual([0.4, 0.8, 1]);
  const none = tellShare((details) => void told.push(details), 'x');
  none(100 * MIB, null);
  none(0, 0);
  expect(told).toHaveLength(3);
});
