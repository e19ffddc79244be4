import { faultSeed } from '../faults/seeded';
import { StoreKills } from '../faults/store-kills';
import { WORK_KINDS } from '../faults/store-works';

/** Of each kind as many. */
const COUNT = Number(process.env['SOAK_STORE_KILLS'] ?? 300);
const WITHIN_MS = 60 * 60 * 1000;
const first = faultSeed();

it.each(WORK_KINDS)(
  `the store is sound whenever the process is killed: %s, ${COUNT} in all`,
  async (kind) => {
    const works = Math.ceil(COUNT / WORK_KINDS.length);
    const kills = await StoreKills.open(kind);
    const counts = { works: 0, killed: 0, resumed: 0 };
    try {
      for (let seed = first; seed < first + works; seed += 1) {
        const { killed, resumed } = await kills.survive(seed);
        counts.works += 1;
        counts.killed += killed;
        counts.resumed += resumed ? 1 : 0;
      }
    } finally {
      await kills.close();
      process.stdout.write(`${kind} from FAULT_SEED=${first} on: ${JSON.stringify(counts)}\n`);
    }
    expect(counts.killed).toBeGreaterThan(0);
    expect(counts.resumed).toBeGreaterThan(0);
  },
  WITHIN_MS,
);
