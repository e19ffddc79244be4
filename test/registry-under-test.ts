import { seedTutorial, startRegistry } from '../devstack/registry';
import type { RunningRegistry } from '../devstack/registry';
import { People, TUTORIAL, cubeFields, hashOf } from './registry-fixtures';
import type { Person, Reply } from './registry-fixtures';

export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$/;
export const OWNER = 'testmodelowner';
export const BENCHMARK_OWNER = 'testbenchmarkowner';

let registry: RunningRegistry;
let people: People;

/** The one server of a test file, in memory and seeded like the tutorial. */
export function startsSeeded(): { registry: () => RunningRegistry; people: () => People } {
  beforeAll(async () => {
    registry = await startRegistry({ dialect: 'E25', database: {} });
    await seedTutorial(registry, TUTORIAL);
    people = new People(registry.url);
  }, 60_000);
  afterAll(() => registry.close());
  return { registry: () => registry, people: () => people };
}

export function get(path: string, person: Person | null = OWNER): Promise<Reply> {
  return people.call(person, 'GET', path);
}

export function post(path: string, body: unknown, person: Person = OWNER): Promise<Reply> {
  return people.call(person, 'POST', path, body);
}

export function put(path: string, body: unknown, person: Person = OWNER): Promise<Reply> {
  return people.call(person, 'PUT', path, body);
}

export async function newCube(name: string, changes: object = {}, person: Person = OWNER): Promise<number> {
  const reply = await post('/mlcubes/', cubeFields(name, changes), person);
  expect(reply.status).toBe(201);
  return (reply.body as { id: number }).id;
}

export function operational(name: string, person: Person = OWNER): Promise<number> {
  return newCube(name, { state: 'OPERATION' }, person);
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

export function associate(cube: number, status?: string, person: Person = OWNER, benchmark = 1): Promise<Reply> {
  return post(
    '/mlcubes/benchmarks/',
    { model_mlcube: cube, benchmark, metadata: {}, approval_status: status ?? 'PENDING' },
    person,
  );
}
