import { startWithParties } from '../../../test/registry-parties';
import type { Parties } from '../../../test/registry-parties';

let parties: Parties;
beforeAll(async () => {
  parties = await startWithParties('HEAD', { autoApproveBenchmarksFrom: ['testdo@example.com'] });
}, 60_000);
afterAll(() => parties.server.close());

function container(name: string, changes: object = {}): object {
  return {
    name,
    container_config: { image: name },
    parameters_config: null,
    image_hash: 'sha256:0',
    additional_files_tarball_hash: '',
    ...changes,
  };
}

function operationalModel(name: string): Promise<number> {
  const state = 'OPERATION';
  const body = { name, type: 'CONTAINER', state, container: container(name, { state }) };
  return parties.make('modelOwner', '/models/', body);
}

const dataset = (name: string): object => ({
  name,
  input_data_hash: 'h',
  generated_uid: name,
  split_seed: 0,
  data_preparation_mlcube: 2,
  submitted_as_prepared: false,
});

async function operationalDataset(name: string): Promise<number> {
  const id = await parties.make('dataOwner', '/datasets/', dataset(name));
  await parties.call('dataOwner', 'PUT', `/datasets/${id}/`, { state: 'OPERATION' });
  return id;
}

it('gives the first model of a user the id that the tutorial names', async () => {
  expect((await parties.call('modelOwner', 'GET', '/benchmarks/1/')).body).toMatchObject({
    data_preparation_mlcube: 2,
    reference_model: 1,
    data_evaluator_mlcube: 4,
  });
  expect(await operationalModel('first')).toBe(2);
});

describe('models', () => {
  it('are made with their container or not at all', async () => {
    const taken = { name: 'first', type: 'CONTAINER', container: container('spare') };
    expect((await parties.call('modelOwner', 'POST', '/models/', taken)).body).toEqual({
      name: ['model with this name already exists.'],
    });
    const inside = { name: 'inside', type: 'CONTAINER', container: container('first', { image_hash: '' }) };
    expect((await parties.call('modelOwner', 'POST', '/models/', inside)).body).toEqual({
      container: {
        name: ['ml cube with this name already exists.'],
        image_hash: ['This field may not be blank.'],
      },
    });
    const list = (await parties.call('modelOwner', 'GET', '/mlcubes/?name=spare')).body;
    expect(list).toMatchObject({ count: 0 });
  });

  it.each([
    ['no part', { type: 'CONTAINER' }, 'Container data required.'],
    ['the other part', { type: 'ASSET', container: container('x') }, 'Asset data required.'],
    [
      'both parts',
      { type: 'CONTAINER', container: container('x'), asset: { name: 'a', asset_hash: 'h', asset_url: 'local' } },
      'Asset must not be provided.',
    ],
    [
      'another state',
      { type: 'CONTAINER', container: container('x', { state: 'OPERATION' }) },
      'Model state must match the state of its container or asset.',
    ],
  ])('refuses %s', async (_what, body, message) => {
    const reply = await parties.call('modelOwner', 'POST', '/models/', { name: 'odd', ...body });
    expect([reply.status, reply.body]).toEqual([400, { non_field_errors: [message] }]);
  });

  it('pass their state down and never up', async () => {
    const body = { name: 'down', type: 'CONTAINER', container: container('down') };
    const model = await parties.make('modelOwner', '/models/', body);
    const changed = await parties.call('modelOwner', 'PUT', `/models/${model}/`, { is_valid: false });
    const { container: cube } = changed.body as { container: number };
    expect((await parties.call('modelOwner', 'GET', `/mlcubes/${cube}/`)).body).toMatchObject({ is_valid: false });
    await parties.call('modelOwner', 'PUT', `/mlcubes/${cube}/`, { state: 'OPERATION' });
    expect((await parties.call('modelOwner', 'GET', `/mlcubes/${cube}/model/`)).body).toMatchObject({
      id: model,
      state: 'DEVELOPMENT',
      container: { state: 'OPERATION' },
    });
    expect((await parties.call('administrator', 'DELETE', `/mlcubes/${cube}/`)).status).toBe(500);
    expect((await parties.call('administrator', 'DELETE', `/models/${model}/`)).status).toBe(204);
    expect((await parties.call('administrator', 'DELETE', `/mlcubes/${cube}/`)).status).toBe(204);
  });
});

describe('sets of files', () => {
  it('are unique where there are parameters', async () => {
    const same = { container_config: { a: 1, b: 2 }, image_hash: 'sha256:same' };
    const turned = { container_config: { b: 2, a: 1 }, image_hash: 'sha256:same' };
    await parties.make('modelOwner', '/mlcubes/', container('bare', same));
    await parties.make('modelOwner', '/mlcubes/', container('bare again', turned));
    await parties.make('modelOwner', '/mlcubes/', container('with', { ...same, parameters_config: {} }));
    const repeated = container('with again', { ...turned, parameters_config: {} });
    expect((await parties.call('dataOwner', 'POST', '/mlcubes/', repeated)).body).toEqual({
      non_field_errors: [expect.stringMatching(/^The fields .* must make a unique set\.$/) as unknown],
    });
  });
});

describe('auto-approval', () => {
  const policy = (fields: object): Promise<unknown> => parties.call('benchmarkOwner', 'PUT', '/benchmarks/1/', fields);
  const status = async (party: 'modelOwner' | 'benchmarkOwner', model: number): Promise<unknown> =>
    (await parties.call(party, 'POST', '/models/benchmarks/', { model, benchmark: 1, metadata: {} })).body;
  afterEach(() => policy({ model_auto_approval_mode: 'NEVER', model_auto_approval_allow_list: [] }));

  it('lets whom the list names in, by the whole e-mail', async () => {
    await policy({ model_auto_approval_mode: 'ALLOWLIST', model_auto_approval_allow_list: ['mo@example.com'] });
    expect(await status('modelOwner', await operationalModel('unlisted'))).toMatchObject({
      approval_status: 'PENDING',
    });
    await policy({ model_auto_approval_allow_list: ['testmo@example.com'] });
    expect(await status('modelOwner', await operationalModel('listed'))).toMatchObject({ approval_status: 'APPROVED' });
  });

  it("does not decide on the benchmark owner's own request", async () => {
    await policy({ model_auto_approval_mode: 'ALWAYS' });
    expect(await status('benchmarkOwner', await operationalModel('wooed'))).toMatchObject({
      approval_status: 'PENDING',
    });
    expect(await status('modelOwner', await operationalModel('welcome'))).toMatchObject({
      approval_status: 'APPROVED',
    });
  });

  it('shows its lists to the owner only', async () => {
    const seen = async (party: 'benchmarkOwner' | 'administrator'): Promise<boolean> =>
      'model_auto_approval_allow_list' in
      ((await parties.call(party, 'GET', '/benchmarks/1/')).body as Readonly<Record<string, unknown>>);
    expect([await seen('benchmarkOwner'), await seen('administrator')]).toEqual([true, false]);
  });

  it('approves benchmarks of those whom the deployment trusts', async () => {
    const body = {
      name: 'trusted',
      demo_dataset_tarball_url: 'u',
      demo_dataset_tarball_hash: 'h',
      demo_dataset_generated_uid: 'g',
      data_preparation_mlcube: 2,
      reference_model: 1,
      data_evaluator_mlcube: 4,
    };
    const reply = await parties.call('dataOwner', 'POST', '/benchmarks/', body);
    expect(reply.body).toMatchObject({ approval_status: 'APPROVED', approved_at: null });
  });
});

describe('executions', () => {
  it('are final once results are given, whatever these are', async () => {
    const id = await operationalDataset('executed');
    const body = { benchmark: 1, model: 1, dataset: id, results: { early: 1 } };
    const execution = await parties.make('dataOwner', '/results/', body);
    const put = (fields: object): Promise<{ status: number; body: unknown }> =>
      parties.call('dataOwner', 'PUT', `/results/${execution}/`, fields);
    expect((await put({ model_report: { execution_status: 'started' } })).body).toMatchObject({ finalized: false });
    expect((await put({ results: null })).body).toEqual({ results: ['This field may not be null.'] });
    expect((await put({ results: {} })).body).toMatchObject({ finalized: true, results: {} });
    expect((await put({ name: 'late' })).status).toBe(400);
  });
});

describe('certificates and keys', () => {
  it('are made and ended all together', async () => {
    const certificate = await parties.make('dataOwner', '/certificates/', {
      name: 'site',
      ca: 1,
      certificate_content_base64: 'YQ==',
    });
    const own = await parties.make('modelOwner', '/mlcubes/', container('encrypted'));
    const key = (name: string): object => ({ name, certificate, container: own, encrypted_key_base64: 'YQ==' });
    const bulk = (method: string, body: unknown): Promise<{ status: number; body: unknown }> =>
      parties.call('modelOwner', method, '/encrypted_keys/bulk/', body);
    expect(await bulk('POST', [key('one'), key('two')])).toMatchObject({
      status: 400,
      body: { non_field_errors: [expect.any(String)] },
    });
    expect((await parties.call('modelOwner', 'GET', '/me/encrypted_keys/')).body).toMatchObject({ count: 0 });
    const [made] = (await bulk('POST', [key('one')])).body as { id: number }[];
    const end = { id: made!.id, is_valid: false, encrypted_key_base64: 'eA==' };
    expect((await bulk('PUT', [end, { ...end, id: 999 }])).body).toEqual([
      {},
      { non_field_errors: [expect.any(String)] },
    ]);
    expect((await bulk('PUT', [{ ...end, is_valid: true }])).status).toBe(400);
    expect(await bulk('PUT', [end])).toMatchObject({ status: 200, body: [{ is_valid: false }] });
    expect((await bulk('POST', [key('two')])).status).toBe(201);
    expect((await parties.call('dataOwner', 'POST', '/encrypted_keys/bulk/', [key('three')])).status).toBe(403);
  });
});

describe('lists', () => {
  it('are filtered and ordered by what the query says', async () => {
    const names = async (query: string): Promise<string[]> => {
      const { results } = (await parties.call('modelOwner', 'GET', `/mlcubes/${query}`)).body as {
        results: { name: string }[];
      };
      return results.map(({ name }) => name);
    };
    expect(await names('?owner=3&ordering=-name')).toEqual(['chestxray_prep', 'chestxray_metrics', 'chestxray_cnn']);
    expect(await names('?name=chestxray_prep&is_valid=true&unknown=1')).toEqual(['chestxray_prep']);
    expect(await names('?name=CHESTXRAY_PREP')).toEqual([]);
    expect((await parties.call('modelOwner', 'GET', '/mlcubes/?owner=999&state=SLEEPING')).body).toEqual({
      owner: ['Select a valid choice. That choice is not one of the available choices.'],
      state: ['Select a valid choice. SLEEPING is not one of the available choices.'],
    });
  });
});
