import type { HostedMlcube } from '../contract';
import { exampleTutorial } from '../devstack/registry';
import { FaultProxy } from './fault-proxy';
import type { Fault } from './fault-proxy';
import { cubeFields, hashOf } from './registry-fixtures';
import { startWithParties } from './registry-parties';
import type { Parties, Party } from './registry-parties';
import { MedperfRegistry } from '../registry/medperf-registry';
import type { NewCube } from '../registry';

const TUTORIAL = exampleTutorial('E25');

let proxy: FaultProxy;
let parties: Parties;
let owner: MedperfRegistry;
let benchmarkOwner: MedperfRegistry;
const pauses: number[] = [];

beforeAll(async () => {
  parties = await startWithParties('E25');
  proxy = await FaultProxy.before(parties.server.url);
  owner = registryOf('modelOwner');
  benchmarkOwner = registryOf('benchmarkOwner');
}, 60_000);
afterAll(async () => {
  await Promise.all([owner.close(), benchmarkOwner.close()]);
  await proxy.close();
  await parties.server.close();
});

function registryOf(party: Party): MedperfRegistry {
  const pause = (milliseconds: number): Promise<void> => Promise.resolve(void pauses.push(milliseconds));
  return new MedperfRegistry({ server: proxy.url, authorization: parties.authorization(party), pause });
}

function newCube(
  name: string,
  { state = 'OPERATION', ...content }: Partial<HostedMlcube> & Partial<Pick<NewCube, 'state'>> = {},
): NewCube {
  return {
    name,
    content: {
      format: 'mlcube',
      urls: { manifestUrl: 'https://h.example/mlcube.yaml' },
      hashes: { manifestHash: hashOf(`files of ${name}`), imageHash: hashOf('image') },
      ...content,
    },
    state,
  };
}

async function register(name: string, registry = owner): Promise<number> {
  return (await registry.registerCube(newCube(name))).record.uid;
}

async function cubesNamed(name: string): Promise<number> {
  let count = 0;
  for await (const cube of owner.cubes()) if (cube.name === name) count += 1;
  return count;
}

async function rowsOf(cube: number): Promise<number> {
  return ((await parties.call('administrator', 'GET', `/mlcubes/${cube}/benchmarks/1/`)).body as object[]).length;
}

const LOST: Fault[] = ['drop the answer', 'answer 502'];

describe('reading', () => {
  it('tells who is signed in, and reads benchmarks and cubes', async () => {
    expect(await owner.me()).toEqual({ uid: 4, username: 'testmo', email: 'testmo@example.com' });
    expect(await owner.benchmark(1)).toMatchObject({
      name: 'chestxray',
      approvalStatus: 'APPROVED',
      state: 'OPERATION',
      demoDatasetHash: TUTORIAL.benchmark.demoDatasetHash,
      demoDatasetPrepared: false,
      dataPreparator: 2,
      referenceModel: 3,
      evaluator: 4,
    });
    expect(await owner.cube(3)).toMatchObject({
      name: 'chestxray_cnn',
      owner: 3,
      content: {
        urls: { manifestUrl: TUTORIAL.referenceModel.manifestUrl },
        hashes: { manifestHash: TUTORIAL.referenceModel.manifestHash, imageHash: TUTORIAL.referenceModel.imageHash },
      },
    });
    const { content } = await owner.cube(3);
    expect(Object.keys((content as HostedMlcube).urls)).toEqual(['manifestUrl']);
  });

  it('says what does not exist, and who may see it', async () => {
    await expect(owner.cube(999)).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { what: 'Cube 999 could not be read.', found: 'HTTP 404: Not found' },
    });
    await expect(owner.association(2, 1)).rejects.toMatchObject({ type: 'RegistryRejected' });
  });

  it('asks to sign in again when the token is no good', async () => {
    const stranger = new MedperfRegistry({
      server: parties.server.url,
      authorization: () => Promise.resolve('Bearer nobody'),
    });
    await expect(stranger.me()).rejects.toMatchObject({
      type: 'NeedsAttention',
      facts: {
        found: expect.stringMatching(/^HTTP 401: Given token not valid for any token type/) as unknown,
        next: expect.stringContaining('temporal-medperf login') as unknown,
      },
    });
    await stranger.close();
  });

  it('goes on after faults that pass, and says the registry is unavailable after those that do not', async () => {
    pauses.length = 0;
    proxy.spoil('GET', '/me/', 'drop the answer');
    proxy.spoil('GET', '/me/', 'answer 503 without work');
    expect(await owner.me()).toMatchObject({ uid: 4 });
    expect(pauses).toEqual([expect.any(Number), 0]);
    proxy.spoil('GET', '/me/', 'answer 503 and ask for an hour');
    await expect(owner.me()).rejects.toMatchObject({ type: 'RegistryUnavailable' });
    expect(pauses).toHaveLength(2);
    for (let i = 0; i < 3; i += 1) proxy.spoil('GET', '/me/', 'answer 502');
    await expect(owner.me()).rejects.toMatchObject({ type: 'RegistryUnavailable' });
  });

  it('does not take a cancelled call for a fault', async () => {
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(owner.me(controller.signal)).rejects.toThrow('enough');
  });

  it('follows a list over its pages', async () => {
    const all = Array.from({ length: 40 }, (_, index) => `paged_${index}`);
    for (const name of all) await parties.call('dataOwner', 'POST', '/mlcubes/', cubeFields(name));
    const dataOwner = registryOf('dataOwner');
    const found: string[] = [];
    for await (const cube of dataOwner.cubes({ mine: true })) found.push(cube.name);
    expect(found).toEqual(all);
    await dataOwner.close();
  });
});

describe('registering a cube', () => {
  it('registers once and adopts the identical record afterwards', async () => {
    const first = await owner.registerCube(newCube('once'));
    expect(first).toMatchObject({ adopted: false, record: { name: 'once', owner: 4, state: 'OPERATION' } });
    expect(await owner.registerCube({ ...newCube('once'), name: ' once ' })).toEqual({ ...first, adopted: true });
    expect(await cubesNamed('once')).toBe(1);
  });

  it.each(LOST)('makes one cube when the proxy has to %s', async (fault) => {
    const name = `lost ${fault}`.slice(0, 20);
    proxy.spoil('POST', '/mlcubes/', fault);
    expect(await owner.registerCube(newCube(name))).toMatchObject({ adopted: true, record: { name } });
    expect(await cubesNamed(name)).toBe(1);
  });

  it('does not send again by itself when nothing was registered', async () => {
    proxy.spoil('POST', '/mlcubes/', 'answer 503 without work');
    await expect(owner.registerCube(newCube('unlucky'))).rejects.toMatchObject({ type: 'RegistryUnavailable' });
    expect(await cubesNamed('unlucky')).toBe(0);
    expect(await owner.registerCube(newCube('unlucky'))).toMatchObject({ adopted: false });
  });

  it('makes one cube of two identical requests at once', async () => {
    const both = await Promise.all([owner.registerCube(newCube('both')), owner.registerCube(newCube('both'))]);
    expect(both[0].record).toEqual(both[1].record);
    expect(await cubesNamed('both')).toBe(1);
  });

  it('asks for a new name for a new version, naming what differs', async () => {
    const uid = await register('versioned');
    const next = newCube('versioned', { hashes: { manifestHash: hashOf('v2'), imageHash: hashOf('image') } });
    await expect(owner.registerCube(next)).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: {
        what: expect.stringContaining(`cube ${uid}`) as unknown,
        found: 'other values of mlcube_hash',
        next: expect.stringContaining('new name') as unknown,
      },
    });
  });

  it('tells whose the name is', async () => {
    await expect(owner.registerCube(newCube('chestxray_cnn'))).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: {
        what: 'The name "chestxray_cnn" is taken by cube 3 of user 3.',
        found: 'HTTP 400: name: ml cube with this name already exists',
      },
    });
  });

  it('tells which cube has the same files', async () => {
    const { manifestHash, imageHash = '' } = TUTORIAL.referenceModel;
    const copy = newCube('copy', { hashes: { manifestHash, imageHash } });
    await expect(owner.registerCube(copy)).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { what: expect.stringMatching(/cube 3 \("chestxray_cnn"\) of user 3/) as unknown },
    });
    const uid = await register('original');
    await expect(owner.registerCube({ ...newCube('original'), name: 'renamed' })).rejects.toMatchObject({
      facts: { next: expect.stringContaining(`Use cube ${uid}`) as unknown },
    });
  });

  it('makes a cube in development operational, and not the other way', async () => {
    const { record } = await owner.registerCube(newCube('grows_up', { state: 'DEVELOPMENT' }));
    expect(record.state).toBe('DEVELOPMENT');
    expect(await owner.registerCube(newCube('grows_up'))).toMatchObject({
      adopted: true,
      record: { uid: record.uid, state: 'OPERATION' },
    });
    await expect(owner.registerCube(newCube('grows_up', { state: 'DEVELOPMENT' }))).rejects.toMatchObject({
      type: 'RegistryRejected',
    });
  });

  it("refuses a bad name before asking, and passes the server's other words on", async () => {
    for (const name of ['', '  ', 'x'.repeat(21)]) {
      await expect(owner.registerCube(newCube(name))).rejects.toMatchObject({ type: 'InvalidRequest' });
    }
    const halfPair = newCube('half', {
      urls: { manifestUrl: 'https://h.example/m', parametersUrl: 'https://h.example/p' },
    });
    await expect(owner.registerCube(halfPair)).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { found: expect.stringContaining('Parameters require') as unknown },
    });
  });
});

describe('requesting an association', () => {
  const request = (
    modelUid: number,
    newest: string | null = null,
    registry = owner,
  ): ReturnType<MedperfRegistry['requestAssociation']> =>
    registry.requestAssociation({ modelUid, benchmark: 1, testResult: { AUC: 0.9 }, newest });

  it('requests once and adopts its own pending row and an approved one', async () => {
    const cube = await register('asks');
    const first = await request(cube);
    expect(first).toMatchObject({
      adopted: false,
      record: { modelUid: cube, benchmark: 1, status: 'PENDING', initiatedBy: 4 },
    });
    expect(await request(cube)).toEqual({ ...first, adopted: true });
    await benchmarkOwner.decideAssociation(cube, 1, 'APPROVED');
    expect(await request(cube)).toMatchObject({ adopted: true, record: { status: 'APPROVED' } });
    expect(await rowsOf(cube)).toBe(1);
    const rows = await parties.call('modelOwner', 'GET', '/me/mlcubes/associations/');
    expect(rows.body).toMatchObject({ results: [{ metadata: { test_result: { AUC: 0.9 } } }] });
  });

  it.each(LOST)('makes one row when the proxy has to %s', async (fault) => {
    const cube = await register(`asks ${fault}`.slice(0, 20));
    proxy.spoil('POST', '/mlcubes/benchmarks/', fault);
    expect(await request(cube)).toMatchObject({ adopted: true, record: { status: 'PENDING' } });
    expect(await rowsOf(cube)).toBe(1);
  });

  it('does not take a row that was known before for a lost request', async () => {
    const cube = await register('asks_in_vain');
    const { createdAt } = (await request(cube)).record;
    await owner.decideAssociation(cube, 1, 'REJECTED');
    proxy.spoil('POST', '/mlcubes/benchmarks/', 'answer 503 without work');
    await expect(request(cube, createdAt)).rejects.toMatchObject({ type: 'RegistryUnavailable' });
    expect(await rowsOf(cube)).toBe(1);
  });

  it('makes one row of two requests at once', async () => {
    const cube = await register('asks_twice');
    const both = await Promise.all([request(cube), request(cube)]);
    expect(both[0].record).toEqual(both[1].record);
    expect(await rowsOf(cube)).toBe(1);
  });

  it('asks again after a rejection that was known, and takes a new one for the answer', async () => {
    const cube = await register('asks_again');
    const { createdAt } = (await request(cube)).record;
    await benchmarkOwner.decideAssociation(cube, 1, 'REJECTED');
    expect(await request(cube)).toMatchObject({ adopted: true, record: { createdAt, status: 'REJECTED' } });
    expect(await rowsOf(cube)).toBe(1);
    expect(await request(cube, createdAt)).toMatchObject({ adopted: false, record: { status: 'PENDING' } });
    expect(await rowsOf(cube)).toBe(2);
    expect((await owner.associations()).filter((row) => row.modelUid === cube)).toMatchObject([{ status: 'PENDING' }]);
  });

  it("leads to the approval of somebody else's pending request", async () => {
    const cube = await register('is_asked');
    await request(cube, null, benchmarkOwner);
    await expect(request(cube)).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { next: expect.stringContaining('association approve') as unknown },
    });
    expect(await owner.decideAssociation(cube, 1, 'APPROVED')).toMatchObject({
      record: { status: 'APPROVED', initiatedBy: 3 },
    });
  });

  it("passes the server's reasons on", async () => {
    const { record } = await owner.registerCube(newCube('unready', { state: 'DEVELOPMENT' }));
    await expect(request(record.uid)).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { found: expect.stringContaining('operational model mlcube') as unknown },
    });
  });
});

describe('deciding on an association', () => {
  it.each(LOST)('is decided once when the proxy has to %s', async (fault) => {
    const cube = await register(`waits ${fault}`.slice(0, 20));
    await owner.requestAssociation({ modelUid: cube, benchmark: 1, testResult: {}, newest: null });
    proxy.spoil('PUT', `/mlcubes/${cube}/benchmarks/1/`, fault);
    const record = { status: 'APPROVED' };
    expect(await benchmarkOwner.decideAssociation(cube, 1, 'APPROVED')).toMatchObject({ record, found: false });
    expect(await benchmarkOwner.decideAssociation(cube, 1, 'APPROVED')).toMatchObject({ record, found: true });
    await expect(benchmarkOwner.decideAssociation(cube, 1, 'REJECTED')).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { found: 'state APPROVED' },
    });
  });

  it('lets the initiator withdraw but not approve, and knows when there is nothing to decide', async () => {
    const cube = await register('withdraws');
    expect(await owner.association(cube, 1)).toBeNull();
    await expect(owner.decideAssociation(cube, 1, 'REJECTED')).rejects.toMatchObject({
      facts: { found: 'no request' },
    });
    await owner.requestAssociation({ modelUid: cube, benchmark: 1, testResult: {}, newest: null });
    await expect(owner.decideAssociation(cube, 1, 'APPROVED')).rejects.toMatchObject({
      type: 'RegistryRejected',
      facts: { found: expect.stringContaining('Same user cannot approve') as unknown },
    });
    expect(await owner.decideAssociation(cube, 1, 'REJECTED')).toMatchObject({ record: { status: 'REJECTED' } });
  });
});
