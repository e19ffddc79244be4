import type { Party, Reply } from '../../test/registry-parties';
import {
  TIME,
  associate,
  benchmarkFields,
  get,
  newCube,
  operational,
  post,
  put,
  startsSeeded,
} from '../../test/registry-under-test';
import { exampleTutorial } from './example-tutorial';
import { seedTutorial, TOKEN_USERS } from './seed';

const parties = startsSeeded();

describe('the whole server', () => {
  it('tells its version without credentials, and that it is a stand-in', async () => {
    const reply = await get('/version', null);
    expect([reply.status, reply.body]).toEqual([200, { version: 'v0' }]);
    expect(reply.headers.get('server')).toContain('development stand-in');
  });

  it('asks for credentials before anything else', async () => {
    const reply = await get('/mlcubes/999/', null);
    expect(reply.status).toBe(401);
    expect(reply.body).toEqual({ detail: 'Authentication credentials were not provided.' });
    expect(reply.headers.get('www-authenticate')).toContain('Bearer');
    const wrong = await parties().raw('/me/', { headers: { authorization: 'Bearer 123' } });
    expect(wrong.status).toBe(401);
  });

  it('sends a path without its slash to the one with it, and keeps the query', async () => {
    const reply = await get('/benchmarks/1/models?limit=5');
    expect(reply.status).toBe(301);
    expect(reply.headers.get('location')).toBe('/api/v0/benchmarks/1/models/?limit=5');
  });

  it.each(['/models/', '/mlcubes/abc/', '/nothing/'])('answers %s with an HTML page', async (path) => {
    const reply = await get(path);
    expect(reply.status).toBe(404);
    expect(reply.headers.get('content-type')).toContain('text/html');
  });

  it('refuses other methods, media types and bodies', async () => {
    expect(await parties().call('modelOwner', 'PATCH', '/mlcubes/2/')).toMatchObject({
      status: 405,
      body: { detail: 'Method "PATCH" not allowed.' },
    });
    const headers = { authorization: await parties().authorization('modelOwner')() };
    const text = await parties().raw('/mlcubes/', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'text/plain' },
      body: 'x',
    });
    expect(text).toMatchObject({ status: 415, body: { detail: 'Unsupported media type "text/plain" in request.' } });
    const json = { ...headers, 'content-type': 'application/json' };
    const malformed = await parties().raw('/mlcubes/', { method: 'POST', headers: json, body: '{' });
    expect(malformed.status).toBe(400);
    expect(malformed.body).toEqual({ detail: expect.stringMatching(/^JSON parse error - /) as unknown });
    expect(await post('/mlcubes/', [])).toMatchObject({
      status: 400,
      body: { non_field_errors: [expect.any(String)] },
    });
  });

  it('shows in its schema which generation it is', async () => {
    const response = await fetch(`${parties().server.url}/schema/?format=json`);
    const schema = (await response.json()) as { components: { schemas: { MlCube: { properties: object } } } };
    expect(Object.keys(schema.components.schemas.MlCube.properties)).toEqual(
      expect.arrayContaining(['git_mlcube_url', 'image_hash']),
    );
    expect((await fetch(`${parties().server.url}/schema/`)).headers.get('content-type')).toContain(
      'application/vnd.oai.openapi',
    );
  });
});

describe('users', () => {
  it('shows everybody himself, and all to the administrator only', async () => {
    const me = { id: 4, username: 'testmo', email: 'testmo@example.com', first_name: '', last_name: '' };
    expect((await get('/me/')).body).toEqual(me);
    expect((await get('/users/4/')).body).toEqual(me);
    expect((await get('/users/2/')).status).toBe(403);
    expect((await get('/users/')).status).toBe(403);
    expect((await get('/users/', 'administrator')).body).toMatchObject({ count: TOKEN_USERS.length + 1 });
    expect((await get('/users/99/', 'administrator')).status).toBe(404);
  });
});

describe('the tutorial', () => {
  it('has its benchmark approved and operational, and is not seeded twice', async () => {
    expect(await seedTutorial(parties().server, exampleTutorial('E25'))).toBe(false);
    expect((await get('/benchmarks/1/')).body).toMatchObject({
      name: 'chestxray',
      owner: 3,
      state: 'OPERATION',
      approval_status: 'APPROVED',
      approved_at: expect.stringMatching(TIME) as unknown,
      data_preparation_mlcube: 2,
      reference_model_mlcube: 3,
      data_evaluator_mlcube: 4,
    });
    expect((await get('/mlcubes/3/')).body).toMatchObject({ name: 'chestxray_cnn', state: 'OPERATION', owner: 3 });
    expect((await get('/me/benchmarks/', 'benchmarkOwner')).body).toMatchObject({ count: 1 });
    expect((await get('/me/benchmarks/')).body).toMatchObject({ count: 0 });
  });
});

describe('benchmarks', () => {
  it('answers a minimal POST with every field, pending', async () => {
    const reply = await post('/benchmarks/', benchmarkFields('lung'), 'dataOwner');
    const benchmark = reply.body as { id: number };
    expect(reply.status).toBe(201);
    expect(benchmark).toEqual({
      ...benchmarkFields('lung'),
      id: benchmark.id,
      description: '',
      docs_url: '',
      state: 'DEVELOPMENT',
      is_valid: true,
      is_active: true,
      approval_status: 'PENDING',
      approved_at: null,
      metadata: {},
      user_metadata: {},
      created_at: expect.stringMatching(TIME) as unknown,
      modified_at: expect.stringMatching(TIME) as unknown,
      owner: 5,
    });
    const second = await post('/benchmarks/', benchmarkFields('second'), 'dataOwner');
    expect(second.body).toEqual({ non_field_errors: ['User can own at most one pending benchmark'] });
    expect((await associate(await operational('too_early'), 'PENDING', 'modelOwner', benchmark.id)).body).toEqual({
      non_field_errors: ['Association requests can be made only on an approved benchmark'],
    });

    const path = `/benchmarks/${benchmark.id}/`;
    const decide = (status: string, party: Party): Promise<Reply> => put(path, { approval_status: status }, party);
    expect((await decide('APPROVED', 'dataOwner')).status).toBe(403);
    expect((await decide('PENDING', 'administrator')).body).toEqual({
      approval_status: ['User can only approve or reject a benchmark'],
    });
    expect(await decide('REJECTED', 'administrator')).toMatchObject({
      status: 200,
      body: { approved_at: expect.stringMatching(TIME) as unknown },
    });
    expect((await decide('APPROVED', 'administrator')).body).toEqual({
      approval_status: ['User can approve only a pending request'],
    });
  });

  it('becomes operational only with operational cubes', async () => {
    const cube = await newCube('still_in_dev');
    const fields = benchmarkFields('in_dev', { data_evaluator_mlcube: cube });
    const refused = await post('/benchmarks/', { ...fields, state: 'OPERATION' });
    expect(refused).toMatchObject({ status: 400, body: { non_field_errors: [expect.any(String)] } });
    const { id } = (await post('/benchmarks/', fields)).body as { id: number };
    expect(await put(`/benchmarks/${id}/`, { state: 'OPERATION' })).toMatchObject({
      status: 400,
      body: { state: [expect.any(String)] },
    });
    await put(`/mlcubes/${cube}/`, { state: 'OPERATION' });
    expect((await put(`/benchmarks/${id}/`, { state: 'OPERATION' })).status).toBe(200);
    expect((await put(`/benchmarks/${id}/`, { description: 'new' })).status).toBe(400);
    expect((await put(`/benchmarks/${id}/`, { is_active: false })).status).toBe(200);
  });

  it('names what does not exist', async () => {
    const fields = benchmarkFields('dangling', { reference_model_mlcube: 999, data_evaluator_mlcube: 'x' });
    expect((await post('/benchmarks/', fields, 'administrator')).body).toEqual({
      reference_model_mlcube: ['Invalid pk "999" - object does not exist.'],
      data_evaluator_mlcube: ['Incorrect type. Expected pk value, received str.'],
    });
  });
});
