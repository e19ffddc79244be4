import { startWithParties } from '../../../test/registry-parties';
import type { Parties, Party, Reply } from '../../../test/registry-parties';

let parties: Parties;
beforeAll(async () => {
  parties = await startWithParties('E25');
}, 60_000);
afterAll(() => parties.server.close());

const PREPARATOR = 2;
const REFERENCE = 3;

const dataset = (name: string, changes: object = {}): object => ({
  name,
  input_data_hash: 'h',
  generated_uid: name,
  split_seed: '0',
  data_preparation_mlcube: PREPARATOR,
  submitted_as_prepared: 'no',
  state: 'OPERATION',
  ...changes,
});

function put(party: Party, path: string, body: object): Promise<Reply> {
  return parties.call(party, 'PUT', path, body);
}

async function operationalDataset(name: string): Promise<number> {
  const id = await parties.make('dataOwner', '/datasets/', dataset(name));
  expect((await put('dataOwner', `/datasets/${id}/`, { state: 'OPERATION' })).status).toBe(200);
  return id;
}

it('has the first cube taken by the certificate authority', async () => {
  expect((await parties.call('modelOwner', 'GET', '/mlcubes/1/')).body).toMatchObject({ owner: 1, state: 'OPERATION' });
});

it('shows nobody the owner and the report of a dataset, which begins in development', async () => {
  const id = await parties.make('dataOwner', '/datasets/', dataset('shown'));
  const seen = (await parties.call('dataOwner', 'GET', `/datasets/${id}/`)).body as Readonly<Record<string, unknown>>;
  expect(seen).toMatchObject({ state: 'DEVELOPMENT', split_seed: 0, submitted_as_prepared: false });
  expect(['owner' in seen, 'report' in seen]).toEqual([false, false]);
  const own = (await parties.call('dataOwner', 'GET', '/me/datasets/')).body;
  expect(own).toMatchObject({ results: [{ id, report: {} }] });
});

it('lets one operational dataset have a generated uid', async () => {
  const id = await operationalDataset('same uid');
  const other = await parties.make('dataOwner', '/datasets/', dataset('other', { generated_uid: 'same uid' }));
  expect((await put('dataOwner', `/datasets/${other}/`, { state: 'OPERATION' })).body).toEqual({
    non_field_errors: ['An Operational dataset with the same generated UID already exists'],
  });
  expect((await put('dataOwner', `/datasets/${id}/`, { generated_uid: 'new' })).status).toBe(400);
});

it('takes results of associated datasets only, and leaves them to the administrator', async () => {
  const id = await operationalDataset('measured');
  const result = { benchmark: 1, model: REFERENCE, dataset: id, results: { AUC: 1 } };
  const post = (): Promise<Reply> => parties.call('dataOwner', 'POST', '/results/', result);
  expect((await post()).body).toEqual({ non_field_errors: ['Dataset must be associated to the benchmark'] });
  const pair = { dataset: id, benchmark: 1, metadata: {} };
  await parties.make('dataOwner', '/datasets/benchmarks/', pair);
  expect((await post()).body).toEqual({ non_field_errors: ['Dataset-Benchmark association must be approved'] });
  expect((await parties.call('dataOwner', 'GET', '/benchmarks/1/models/')).status).toBe(403);
  await put('benchmarkOwner', `/datasets/${id}/benchmarks/1/`, { approval_status: 'APPROVED' });
  expect((await parties.call('dataOwner', 'GET', '/benchmarks/1/models/')).status).toBe(200);
  const { status, body } = await post();
  const path = `/results/${(body as { id: number }).id}/`;
  expect([status, (await put('dataOwner', path, { name: 'mine' })).status]).toEqual([201, 403]);
  expect((await parties.call('benchmarkOwner', 'GET', path)).status).toBe(200);
  expect((await parties.call('modelOwner', 'GET', path)).status).toBe(403);
  const kept = (await put('administrator', path, { name: 'seen', results: {} })).body;
  expect(kept).toMatchObject({ name: 'seen', results: { AUC: 1 } });
});

it('takes datasets of its own preparation cube only', async () => {
  const foreign = await parties.make('dataOwner', '/datasets/', dataset('foreign', { data_preparation_mlcube: 4 }));
  await put('dataOwner', `/datasets/${foreign}/`, { state: 'OPERATION' });
  const pair = { dataset: foreign, benchmark: 1, metadata: {} };
  expect((await parties.call('dataOwner', 'POST', '/datasets/benchmarks/', pair)).status).toBe(400);
});

it('shows the datasets of a cube to its owner while the cube is in development', async () => {
  const reply = await parties.call('benchmarkOwner', 'GET', `/mlcubes/${PREPARATOR}/datasets/`);
  expect(reply).toMatchObject({ status: 400, body: { error: expect.any(String) as unknown } });
});
