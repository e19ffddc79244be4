import { Client } from 'pg';
import { exampleTutorial, openLocalIssuer, seedTutorial, startRegistry } from '../devstack/registry';
import type { LocalIssuer, RunningRegistry } from '../devstack/registry';
import { startPostgres } from './local-postgres';
import type { LocalPostgres } from './local-postgres';
import { cubeFields } from './registry-fixtures';
import { Parties } from './registry-parties';
import type { Party, Reply } from './registry-parties';

const AT_ONCE = 12;
const SCHEMA = `registry_test_${process.pid}`;

let postgres: LocalPostgres;
let url: string;
let issuer: LocalIssuer;
let servers: RunningRegistry[];

beforeAll(async () => {
  postgres = await startPostgres();
  await execute(`create schema ${SCHEMA}`);
  url = `${postgres.url}${postgres.url.includes('?') ? '&' : '?'}options=-csearch_path%3D${SCHEMA}`;
  issuer = await openLocalIssuer();
  const options = { dialect: 'E25', database: { url }, tokens: issuer.settings } as const;
  servers = await Promise.all([1, 2].map(() => startRegistry(options)));
}, 120_000);
afterAll(async () => {
  for (const server of servers) await server.close();
  await execute(`drop schema ${SCHEMA} cascade`);
  await postgres.stop();
}, 60_000);

async function execute(text: string): Promise<void> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(text);
  await client.end();
}

/** The same call many times at once, over all servers by turns. */
function manyAtOnce(method: string, path: string, body: (index: number) => object, party: Party): Promise<Reply[]> {
  const callers = servers.map((server) => new Parties(server, issuer));
  const calls = Array.from({ length: AT_ONCE }, (_, index) =>
    callers[index % callers.length]!.call(party, method, path, body(index)),
  );
  return Promise.all(calls);
}

function statuses(replies: readonly Reply[]): number[] {
  return replies.map((reply) => reply.status).sort();
}

const ONE_WON = [201, ...Array.from({ length: AT_ONCE - 1 }, () => 400)];

describe('two servers on one PostgreSQL', () => {
  it('make the tables and the tutorial once', async () => {
    const seeded = await Promise.all(servers.map((server) => seedTutorial(server, exampleTutorial('E25'))));
    expect(seeded.sort()).toEqual([false, true]);
    const reply = await new Parties(servers[0]!, issuer).call('administrator', 'GET', '/benchmarks/1/');
    expect(reply.body).toMatchObject({ approval_status: 'APPROVED', state: 'OPERATION', metadata: {} });
  });

  it('give a name, and a set of files, to one of many', async () => {
    const names = await manyAtOnce(
      'POST',
      '/mlcubes/',
      (i) => cubeFields('wanted', { mlcube_hash: `${i}` }),
      'modelOwner',
    );
    expect(statuses(names)).toEqual(ONE_WON);
    expect(names.find((reply) => reply.status === 400)?.body).toEqual({
      name: ['ml cube with this name already exists.'],
    });
    const files = await manyAtOnce(
      'POST',
      '/mlcubes/',
      (i) => cubeFields(`files_${i}`, { mlcube_hash: 'same' }),
      'modelOwner',
    );
    expect(statuses(files)).toEqual(ONE_WON);
  });

  it('keep one pending association of a pair, decide it once, and keep one pending benchmark of a user', async () => {
    const owner = new Parties(servers[0]!, issuer);
    const { body } = await owner.call('modelOwner', 'POST', '/mlcubes/', cubeFields('asked', { state: 'OPERATION' }));
    const pair = { model_mlcube: (body as { id: number }).id, benchmark: 1, metadata: {} };
    expect(statuses(await manyAtOnce('POST', '/mlcubes/benchmarks/', () => pair, 'modelOwner'))).toEqual(ONE_WON);

    const decision = { approval_status: 'APPROVED' };
    const path = `/mlcubes/${pair.model_mlcube}/benchmarks/1/`;
    const decided = statuses(await manyAtOnce('PUT', path, () => decision, 'benchmarkOwner'));
    expect(decided).toEqual([200, ...Array.from({ length: AT_ONCE - 1 }, () => 400)]);

    const benchmark = (index: number): object => ({
      name: `bench_${index}`,
      demo_dataset_tarball_url: 'u',
      demo_dataset_tarball_hash: 'h',
      demo_dataset_generated_uid: 'g',
      data_preparation_mlcube: 2,
      reference_model_mlcube: 3,
      data_evaluator_mlcube: 4,
    });
    expect(statuses(await manyAtOnce('POST', '/benchmarks/', benchmark, 'dataOwner'))).toEqual(ONE_WON);
  });
});
