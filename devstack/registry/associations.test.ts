import type { Party, Reply } from '../../test/registry-parties';
import { TIME, associate, get, newCube, operational, post, put, startsSeeded } from '../../test/registry-under-test';

const parties = startsSeeded();

describe('associations', () => {
  const pairOf = (cube: number): string => `/mlcubes/${cube}/benchmarks/1/`;
  const decide = (cube: number, status: string, party: Party): Promise<Reply> =>
    put(pairOf(cube), { approval_status: status }, party);

  /** A cube whose newest row has the status. */
  async function cubeWith(name: string, status: string): Promise<number> {
    const cube = await operational(name);
    if (status !== 'none') expect((await associate(cube)).status).toBe(201);
    if (status === 'APPROVED' || status === 'REJECTED') await decide(cube, status, 'benchmarkOwner');
    return cube;
  }

  it('answers a request with the full row, and a pair with its history', async () => {
    const cube = await operational('requested');
    const body = {
      model_mlcube: cube,
      benchmark: 1,
      metadata: { test_result: { AUC: 0.9 } },
      priority: 7,
      initiated_by: 1,
    };
    const reply = await post('/mlcubes/benchmarks/', body);
    expect(reply.status).toBe(201);
    expect(reply.body).toEqual({
      id: expect.any(Number) as unknown,
      metadata: { test_result: { AUC: 0.9 } },
      approval_status: 'PENDING',
      approved_at: null,
      created_at: expect.stringMatching(TIME) as unknown,
      modified_at: expect.stringMatching(TIME) as unknown,
      priority: 0,
      model_mlcube: cube,
      benchmark: 1,
      initiated_by: 4,
    });
    const short = ['approval_status', 'approved_at', 'created_at', 'initiated_by', 'modified_at', 'priority'];
    const [row] = (await get(pairOf(cube))).body as object[];
    expect(Object.keys(row ?? {}).sort()).toEqual(short);
    const approved = await decide(cube, 'APPROVED', 'benchmarkOwner');
    expect(Object.keys(approved.body as object).sort()).toEqual(short);
    expect(approved.body).toMatchObject({
      approval_status: 'APPROVED',
      approved_at: expect.stringMatching(TIME) as unknown,
    });
  });

  const table: [string, string, RegExp | null][] = [
    ['none', 'PENDING', null],
    ['none', 'APPROVED', /prior requests/],
    ['none', 'REJECTED', /prior requests/],
    ['PENDING', 'PENDING', /rejected/],
    ['PENDING', 'APPROVED', /cannot create an approved association request/],
    ['PENDING', 'REJECTED', /approved/],
    ['APPROVED', 'PENDING', /rejected/],
    ['APPROVED', 'APPROVED', /cannot create an approved association request/],
    ['APPROVED', 'REJECTED', null],
    ['REJECTED', 'PENDING', null],
    ['REJECTED', 'APPROVED', /cannot create an approved association request/],
    ['REJECTED', 'REJECTED', /approved/],
  ];
  it.each(table)('after %s, a request as %s', async (before, status, message) => {
    const cube = await cubeWith(`${before}_${status}`, before);
    const reply = await associate(cube, status);
    if (message === null) expect(reply).toMatchObject({ status: 201, body: { approval_status: status } });
    else expect(reply).toMatchObject({ status: 400, body: { non_field_errors: [expect.stringMatching(message)] } });
  });

  it('refuses a cube in development and other parties', async () => {
    expect((await associate(await newCube('not_ready'))).body).toEqual({
      non_field_errors: ['Association requests can be made only on an operational model mlcube'],
    });
    const cube = await operational('foreign');
    expect((await associate(cube, 'PENDING', 'dataOwner')).status).toBe(403);
    expect((await associate(999)).status).toBe(403);
    expect((await associate(999, 'PENDING', 'benchmarkOwner')).body).toEqual({
      model_mlcube: ['Invalid pk "999" - object does not exist.'],
    });
    expect((await get(pairOf(cube), 'dataOwner')).status).toBe(403);
    expect((await post('/mlcubes/benchmarks/', { model_mlcube: cube, benchmark: 1 })).body).toEqual({
      metadata: ['This field is required.'],
    });
  });

  it('approves at once where one party owns both', async () => {
    const cube = await operational('own_model', 'benchmarkOwner');
    const { body } = await associate(cube, 'PENDING', 'benchmarkOwner');
    const row = body as { approval_status: string; approved_at: string; created_at: string };
    expect(row.approval_status).toBe('APPROVED');
    expect(row.approved_at < row.created_at).toBe(true);
  });

  it('lets anybody concerned but the initiator approve, and the initiator reject', async () => {
    const cube = await cubeWith('decided', 'PENDING');
    expect((await decide(cube, 'APPROVED', 'modelOwner')).body).toEqual({
      approval_status: ['Same user cannot approve the association request'],
    });
    expect((await decide(cube, 'PENDING', 'modelOwner')).status).toBe(200);
    expect((await decide(cube, 'REJECTED', 'modelOwner')).status).toBe(200);
    expect((await decide(cube, 'APPROVED', 'benchmarkOwner')).body).toEqual({
      approval_status: ['User can approve or reject only a pending request'],
    });
    await associate(cube, 'PENDING', 'benchmarkOwner');
    expect((await decide(cube, 'APPROVED', 'modelOwner')).status).toBe(200);
    const rows = (await get('/me/mlcubes/associations/?limit=1000')).body as {
      results: { model_mlcube: number; approval_status: string }[];
    };
    expect(rows.results.filter((row) => row.model_mlcube === cube).map((row) => row.approval_status)).toEqual([
      'REJECTED',
      'APPROVED',
    ]);
  });

  it('leaves the priority to the benchmark owner', async () => {
    const cube = await cubeWith('first', 'PENDING');
    expect((await put(pairOf(cube), { priority: 5 })).status).toBe(403);
    expect(await put(pairOf(cube), { priority: 5 }, 'benchmarkOwner')).toMatchObject({
      status: 200,
      body: { priority: 5 },
    });
    const models = (await get('/benchmarks/1/models/', 'benchmarkOwner')).body as { results: object[] };
    expect(models.results[0]).toEqual({
      model_mlcube: cube,
      approval_status: 'PENDING',
      created_at: expect.stringMatching(TIME) as unknown,
    });
    expect((await get('/benchmarks/1/models/')).status).toBe(403);
  });

  it('fails on a decision about a pair that does not exist', async () => {
    const cube = await operational('unasked');
    expect((await get(pairOf(cube))).body).toEqual([]);
    expect((await decide(cube, 'APPROVED', 'benchmarkOwner')).status).toBe(500);
    expect((await put(pairOf(cube), { priority: 1 }, 'benchmarkOwner')).body).toEqual({
      non_field_errors: ['No model association found'],
    });
  });

  it('makes one row of two requests at once', async () => {
    const cube = await operational('both_at_once');
    const replies = await Promise.all([associate(cube), associate(cube, 'PENDING', 'benchmarkOwner')]);
    expect(replies.map((reply) => reply.status).sort()).toEqual([201, 400]);
    expect((await parties().call('administrator', 'DELETE', pairOf(cube))).status).toBe(204);
    expect((await get(pairOf(cube))).body).toEqual([]);
  });
});
