import { faultSeed } from './faults/seeded';
import { StoreKills } from './faults/store-kills';
import { WORK_KINDS } from './faults/store-works';

const seed = faultSeed();

it.each(WORK_KINDS)('the store is sound whenever the process is killed: %s', async (kind) => {
  process.stdout.write(`${kind} with FAULT_SEED=${seed}\n`);
  const kills = await StoreKills.open(kind);
  try {
    expect(await kills.survive(seed)).toMatchObject({ resumed: expect.any(Boolean) as boolean });
  } finally {
    await kills.close();
  }
});
