import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type { ActionOutput, Digest } from '../contract';
import { FileStore } from '../store/file-store';
import { measureOutputs } from './output-size';
import { collectOutputs, outputsAreFull } from './outputs';

const run = promisify(execFile);
const LIMITS = { outputBytes: 10_000, outputFiles: 10 };
let scratch: string;
let folder: string;
let store: FileStore;

beforeEach(async () => {
  scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'medperf-outputs-'));
  folder = path.join(scratch, 'out', '0');
  await fs.mkdir(folder, { recursive: true });
  store = new FileStore(path.join(scratch, 'store'));
});

afterEach(() => fs.rm(scratch, { recursive: true, force: true }));

function collect(folders = [folder], output: Partial<ActionOutput> = {}): Promise<Record<string, Digest>> {
  const outputs = Object.fromEntries(folders.map((_, at) => [`output${at}`, { mount: `/out${at}`, ...output }]));
  const request = { action: { outputs }, limits: LIMITS, signal: new AbortController().signal };
  return collectOutputs(store, request as unknown as Parameters<typeof collectOutputs>[1], folders, []);
}

const put = (name: string, content: string | Buffer = 'x') => fs.writeFile(path.join(folder, name), content);

describe('collecting outputs', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a link', () => fs.symlink('/etc/passwd', path.join(folder, 'link'))],
    ['a link to a folder', () => fs.symlink('/', path.join(folder, 'link'))],
    ['a FIFO', () => run('mkfifo', [path.join(folder, 'fifo')])],
    [
      'a sparse giant',
      async () => {
        await put('giant', '');
        await fs.truncate(path.join(folder, 'giant'), 100e9);
      },
    ],
    ['too many bytes in small files', () => Promise.all([1, 2, 3].map((n) => put(String(n), Buffer.alloc(4000))))],
    [
      'too many bytes by hard links',
      async () => {
        await put('one', Buffer.alloc(4000));
        for (const n of [1, 2]) await fs.link(path.join(folder, 'one'), path.join(folder, `link${n}`));
      },
    ],
    ['too many files', () => Promise.all(Array.from({ length: 11 }, (_, n) => put(String(n))))],
    [
      'too many folders',
      () => Promise.all(Array.from({ length: 11 }, (_, n) => fs.mkdir(path.join(folder, String(n))))),
    ],
    [
      'a name that is not text',
      () => fs.writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), 'x'),
    ],
  ])('refuses %s', async (_, make) => {
    await make();
    await expect(collect()).rejects.toMatchObject({ type: 'ContainerFailed' });
    await expect(collect()).rejects.not.toThrow(scratch);
  });

  it('takes odd names as they are, hard links as copies, and no special right', async () => {
    for (const name of ['..x', '...', 'two\nlines', ' ', '-rf']) await put(name);
    await fs.link(path.join(folder, '-rf'), path.join(folder, 'again'));
    await fs.chmod(path.join(folder, '...'), 0o6755);
    const tree = (await collect())['output0']!;
    const entries = await store.listDirectory(tree);
    expect(Object.keys(entries).sort()).toEqual(['..x', '...', 'two\nlines', ' ', '-rf', 'again'].sort());
    const target = path.join(scratch, 'copy');
    await store.materialise(tree, target, 'copy');
    expect((await fs.stat(path.join(target, '...'))).mode & 0o7000).toBe(0);
  });

  it("leaves out the cube's progress file, in the root only", async () => {
    await put('.medperf-progress', '1/2');
    await fs.mkdir(path.join(folder, 'deep'));
    await put('deep/.medperf-progress');
    const tree = (await collect())['output0']!;
    expect(Object.keys(await store.listDirectory(tree))).toEqual(['deep']);
    expect(await store.lookUp(tree, 'deep/.medperf-progress')).not.toBeNull();
  });

  it('counts all outputs together', async () => {
    const second = path.join(scratch, 'out', '1');
    await fs.mkdir(second);
    await put('big', Buffer.alloc(6000));
    await fs.writeFile(path.join(second, 'big'), Buffer.alloc(6000));
    await expect(collect([folder, second])).rejects.toMatchObject({ type: 'ContainerFailed' });
    await fs.truncate(path.join(second, 'big'), 3000);
    expect(Object.keys(await collect([folder, second]))).toHaveLength(2);
  });

  it('refuses a sparse giant in place of the one file', async () => {
    await put('scores.json', '');
    await fs.truncate(path.join(folder, 'scores.json'), 100e9);
    await expect(collect([folder], { file: 'scores.json' })).rejects.toMatchObject({ type: 'ContainerFailed' });
  });

  it('takes the one file that was mounted by itself, also an empty one', async () => {
    const output = { mount: '/results/scores.yaml', touched: true } as const;
    await put('scores.yaml', '');
    const empty = (await collect([folder], output))['output0']!;
    expect(await store.sizeOf(empty)).toBe(0);
    await fs.truncate(path.join(folder, 'scores.yaml'), 100e9);
    await expect(collect([folder], output)).rejects.toMatchObject({ type: 'ContainerFailed' });
  });
});

describe('measuring outputs', () => {
  it('counts bytes and names without following links or stumbling over odd names', async () => {
    await fs.mkdir(path.join(folder, 'deep'));
    await fs.writeFile(Buffer.concat([Buffer.from(`${folder}/deep/`), Buffer.from([0xff])]), 'four');
    await fs.symlink('/', path.join(folder, 'link'));
    await put('.medperf-progress', 'not counted');
    expect(await measureOutputs([folder], LIMITS)).toEqual({ bytes: 4, entries: 3 });
  });

  it('stops just beyond a limit', async () => {
    for (let n = 0; n < 50; n++) await put(String(n));
    expect((await measureOutputs([folder], LIMITS)).entries).toBe(11);
  });

  it('measures nothing where nothing is', async () => {
    expect(await measureOutputs([path.join(scratch, 'gone')], LIMITS)).toEqual({ bytes: 0, entries: 0 });
  });

  it('tells which limit the outputs have reached', async () => {
    expect(await outputsAreFull([folder], LIMITS)).toBe(false);
    for (let n = 0; n < 10; n++) await put(String(n));
    expect(await outputsAreFull([folder], LIMITS)).toBe('outputFiles');
    await put('0', Buffer.alloc(10_000));
    expect(await outputsAreFull([folder], LIMITS)).toBe('outputBytes');
  });
});
