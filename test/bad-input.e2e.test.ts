import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXAMPLE_CUBES } from './embedded-stack';
import { MedperfStack } from './medperf-stack';
import type { Ran } from './medperf-stack';

const FAILED = 1;
const WRONG_USE = 2;
const REFUSED = 3;

describe('bad input', () => {
  let stack: MedperfStack;

  beforeAll(async () => {
    stack = await MedperfStack.start();
  });

  afterAll(() => stack.stop());

  /** The tutorial's cube with another manifest. */
  async function cubeWith(change: (manifest: string) => string): Promise<string> {
    const folder = join(stack.home, 'cube');
    await rm(folder, { recursive: true, force: true });
    await cp(join(EXAMPLE_CUBES, 'chestxray_mlp', 'mlcube'), folder, { recursive: true });
    const file = join(folder, 'mlcube.yaml');
    await writeFile(file, change(await readFile(file, 'utf8')));
    return folder;
  }

  function expectEnd({ code, stdout, stderr }: Ran, expected: number, text: string | RegExp): void {
    const output = stdout + stderr;
    expect({ code, output }).toEqual({ code: expected, output: expect.stringMatching(text) as string });
    expect(output).not.toMatch(/^\s+at .*\(.*:\d+:\d+\)/m);
  }

  it.each([
    ['a manifest that is not YAML', () => 'tasks: [', /mlcube\.yaml:\d+: error: the file is not YAML/],
    [
      'a missing task',
      (text: string) => text.replace('infer:', 'train:'),
      /the task infer is missing|has no task infer/,
    ],
    ['a file that is absent', (text: string) => text.replace('weights.json', 'lost.bin'), /lost\.bin/],
    [
      'a path out of the cube',
      (text: string) => text.replace('additional_files/weights.json', '../secret'),
      /\.\.\/secret/,
    ],
    [
      'a forbidden Docker option',
      (text: string) => text.replace('docker:', 'docker:\n  cpu_args: --privileged'),
      /--privileged/,
    ],
  ])('refuses %s, in packaging and in the test', async (_name, change, text) => {
    const cube = await cubeWith(change);
    expectEnd(await stack.cli(['mlcube', 'package', cube, '--type', 'model']), FAILED, text);
    expectEnd(await stack.cli(['test', 'run', '--benchmark', '1', '--model', cube, '--no-reference']), FAILED, text);
  });

  it('refuses a folder that is no cube, and arguments that do not go together', async () => {
    const empty = join(stack.home, 'empty');
    await mkdir(empty);
    expectEnd(await stack.cli(['test', 'run', '--benchmark', '1', '--model', empty]), FAILED, /mlcube\.yaml/);
    expectEnd(await stack.cli(['test', 'run', '--model', '1']), WRONG_USE, /benchmark/);
    expectEnd(await stack.cli(['mlcube', 'no-such-command']), WRONG_USE, /unknown command/);
  });

  it('says that a benchmark does not exist', async () => {
    expectEnd(await stack.cli(['test', 'run', '--benchmark', '99', '--model', '2']), REFUSED, /Benchmark 99/);
  });

  it('refuses names that are too long or taken, URLs that lead nowhere and hashes that differ', async () => {
    const cubes = await stack.json<{ name: string; content: { urls: { manifestUrl: string } } }[]>(['mlcube', 'ls']);
    const url = cubes.find(({ name }) => name === 'chestxray_cnn')?.content.urls.manifestUrl ?? '';
    const submit = (name: string, ...more: string[]): Promise<Ran> =>
      stack.cli(['mlcube', 'submit', '--name', name, '--mlcube-file', ...more]);
    expectEnd(await submit('n'.repeat(21), url), FAILED, /20/);
    expectEnd(await submit('chestxray_cnn', url), REFUSED, /chestxray_cnn/);
    expectEnd(await submit('nowhere', `${url}.lost`), FAILED, /404/);
    expectEnd(await submit('other', url, '--mlcube-hash', 'a'.repeat(64)), FAILED, /aaaa/);
    expect(await stack.json<unknown[]>(['mlcube', 'ls', '--mine'])).toEqual([]);
  });

  it('refuses a name before the expensive test', async () => {
    const cube = await cubeWith((manifest) => manifest);
    const onboard = (name: string): Promise<Ran> =>
      stack.cli(['onboard', cube, '--name', name, '--benchmark', '1', '-y']);
    for (const [name, code] of [
      ['n'.repeat(21), FAILED],
      ['chestxray_cnn', REFUSED],
    ] as const) {
      const ran = await onboard(name);
      expectEnd(ran, code, /name/);
      expect(ran.stderr).not.toContain('infer');
    }
  });

  it('says how the users of the registry sign in, and who they are', async () => {
    const asPassword = await stack.cli(['login', '--username', 'testmodelowner', '--profile', 'x'], 'wrong\n');
    expectEnd(asPassword, WRONG_USE, /takes no passwords/);
    const asNobody = await stack.cli(['login', '--local', 'nobody@example.com', '--profile', 'x']);
    expectEnd(asNobody, FAILED, /no token for nobody@example\.com/);
  });
});
