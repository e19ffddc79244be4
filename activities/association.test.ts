import type { AssociationRecord, Registry } from '../registry';
import { withdrawAssociation } from './association';

const ROW: AssociationRecord = {
  modelUid: 4,
  benchmark: 1,
  status: 'PENDING',
  initiatedBy: 3,
  createdAt: '2025-04-17T09:30:00Z',
  approvedAt: null,
  priority: 0,
};

async function decisionsOn(row: AssociationRecord | null): Promise<string[]> {
  const decisions: string[] = [];
  const registry = {
    association: () => Promise.resolve(row),
    me: () => Promise.resolve({ uid: 3, username: 'owner', email: '' }),
    decideAssociation: (_model, _benchmark, status) => {
      decisions.push(status);
      return Promise.resolve({ ...ROW, status });
    },
  } as Partial<Registry> as Registry;
  await withdrawAssociation(registry, { profile: 'default', benchmark: 1, modelUid: 4 }, new AbortController().signal);
  return decisions;
}

describe('withdrawing', () => {
  it("takes one's own pending request back", async () => {
    expect(await decisionsOn(ROW)).toEqual(['REJECTED']);
  });

  it.each<[string, AssociationRecord | null]>([
    ["somebody else's request", { ...ROW, initiatedBy: 2 }],
    ['a decided one', { ...ROW, status: 'APPROVED' }],
    ['none', null],
  ])('leaves %s alone', async (_, row) => {
    expect(await decisionsOn(row)).toEqual([]);
  });
});
