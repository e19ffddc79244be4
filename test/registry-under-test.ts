import { cubeFields, hashOf } from './registry-fixtures';
import { startWithParties } from './registry-parties';
import type { Parties, Party, Reply } from './registry-parties';

export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/;

let parties: Parties;

/** The one server of a test file, in memory and seeded like the tutorial. */
export function startsSeeded(): () => Parties {
  beforeAll(async () => {
    parties = await startWithParties('E25');
  }, 60_000);
  afterAll(() => parties.server.close());
  return () => parties;
}

export function get(path: string, party: Party | null = 'modelOwner'): Promise<Reply> {
  return parties.call(party, 'GET', path);
}

export function post(path: string, body: unknown, party: Party = 'modelOwner'): Promise<Reply> {
  return parties.call(party, 'POST', path, body);
}

export function put(path: string, body: unknown, party: Party = 'modelOwner'): Promise<Reply> {
  return parties.call(party, 'PUT', path, body);
}

export async function newCube(name: string, changes: object = {}, party: Party = 'modelOwner'): Promise<number> {
  const reply = await post('/mlcubes/', cubeFields(name, changes), party);
  expect(reply.status).toBe(201);
  return (reply.body as { id: number }).id;
}

export function operational(name: string, party: Party = 'modelOwner'): Promise<number> {
  return newCube(name, { state: 'OPERATION' }, party);
}

export function benchmarkFields(name: string, changes: object = {}): object {
  return {
    name,
    demo_dataset_tarball_url: 'https://h.example/demo.tar.gz',
    demo_dataset_tarball_hash: hashOf('demo'),
    demo_dataset_generated_uid: hashOf('uid'),
    data_preparation_mlcube: 2,
    reference_model_mlcube: 3,
    data_evaluator_mlcube: 4,
    ...changes,
  };
}

export function associate(cube: number, status?: string, party: Party = 'modelOwner', benchmark = 1): Promise<Reply> {
  return post(
    '/mlcubes/benchmarks/',
    { model_mlcube: cube, benchmark, metadata: {}, approval_status: status ?? 'PENDING' },
    party,
  );
}
