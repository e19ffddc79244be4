import { MedperfError } from '../contract';
import type { NewCube } from '../registry';
import { MedperfRegistry } from '../registry/medperf-registry';
import { newDataset, newResult } from './data-owner-rows';
import { FaultProxy } from './fault-proxy';
import type { Fault } from './fault-proxy';
import { modelContent } from './model-content';
import { startWithParties } from './registry-parties';
import type { Parties, Party } from './registry-parties';

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

export type FaultyDialect = 'E25' | 'HEAD';

/** Uids of the tutorial's reference model, and of the cube that it is. */
const REFERENCES: Readonly<Record<FaultyDialect, { readonly model: number; readonly cube: number }>> = {
  E25: { model: 3, cube: 3 },
  HEAD: { model: 1, cube: 3 },
};

let dialect: FaultyDialect;
let proxy: FaultProxy;
let parties: Parties;
let owner: MedperfRegistry;
let committee: MedperfRegistry;
/** The two as they usually are, and with a short deadline. */
let patient: readonly [MedperfRegistry, MedperfRegistry];
let hasty: readonly [MedperfRegistry, MedperfRegistry];
/** Speaks to the server itself, to prepare and to count. */
let direct: MedperfRegistry;
let names = 0;

async function start(): Promise<void> {
  parties = await startWithParties(dialect);
  proxy = await FaultProxy.before(parties.server.url);
  direct = registryOf('modelOwner', parties.server.url);
  patient = bothThroughProxy();
  hasty = bothThroughProxy(700);
}

async function stop(): Promise<void> {
  await Promise.all([direct, ...patient, ...hasty].map((client) => client.close()));
  await proxy.close();
  await parties.server.close();
}

function registryOf(party: Party, address: string, milliseconds = 60_000): MedperfRegistry {
  return new MedperfRegistry({
    server: address,
    dialect,
    authorization: parties.authorization(party),
    pause: () => Promise.resolve(),
    limits: { milliseconds, bytes: 1024 ** 2 },
  });
}

function bothThroughProxy(milliseconds?: number): readonly [MedperfRegistry, MedperfRegistry] {
  return [registryOf('modelOwner', proxy.url, milliseconds), registryOf('benchmarkOwner', proxy.url, milliseconds)];
}

function newName(): string {
  return `name-${(names += 1)}`;
}

function newCube(state: NewCube['state'] = 'OPERATION'): NewCube {
  const name = newName();
  return { name, content: modelContent(name, dialect), state };
}

async function registered(): Promise<number> {
  return (await direct.registerModel(newCube())).record.uid;
}

async function requested(): Promise<{ modelUid: number; benchmark: number }> {
  const pair = { modelUid: await registered(), benchmark: 1 };
  await direct.requestAssociation({ ...pair, testResult: {}, newest: null });
  return pair;
}

async function cubesNamed(name: string): Promise<number> {
  let count = 0;
  for await (const cube of direct.cubes()) if (cube.name === name) count += 1;
  return count;
}

async function modelsNamed(name: string): Promise<number> {
  let count = 0;
  for await (const model of direct.models()) if (model.name === name) count += 1;
  return count;
}

async function rowsOf(modelUid: number): Promise<string[]> {
  const models = dialect === 'HEAD' ? 'models' : 'mlcubes';
  const { body } = await parties.call('administrator', 'GET', `/${models}/${modelUid}/benchmarks/1/`);
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
  me: reading(() => owner.me(), { username: 'testmo' }),
  benchmark: reading(() => owner.benchmark(1), { uid: 1 }),
  benchmarks: reading(() => allOf(owner.benchmarks()), [{ uid: 1 }]),
  cube: reading(() => owner.cube(REFERENCES[dialect].cube), { name: 'chestxray_cnn' }),
  model: reading(() => owner.model(REFERENCES[dialect].model), {
    name: 'chestxray_cnn',
    cube: { name: 'chestxray_cnn' },
  }),
  'models of all': async () => {
    const models = await allOf(direct.models());
    return { call: () => allOf(owner.models()), check: (answer) => expect(answer).toEqual(models) };
  },
  'cubes of all': async () => {
    const cubes = await allOf(direct.cubes());
    return { call: () => allOf(owner.cubes()), check: (answer) => expect(answer).toEqual(cubes) };
  },
  dataset: async () => {
    const uid = await newDataset(parties, newName());
    return { call: () => owner.dataset(uid), check: (answer) => expect(answer).toMatchObject({ uid }) };
  },
  'datasets of all': async () => {
    await newDataset(parties, newName());
    const datasets = await allOf(direct.datasets());
    return { call: () => allOf(owner.datasets()), check: (answer) => expect(answer).toEqual(datasets) };
  },
  result: async () => {
    const uid = await newResult(parties, await newDataset(parties, newName()));
    return { call: () => committee.result(uid), check: (answer) => expect(answer).toMatchObject({ uid }) };
  },
  "a benchmark's results": async () => {
    const uid = await newResult(parties, await newDataset(parties, newName()));
    const check = (answer: unknown): void => expect(answer).toContainEqual(expect.objectContaining({ uid }));
    return { call: () => allOf(committee.results({ benchmark: 1 })), check };
  },
  "a request's results": async () => {
    const { modelUid, benchmark } = await requested();
    return { call: () => committee.sentResults(modelUid, benchmark), check: (answer) => expect(answer).toEqual({}) };
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
  'registering a model': () => {
    const cube = newCube();
    const check = async (answer: unknown): Promise<void> => {
      const record = { name: cube.name, state: 'OPERATION', cube: { state: 'OPERATION', content: cube.content } };
      expect(answer).toMatchObject({ record });
      expect([await modelsNamed(cube.name), await cubesNamed(cube.name)]).toEqual([1, 1]);
    };
    return Promise.resolve({ call: () => owner.registerModel(cube), check });
  },
  'making a model operational': async () => {
    const cube = newCube('DEVELOPMENT');
    const { uid } = (await direct.registerModel(cube)).record;
    const check = async (): Promise<void> => {
      expect(await direct.model(uid)).toMatchObject({ state: 'OPERATION', cube: { state: 'OPERATION' } });
      expect([await modelsNamed(cube.name), await cubesNamed(cube.name)]).toEqual([1, 1]);
    };
    return { call: () => owner.registerModel({ ...cube, state: 'OPERATION' }), check };
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
      call: () => owner.requestAssociation({ modelUid, benchmark: 1, testResult: {}, newest: null }),
      check: async (answer) => {
        expect(answer).toMatchObject({ record: { modelUid, status: 'PENDING' } });
        expect(await rowsOf(modelUid)).toEqual(['PENDING']);
      },
    };
  },
  'requesting one again': async () => {
    const { modelUid } = await requested();
    const { createdAt: newest } = (await direct.decideAssociation(modelUid, 1, 'REJECTED')).record;
    return {
      call: () => owner.requestAssociation({ modelUid, benchmark: 1, testResult: {}, newest }),
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
        expect(answer).toMatchObject({ record: { status: 'APPROVED' } });
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
  'setting a priority': async () => {
    const { modelUid } = await requested();
    return {
      call: () => committee.setPriority(modelUid, 1, 7),
      check: async (answer) => {
        expect(answer).toMatchObject({ priority: 7, status: 'PENDING' });
        expect(await direct.association(modelUid, 1)).toMatchObject({ priority: 7 });
        expect(await rowsOf(modelUid)).toEqual(['PENDING']);
      },
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

/** `docs/reliability.md` shows this table: each call against each fault, at each of its requests. */
export function faultTable(spoken: FaultyDialect): void {
  beforeAll(() => {
    dialect = spoken;
    return start();
  }, 60_000);
  afterAll(stop);
  describe.each(Object.keys(SCENES))('%s', comesToTheSame);
}

function comesToTheSame(name: string): void {
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
}
