import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action, Digest } from '../contract';
import { FileStore } from '../store/file-store';
import { differencesOf, explainMiss, originRun, recordPastRun } from './action-history';
import { actionKey } from './action-key';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const ACTION: Action = {
  version: 1,
  imageId: digest('a'),
  entrypoint: null,
  command: ['infer', '--data_path=/mlcube_io0', '--weights=/mlcube_io1/w.json', '--output_path=/mlcube_io2'],
  environment: { MODE: 'fast', TOKEN: 'x' },
  inputs: { '/mlcube_io0': digest('b'), '/mlcube_io1': digest('c') },
  outputs: { output_path: { mount: '/mlcube_io2' } },
};
const TASK = { task: 'infer', scope: null, cube: { name: 'my-model' } } as const;

describe('differencesOf', () => {
  it.each<[string, Partial<Action>, object]>([
    ['the image', { imageId: digest('f') }, { part: 'image', was: digest('a'), is: digest('f') }],
    ['the entry point', { entrypoint: ['x'] }, { part: 'entry point', was: 'null', is: '["x"]' }],
    ['the command', { command: ['infer'] }, { part: 'command' }],
    ['the contract', { version: 2 }, { part: 'contract version', was: '1', is: '2' }],
    ['an output', { outputs: {} }, { part: 'outputs', is: '{}' }],
  ])('tells %s', (_, change, expected) => {
    expect(differencesOf(ACTION, { ...ACTION, ...change })).toContainEqual(expect.objectContaining(expected));
  });

  it('tells an input by the name of its parameter', () => {
    const inputs = { ...ACTION.inputs, '/mlcube_io1': digest('d') };
    expect(differencesOf(ACTION, { ...ACTION, inputs })).toEqual([
      { part: 'input', name: 'weights', was: digest('c'), is: digest('d') },
    ]);
  });

  it('tells that a variable differs, and not what it holds', () => {
    const changed = differencesOf(ACTION, { ...ACTION, environment: { TOKEN: 'secret' } });
    expect(changed.map(({ name }) => name)).toEqual(['MODE', 'TOKEN']);
    expect(JSON.stringify(changed)).not.toMatch(/secret|fast/);
  });
});

describe('the history of a task', () => {
  let home: string;
  let store: FileStore;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'medperf-history-'));
    store = new FileStore(home);
  });

  afterEach(() => rm(home, { recursive: true, force: true }));

  const at = (second: number): string => new Date(second * 1000).toISOString();
  const record = (second: number, change: Partial<Action> = {}): Promise<void> =>
    recordPastRun(store, TASK, { ...ACTION, ...change }, { at: at(second), host: 'h', run: `run-${second}` });

  it('compares with the nearest earlier action, of equally near ones with the latest', async () => {
    expect(await explainMiss(store, TASK, ACTION)).toEqual({ reason: 'first' });
    await record(1, { imageId: digest('e'), version: 0 });
    await record(2, { imageId: digest('d') });
    await record(3, { imageId: digest('f') });
    expect(await explainMiss(store, TASK, ACTION)).toEqual({
      reason: 'differs',
      earlier: { at: at(3), host: 'h', run: 'run-3' },
      differences: [{ part: 'image', was: digest('f'), is: digest('a') }],
    });
  });

  it('says when the very same ran before', async () => {
    await record(1);
    expect(await explainMiss(store, TASK, ACTION)).toMatchObject({ reason: 'not-reusable', earlier: { run: 'run-1' } });
    expect(await originRun(store, TASK, actionKey(ACTION), at(1))).toBe('run-1');
  });

  it('stays bounded, and keeps other tasks and users apart', async () => {
    for (let version = 1; version <= 30; version++) await record(version, { version });
    expect(await originRun(store, TASK, actionKey({ ...ACTION, version: 10 }), at(10))).toBeUndefined();
    expect(await originRun(store, TASK, actionKey({ ...ACTION, version: 11 }), at(11))).toBe('run-11');
    expect(await explainMiss(store, { ...TASK, scope: 'somebody' }, ACTION)).toEqual({ reason: 'first' });
    expect(await explainMiss(store, { ...TASK, task: 'evaluate' }, ACTION)).toEqual({ reason: 'first' });
  });
});
