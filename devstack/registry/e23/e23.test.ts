import { startWithParties } from '../../../test/registry-parties';
import type { Parties, Reply } from '../../../test/registry-parties';

let parties: Parties;
beforeAll(async () => {
  parties = await startWithParties('E23');
}, 60_000);
afterAll(() => parties.server.close());

const cube = (name: string, changes: object = {}): object => ({
  name,
  git_mlcube_url: `https://h.example/${name}.yaml`,
  mlcube_hash: 'h',
  git_parameters_url: '',
  parameters_hash: '',
  image_tarball_url: '',
  image_tarball_hash: '',
  additional_files_tarball_url: '',
  additional_files_tarball_hash: '',
  ...changes,
});

const benchmark = (name: string): object => ({
  name,
  demo_dataset_tarball_hash: 'h',
  demo_dataset_generated_uid: 'g',
  data_preparation_mlcube: 1,
  reference_model_mlcube: 2,
  data_evaluator_mlcube: 3,
});

const dataset = (name: string): object => ({
  name,
  input_data_hash: 'h',
  generated_uid: name,
  split_seed: 0,
  data_preparation_mlcube: 3,
  state: 'OPERATION',
});

it('gives the first cube of a user the id that the tutorial names, and lets the same files be at another URL', async () => {
  expect(await parties.make('modelOwner', '/mlcubes/', cube('first'))).toBe(4);
  expect(await parties.make('modelOwner', '/mlcubes/', cube('second'))).toBe(5);
  const again = cube('third', { git_mlcube_url: 'https://h.example/first.yaml' });
  expect((await parties.call('dataOwner', 'POST', '/mlcubes/', again)).status).toBe(400);
  expect(await parties.make('modelOwner', '/mlcubes/', cube('half', { git_parameters_url: 'u' }))).toBe(6);
});

it('lets a benchmark owner approve his own benchmark once it is operational, and stamps it with every PUT', async () => {
  const id = await parties.make('modelOwner', '/benchmarks/', benchmark('own'));
  const put = (fields: object): Promise<{ status: number; body: unknown }> =>
    parties.call('modelOwner', 'PUT', `/benchmarks/${id}/`, fields);
  expect((await put({ approval_status: 'APPROVED' })).status).toBe(400);
  expect((await put({ state: 'OPERATION' })).status).toBe(200);
  const approved = (await put({ approval_status: 'APPROVED' })).body as { approved_at: string };
  const later = (await put({ is_active: false })).body as { approved_at: string };
  expect(later.approved_at > approved.approved_at).toBe(true);
});

it('takes datasets that are operational from the start, of any preparation cube, when the request says PENDING', async () => {
  const id = await parties.make('dataOwner', '/datasets/', dataset('ready'));
  expect((await parties.call('modelOwner', 'GET', `/datasets/${id}/`)).body).toMatchObject({
    state: 'OPERATION',
    owner: 4,
  });
  expect((await parties.call('dataOwner', 'POST', '/datasets/', dataset('ready'))).body).toEqual({
    generated_uid: ['dataset with this generated uid already exists.'],
  });
  const pair = { dataset: id, benchmark: 1, metadata: {} };
  expect((await parties.call('dataOwner', 'POST', '/datasets/benchmarks/', pair)).status).toBe(400);
  const stated = { ...pair, approval_status: 'PENDING' };
  expect((await parties.call('dataOwner', 'POST', '/datasets/benchmarks/', stated)).status).toBe(201);
  const path = `/datasets/${id}/benchmarks/1/`;
  expect((await parties.call('benchmarkOwner', 'PUT', path, {})).status).toBe(500);
  expect((await parties.call('administrator', 'PUT', '/datasets/99/benchmarks/1/', stated)).status).toBe(400);
  expect((await parties.call('dataOwner', 'DELETE', path)).status).toBe(204);
});

function signIn(credentials: object): Promise<Reply> {
  return parties.call(null, 'POST', '/auth-token/', credentials);
}

it('signs in by user name and password, always with the same token', async () => {
  const first = await signIn({ username: 'testmodelowner', password: 'test' });
  const second = await signIn({ username: 'testmodelowner', password: 'test' });
  expect(first.body).toEqual({ token: expect.stringMatching(/^[0-9a-f]{40}$/) as unknown });
  expect(second.body).toEqual(first.body);
  for (const credentials of [
    { username: 'testmodelowner', password: 'wrong' },
    { username: 'nobody', password: 'test' },
  ]) {
    const refused = await signIn(credentials);
    expect(refused.status).toBe(400);
    expect(refused.body).toEqual({ non_field_errors: ['Unable to log in with provided credentials.'] });
  }
  expect((await signIn({})).body).toEqual({
    username: ['This field is required.'],
    password: ['This field is required.'],
  });
  expect((await parties.call(null, 'GET', '/auth-token/')).status).toBe(405);
});

it('ends the token when a password changes, and keeps what a PUT says of a user unhashed', async () => {
  const fields = { username: 'new', email: 'new@example.com', password: 'first', first_name: '', last_name: '' };
  const id = await parties.make('administrator', '/users/', fields);
  expect((await signIn({ username: 'new', password: 'first' })).status).toBe(200);
  const changed = await parties.call('administrator', 'PUT', `/users/${id}/`, { ...fields, password: 'second' });
  expect([changed.status, 'password' in (changed.body as object)]).toEqual([200, false]);
  expect([
    (await signIn({ username: 'new', password: 'first' })).status,
    (await signIn({ username: 'new', password: 'second' })).status,
  ]).toEqual([400, 400]);

  expect((await parties.call('dataOwner', 'POST', '/me/password/', {})).status).toBe(500);
  expect((await parties.call('dataOwner', 'POST', '/me/password/', { password: 'changed' })).status).toBe(200);
  expect(await parties.call('dataOwner', 'GET', '/me/')).toMatchObject({
    status: 401,
    body: { detail: 'Invalid token.' },
  });
  expect((await signIn({ username: 'testdataowner', password: 'changed' })).status).toBe(200);
});
