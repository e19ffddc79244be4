import { seedTutorial, startRegistry } from '../devstack/registry';
import type { RunningRegistry } from '../devstack/registry';
import { MedperfError } from '../contract';
import type { NewCube } from '../registry';
import { MedperfRegistry } from '../registry/medperf-registry';
import { FaultProxy } from './fault-proxy';
import type { Fault } from './fault-proxy';
import { hashOf, People, TUTORIAL } from './registry-fixtures';
import type { Person } from './registry-fixtures';

/** After the server did the work, but for the last. */
const FAULTS: Fault[] = [
  'drop the answer',
  'keep the answer back',
  'double the request',
  'answer 502',
  'answer 503 without work',
];
/** As Temporal does with a step whose registry does not answer. */
const ATTEMPTS = 4;

let server: RunningRegistry;
let proxy: FaultProxy;
let people: People;
let owner: MedperfRegistry;
let committee: MedperfRegistry;
/** The two as they usually are, and with a short deadline. */
let patient: readonly [MedperfRegistry, MedperfRegistry];
let hasty: readonly [MedperfRegistry, MedperfRegistry];
/** Speaks to the server itself, to prepare and to count. */
let direct: MedperfRegistry;
let names = 0;

beforeAll(async () => {
  server = await startRegistry({ dialect: 'E25', database: {} });
  await seedTutorial(server, TUTORIAL);
  proxy = await FaultProxy.before(server.url);
  people = new People(server.url);
  direct = registryOf('testmodelowner', server.url);
  patient = bothThroughProxy();
  hasty = bothThroughProxy(700);
}, 60_000);
afterAll(async () => {
  await Promise.all([direct, ...patient, ...hasty].map((client) => client.close()));
  await proxy.close();
  await server.close();
});

function registryOf(person: Person, address: string, milliseconds = 60_000): MedperfRegistry {
  return new MedperfRegistry({
    server: address,
    authorization: people.authorization(person),
    pause: () => Promise.resolve(),
    limits: { milliseconds, bytes: 1024 ** 2 },
  });
}

function bothThroughProxy(milliseconds?: number): readonly [MedperfRegistry, MedperfRegistry] {
  return [
    registryOf('testmodelowner', proxy.url, milliseconds),
    registryOf('testbenchmarkowner', proxy.url, milliseconds),
  ];
}

function newCube(state: NewCube['state'] = 'OPERATION'): NewCube {
  const name = `cube-${(names += 1)}`;
  const hashes = { manifestHash: hashOf(`files of ${name}`), imageHash: hashOf('image') };
  const urls = { manifestUrl: 'https://h.example/mlcube.yaml' };
  return { name, content: { format: 'mlcube', urls, hashes }, state };
}

async function registered(): Promise<number> {
  return (await direct.registerCube(newCube())).record.uid;
}

async function requested(): Promise<{ modelUid: number; benchmark: number }> {
  const pair = { modelUid: await registered(), benchmark: 1 };
  await direct.requestAssociation({ ...pair, testResult: {}, again: false });
  return pair;
}

async function cubesNamed(name: string): Promise<number> {
  let count = 0;
  for await (const cube of direct.cubes()) if (cube.name === name) count += 1;
  return count;
}

async function rowsOf(modelUid: number): Promise<string[]> {
  const { body } = await people.call('admin', 'GET', `/mlcubes/${modelUid}/benchmarks/1/`);
  return (body as { approval_status: string }[]).map((row) => row.approval_status);
}

async function allOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** Prepares what a call is about, and answers how to make the call and what must be so afterwards. */
type Scene = () => Promise<{ call: () => Promise<unknown>; check: (answer: unknown) => Promise<void> | void }>;

function reading(call: () => Promise<unknown>, expected: object): Scene {
  return () => Promise.resolve({ call, check: (answer) => expect(answer).toMatchObject(expected) });
}

const SCENES: Readonly<Record<string, Scene>> = {
  me: reading(() => owner.me(), { username: 'testmodelowner' }),
  benchmark: reading(() => owner.benchmark(1), { uid: 1 }),
  benchmarks: reading(() => allOf(owner.benchmarks()), [{ uid: 1 }]),
  cube: reading(() => owner.cube(2), { uid: 2 }),
  'cubes of all': async () => {
    const cubes = await allOf(direct.cubes());
    return { call: () => allOf(owner.cubes()), check: (answer) => expect(answer).toEqual(cubes) };
  },
  associations: async () => {
    const { modelUid } = await requested();
    const check = (answer: unknown): void =>
      expect(answer).toContainEqual(expect.objectContaining({ modelUid, status: 'PENDING' }));
    return { call: () => owner.associations(), check };
  },
  association: async () => {
    const { modelUid, benchmark } = await requested();
    return {
      call: () => owner.association(modelUid, benchmark),
      check: (answer) => expect(answer).toMatchObject({ modelUid, status: 'PENDING' }),
    };
  },
  'registering a cube': () => {
    const cube = newCube();
    const check = async (answer: unknown): Promise<void> => {
      expect(answer).toMatchObject({ record: { name: cube.name, state: 'OPERATION', content: cube.content } });
      expect(await cubesNamed(cube.name)).toBe(1);
    };
    return Promise.resolve({ call: () => owner.registerCube(cube), check });
  },
  'making a cube operational': async () => {
    const cube = newCube('DEVELOPMENT');
    const { uid } = (await direct.registerCube(cube)).record;
    const check = async (): Promise<void> => {
      expect(await direct.cube(uid)).toMatchObject({ state: 'OPERATION' });
      expect(await cubesNamed(cube.name)).toBe(1);
    };
    return { call: () => owner.registerCube({ ...cube, state: 'OPERATION' }), check };
  },
  'requesting an association': async () => {
    const modelUid = await registered();
    return {
      call: () => owner.requestAssociation({ modelUid, benchmark: 1, testResult: {}, again: false }),
      check: async (answer) => {
        expect(answer).toMatchObject({ record: { modelUid, status: 'PENDING' } });
        expect(await rowsOf(modelUid)).toEqual(['PENDING']);
      },
    };
  },
  'requesting one again': async () => {
    const { modelUid } = await requested();
    await direct.decideAssociation(modelUid, 1, 'REJECTED');
    return {
      call: () => owner.requestAssociation({ modelUid, benchmark: 1, testResult: {}, again: true }),
      check: async (answer) => {
        expect(answer).toMatchObject({ record: { status: 'PENDING' } });
        expect((await rowsOf(modelUid)).sort()).toEqual(['PENDING', 'REJECTED']);
      },
    };
  },
  'approving an association': async () => {
    const { modelUid } = await requested();
    return {
      call: () => committee.decideAssociation(modelUid, 1, 'APPROVED'),
      check: async (answer) => {
        expect(answer).toMatchObject({ status: 'APPROVED' });
        expect(await rowsOf(modelUid)).toEqual(['APPROVED']);
      },
    };
  },
  'rejecting an association': async () => {
    const { modelUid } = await requested();
    return {
      call: () => committee.decideAssociation(modelUid, 1, 'REJECTED'),
      check: async () => expect(await rowsOf(modelUid)).toEqual(['REJECTED']),
    };
  },
  'withdrawing a request': async () => {
    const { modelUid } = await requested();
    return {
      call: () => owner.decideAssociation(modelUid, 1, 'REJECTED'),
      check: async () => expect(await rowsOf(modelUid)).toEqual(['REJECTED']),
    };
  },
};

/** Again while the registry is said to be unavailable. */
async function untilAnswered(call: () => Promise<unknown>): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof MedperfError) || error.type !== 'RegistryUnavailable' || attempt === ATTEMPTS) throw error;
    }
  }
}

/** `docs/reliability.md` shows this table. */
describe.each(Object.keys(SCENES))('%s', (name) => {
  it.each(FAULTS)('comes to the same when the way there has to %s, at each of its requests', async (fault) => {
    const scene = SCENES[name]!;
    [owner, committee] = patient;
    const plain = await scene();
    const before = proxy.seen.length;
    await plain.check(await plain.call());
    const requests = proxy.seen.length - before;
    expect(requests).toBeGreaterThan(0);
    for (let at = 0; at < requests; at += 1) {
      [owner, committee] = fault === 'keep the answer back' ? hasty : patient;
      const { call, check } = await scene();
      proxy.spoilAfter(at, fault);
      await check(await untilAnswered(call));
      expect(proxy.unspoilt).toBe(false);
    }
  });
});
