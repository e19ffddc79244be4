import { MedperfRegistry } from '../registry/medperf-registry';
import { changeRow, newDataset, newResult } from './data-owner-rows';
import { startWithParties } from './registry-parties';
import type { Parties, Party } from './registry-parties';

/** More than a page of the client's. */
const DATASETS = 40;

async function uidsOf(rows: AsyncIterable<{ readonly uid: number }>): Promise<number[]> {
  const uids: number[] = [];
  for await (const { uid } of rows) uids.push(uid);
  return uids.sort((a, b) => a - b);
}

describe.each(['E23', 'E25', 'HEAD'] as const)('datasets and results of %s', (dialect) => {
  let parties: Parties;
  const clients = new Map<Party, MedperfRegistry>();
  let made: number[];

  beforeAll(async () => {
    parties = await startWithParties(dialect);
    for (const party of ['benchmarkOwner', 'modelOwner', 'dataOwner'] as const) {
      const authorization = parties.authorization(party);
      clients.set(party, new MedperfRegistry({ server: parties.server.url, dialect, authorization }));
    }
    made = [];
    for (let at = 0; at < DATASETS; at += 1) made.push(await newDataset(parties, `data-${at}`));
  }, 60_000);
  afterAll(async () => {
    for (const client of clients.values()) await client.close();
    await parties.server.close();
  });

  const as = (party: Party): MedperfRegistry => clients.get(party)!;

  it('lists all datasets, and those of the caller', async () => {
    expect(await uidsOf(as('modelOwner').datasets())).toEqual(made);
    expect(await uidsOf(as('dataOwner').datasets({ mine: true }))).toEqual(made);
    expect(await uidsOf(as('modelOwner').datasets({ mine: true }))).toEqual([]);
  });

  it('reads a dataset as far as its server tells of it', async () => {
    const [first] = made;
    const dataset = await as('modelOwner').dataset(first!);
    expect(dataset).toMatchObject({
      uid: first,
      name: 'data-0',
      description: 'chests',
      location: 'here',
      inputDataHash: 'raw',
      generatedUid: 'data-0',
      state: dialect === 'E23' ? 'OPERATION' : 'DEVELOPMENT',
      isValid: true,
      submittedAsPrepared: dialect === 'E23' ? null : true,
    });
    expect(dataset.owner).toEqual(dialect === 'E25' ? null : (await as('dataOwner').me()).uid);
    await expect(as('modelOwner').dataset(9_999)).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { what: 'Dataset 9999 could not be read.', next: 'Check the uid.' },
    });
  });

  it('reads results where their server shows them', async () => {
    const uid = await newResult(parties, made[1]!);
    const result = await as('dataOwner').result(uid);
    expect(result).toMatchObject({
      uid,
      name: 'b1',
      benchmark: 1,
      dataset: made[1],
      results: { AUC: 0.9 },
      isValid: true,
    });
    expect(result.isFinal).toBe(dialect !== 'HEAD');
    if (dialect === 'HEAD') {
      await changeRow(parties, 'dataOwner', `/results/${uid}/`, { results: { AUC: 0.8 } });
      expect(await as('dataOwner').result(uid)).toMatchObject({ results: { AUC: 0.8 }, isFinal: true });
    }
    expect(await uidsOf(as('dataOwner').results())).toEqual([uid]);
    expect(await uidsOf(as('modelOwner').results())).toEqual([]);
    expect(await uidsOf(as('benchmarkOwner').results({ benchmark: 1 }))).toEqual([uid]);
    await expect(uidsOf(as('modelOwner').results({ benchmark: 1 }))).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: {
        what: 'The list of results could not be read.',
        found: expect.stringMatching(/^HTTP 403: /) as string,
        next: 'Sign in as the owner, or ask the owner to do it.',
      },
    });
  });
});
