import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAssociation, requestAssociation } from '../activities/association';
import { approveAssociation, checkRequest, pollAssociation, withdrawAssociation } from '../activities/committee';
import { readSubject } from '../activities/test-subject';
import type { PairInput, RequestResult, TestSubject, WithdrawResult } from '../contract';
import { MedperfRegistry } from '../registry/medperf-registry';
import { FileStore } from '../store/file-store';
import { modelContent } from './model-content';
import { hashOf } from './registry-fixtures';
import { startWithParties } from './registry-parties';
import type { Parties, Party } from './registry-parties';

const signal = new AbortController().signal;
/** What a benchmark is made of, less what the server sets. */
const COPIED = [
  'docs_url',
  'demo_dataset_tarball_url',
  'demo_dataset_tarball_hash',
  'demo_dataset_generated_uid',
  'data_preparation_mlcube',
  'data_evaluator_mlcube',
  'reference_model',
  'reference_model_mlcube',
  'metadata',
];

/** A first attempt that no other follows. */
const ALONE = { begunBefore: false, begin: () => undefined };

interface Withdrawal {
  readonly begunBefore: boolean;
  readonly registry: MedperfRegistry;
  readonly over: string | null;
}

describe.each(['E25', 'HEAD'] as const)('approvals at a server of %s', (dialect) => {
  let parties: Parties;
  let owner: MedperfRegistry;
  let committee: MedperfRegistry;
  let store: FileStore;
  let folder: string;
  let names = 0;

  beforeAll(async () => {
    parties = await startWithParties(dialect);
    owner = registryOf('modelOwner');
    committee = registryOf('benchmarkOwner');
    folder = await mkdtemp(join(tmpdir(), 'medperf-approvals-'));
    store = new FileStore(join(folder, 'store'));
  });
  afterAll(async () => {
    await Promise.all([owner.close(), committee.close()]);
    await parties.server.close();
    await rm(folder, { recursive: true });
  });

  function registryOf(party: Party): MedperfRegistry {
    return new MedperfRegistry({ server: parties.server.url, dialect, authorization: parties.authorization(party) });
  }

  async function change(party: Party, path: string, body: object, method = 'PUT'): Promise<Record<string, unknown>> {
    const reply = await parties.call(party, method, path, body);
    if (reply.status >= 300) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body as Record<string, unknown>;
  }

  /** One of the committee's that is approved and may still be changed. */
  async function newBenchmark(): Promise<number> {
    const { body } = await parties.call('benchmarkOwner', 'GET', '/benchmarks/1/');
    const copy = Object.fromEntries(Object.entries(body as object).filter(([field]) => COPIED.includes(field)));
    const { id } = await change('benchmarkOwner', '/benchmarks/', { ...copy, name: newName() }, 'POST');
    await change('administrator', `/benchmarks/${Number(id)}/`, { approval_status: 'APPROVED' });
    return Number(id);
  }

  function newName(): string {
    return `name-${(names += 1)}`;
  }

  async function newModel(): Promise<number> {
    const name = newName();
    const model = { name, content: modelContent(name, dialect), state: 'OPERATION' } as const;
    return (await owner.registerModel(model)).record.uid;
  }

  async function newPair(): Promise<PairInput> {
    return { profile: 'default', benchmark: await newBenchmark(), modelUid: await newModel() };
  }

  function changeBenchmark({ benchmark }: PairInput, fields: object): Promise<unknown> {
    return change('benchmarkOwner', `/benchmarks/${benchmark}/`, fields);
  }

  function otherDemoData(pair: PairInput): Promise<unknown> {
    return changeBenchmark(pair, { demo_dataset_tarball_hash: hashOf(newName()) });
  }

  async function request(
    pair: PairInput,
    { subject, newest = null }: { readonly subject?: TestSubject; readonly newest?: string | null } = {},
  ): Promise<RequestResult> {
    const results = (await store.putBytes('{"AUC":0.9}')).digest;
    const tested = subject ?? (await readSubject(owner, pair, signal));
    return requestAssociation({ store, registry: owner }, { ...pair, newest, subject: tested, results }, signal);
  }

  /** Like a first attempt, or like one after another that may have withdrawn the request. */
  async function withdraw(
    pair: PairInput,
    { begunBefore = false, registry = owner, over = null }: Partial<Withdrawal> = {},
  ): Promise<WithdrawResult['decision']> {
    const attempts = { begunBefore, begin: () => undefined };
    return (await withdrawAssociation(registry, { ...pair, over }, attempts, signal)).decision;
  }

  async function statusOf({ modelUid, benchmark }: PairInput): Promise<string | null> {
    return (await owner.association(modelUid, benchmark))?.status ?? null;
  }

  /** From the first to the newest. */
  async function rowsOf({ modelUid, benchmark }: PairInput): Promise<string[]> {
    const models = dialect === 'HEAD' ? 'models' : 'mlcubes';
    const { body } = await parties.call('administrator', 'GET', `/${models}/${modelUid}/benchmarks/${benchmark}/`);
    const rows = body as { created_at: string; approval_status: string }[];
    return rows.sort((a, b) => a.created_at.localeCompare(b.created_at)).map((row) => row.approval_status);
  }

  describe('what a test reads', () => {
    it('stays the same while names, texts and addresses change', async () => {
      const pair = await newPair();
      const before = await readSubject(owner, pair, signal);
      await changeBenchmark(pair, {
        name: newName(),
        description: 'other words',
        demo_dataset_tarball_url: 'https://elsewhere.example/demo.tar.gz',
      });
      expect(await readSubject(owner, pair, signal)).toEqual(before);
    });

    it.each<[string, (other: number) => object]>([
      ['the demo data', () => ({ demo_dataset_tarball_hash: hashOf('others') })],
      ['that the demo data is prepared', () => ({ metadata: { demo_dataset_already_prepared: true } })],
      [
        'the reference model',
        (other) => ({ [dialect === 'HEAD' ? 'reference_model' : 'reference_model_mlcube']: other }),
      ],
      ['the metrics', () => ({ data_evaluator_mlcube: 1 })],
      ['the data preparator', () => ({ data_preparation_mlcube: 3 })],
    ])('changes with %s', async (_what, fields) => {
      const pair = await newPair();
      const before = await readSubject(owner, pair, signal);
      await changeBenchmark(pair, fields(await newModel()));
      const after = await readSubject(owner, pair, signal);
      expect(after.model).toBe(before.model);
      expect(after.benchmark).not.toBe(before.benchmark);
    });

    it('is the same before a model is registered and after, but for the model', async () => {
      const { benchmark, profile, modelUid } = await newPair();
      const named = await checkAssociation(
        owner,
        { profile, benchmark, model: { name: newName() }, again: false },
        signal,
      );
      const registered = await checkAssociation(
        owner,
        { profile, benchmark, model: { uid: modelUid }, again: false },
        signal,
      );
      expect(named.subject).toEqual({ ...registered.subject, model: null });
      expect(registered.subject).toEqual(await readSubject(owner, { benchmark, modelUid }, signal));
    });
  });

  it('requests nothing when the benchmark is no longer what was tested', async () => {
    const pair = await newPair();
    const tested = await readSubject(owner, pair, signal);
    await otherDemoData(pair);
    const { changedTo } = await request(pair, { subject: tested });
    expect(changedTo).toEqual(await readSubject(owner, pair, signal));
    expect(await statusOf(pair)).toBeNull();
    expect(await request(pair, { subject: changedTo ?? tested })).toMatchObject({ changedTo: null });
    expect(await statusOf(pair)).toBe('PENDING');
  });

  describe('a request whose answer was lost with its worker', () => {
    it('is found when it is sent again, also when the benchmark has changed since', async () => {
      const pair = await newPair();
      const subject = await readSubject(owner, pair, signal);
      const made = await request(pair, { subject });
      expect(made).toMatchObject({ changedTo: null, carriesResults: true });
      await otherDemoData(pair);
      expect(await request(pair, { subject })).toEqual(made);
      expect(await rowsOf(pair)).toEqual(['PENDING']);
    });

    it('is not repeated when the committee has rejected it since', async () => {
      const pair = await newPair();
      await request(pair);
      const { over: newest } = await withdrawAssociation(owner, { ...pair, over: null }, ALONE, signal);
      const second = await request(pair, { newest });
      await committee.decideAssociation(pair.modelUid, pair.benchmark, 'REJECTED');
      expect(await request(pair, { newest })).toEqual(second);
      expect(await rowsOf(pair)).toEqual(['REJECTED', 'REJECTED']);
    });
  });

  it("tells apart a request of the user's that brought other results", async () => {
    const pair = await newPair();
    await owner.requestAssociation({ ...pair, testResult: { AUC: 0.1 }, newest: null });
    expect(await request(pair)).toMatchObject({ changedTo: null, carriesResults: false });
    expect(await rowsOf(pair)).toEqual(['PENDING']);
  });

  it('looks for a change as long as there is no decision, and for the decision first', async () => {
    const pair = await newPair();
    const subject = await readSubject(owner, pair, signal);
    const look = () => pollAssociation(owner, { ...pair, subject }, signal);
    await expect(look()).rejects.toMatchObject({ type: 'RegistryRejected' });
    await request(pair);
    await expect(look()).rejects.toMatchObject({ type: 'Undecided' });
    await otherDemoData(pair);
    expect(await look()).toEqual({ decision: null, changedTo: await readSubject(owner, pair, signal) });
    await committee.decideAssociation(pair.modelUid, pair.benchmark, 'REJECTED');
    expect(await look()).toEqual({ decision: 'REJECTED' });
  });

  it('shows both sides the results that the newest request brought', async () => {
    const pair = await newPair();
    expect(await committee.sentResults(pair.modelUid, pair.benchmark)).toBeNull();
    const first = await owner.requestAssociation({ ...pair, testResult: { AUC: 0.1 }, newest: null });
    await withdraw(pair);
    await owner.requestAssociation({ ...pair, testResult: { AUC: 0.9 }, newest: first.record.createdAt });
    expect(await committee.sentResults(pair.modelUid, pair.benchmark)).toEqual({ AUC: 0.9 });
    expect(await owner.sentResults(pair.modelUid, pair.benchmark)).toEqual({ AUC: 0.9 });
  });

  describe('withdrawing', () => {
    it("takes one's own pending request back, and finds nothing to do after that", async () => {
      const pair = await newPair();
      expect(await withdraw(pair)).toBeNull();
      await request(pair);
      expect(await withdraw(pair)).toBeNull();
      expect(await statusOf(pair)).toBe('REJECTED');
      expect(await withdraw(pair, { begunBefore: true })).toBeNull();
    });

    it("tells the committee's rejection from its own, and from one that is known", async () => {
      const pair = await newPair();
      await request(pair);
      const { record } = await committee.decideAssociation(pair.modelUid, pair.benchmark, 'REJECTED');
      expect(await withdraw(pair)).toBe('REJECTED');
      expect(await withdraw(pair, { over: record.createdAt })).toBeNull();
    });

    it('tells which row is over afterwards', async () => {
      const pair = await newPair();
      await request(pair);
      const { createdAt } = (await owner.association(pair.modelUid, pair.benchmark))!;
      const withdrawn = await withdrawAssociation(owner, { ...pair, over: null }, ALONE, signal);
      expect(withdrawn).toEqual({ decision: null, over: createdAt });
      expect(await withdrawAssociation(owner, { ...pair, over: createdAt }, ALONE, signal)).toEqual(withdrawn);
    });

    it('tells the next attempt of itself before it sends anything', async () => {
      const pair = await newPair();
      await request(pair);
      const order: string[] = [];
      const begin = (): void => void order.push('begin');
      const unanswered = Object.create(owner, {
        decideAssociation: {
          value: () => {
            order.push('send');
            return Promise.reject(new Error('no answer'));
          },
        },
      }) as MedperfRegistry;
      const attempts = { begunBefore: false, begin };
      await expect(withdrawAssociation(unanswered, { ...pair, over: null }, attempts, signal)).rejects.toThrow(
        'no answer',
      );
      expect(order).toEqual(['begin', 'send']);
    });

    it("leaves somebody else's request alone", async () => {
      const pair = await newPair();
      await committee.requestAssociation({ ...pair, testResult: {}, newest: null });
      expect(await withdraw(pair)).toBeNull();
      expect(await statusOf(pair)).toBe('PENDING');
    });

    it('tells the decision that came first', async () => {
      const pair = await newPair();
      await request(pair);
      await committee.decideAssociation(pair.modelUid, pair.benchmark, 'APPROVED');
      expect(await withdraw(pair)).toBe('APPROVED');
    });

    it.each(['APPROVED', 'REJECTED'] as const)(
      'tells %s when it came between its look and its withdrawal',
      async (decision) => {
        const pair = await newPair();
        await request(pair);
        const registry = Object.create(owner, {
          me: {
            value: async () => {
              await committee.decideAssociation(pair.modelUid, pair.benchmark, decision);
              return owner.me();
            },
          },
        }) as MedperfRegistry;
        expect(await withdraw(pair, { registry })).toBe(decision);
        expect(await statusOf(pair)).toBe(decision);
      },
    );
  });

  describe('a committee that approves after a test', () => {
    it('is told before the test what could not be approved', async () => {
      const pair = await newPair();
      await expect(checkRequest(committee, pair, signal)).rejects.toMatchObject({
        type: 'RegistryRejected',
        facts: { found: 'none' },
      });
      await request(pair);
      await expect(checkRequest(owner, pair, signal)).rejects.toMatchObject({
        type: 'RegistryRejected',
        facts: { what: expect.stringContaining("this profile's own") as string },
      });
      const subject = await readSubject(owner, pair, signal);
      expect(await checkRequest(committee, pair, signal)).toMatchObject({ current: 'pending', subject });
      await withdraw(pair);
      await expect(checkRequest(committee, pair, signal)).rejects.toMatchObject({ facts: { found: 'state REJECTED' } });
    });

    it('approves what was tested and nothing else, however often it is asked', async () => {
      const pair = await newPair();
      await request(pair);
      const { subject } = await checkRequest(committee, pair, signal);
      await otherDemoData(pair);
      const { changedTo } = await approveAssociation(committee, { ...pair, subject }, signal);
      expect(changedTo).toEqual(await readSubject(owner, pair, signal));
      expect(await statusOf(pair)).toBe('PENDING');
      const again = { ...pair, subject: changedTo ?? subject };
      expect(await approveAssociation(committee, again, signal)).toEqual({ changedTo: null });
      await otherDemoData(pair);
      expect(await approveAssociation(committee, again, signal)).toEqual({ changedTo: null });
      expect(await checkRequest(committee, pair, signal)).toMatchObject({ current: 'approved' });
    });
  });
});
