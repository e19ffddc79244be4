import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { DEFAULT_POLICY, PolicySchema, readPolicy } from './policy';
import type { Policy } from './policy';

const DOCUMENT = join(__dirname, '..', 'docs', 'policy.md');

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'medperf-policy-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(text: string): Promise<Policy> {
  const file = join(folder, 'policy.yaml');
  await writeFile(file, text);
  return readPolicy(file);
}

describe('readPolicy', () => {
  it('reads YAML and JSON alike, and fills in what is left out', async () => {
    const expected = { ...DEFAULT_POLICY, limits: { ...DEFAULT_POLICY.limits, pids: 9 }, runtime: 'runsc' };
    expect(await read('# ours\nruntime: runsc\nlimits:\n  pids: 9\n')).toEqual(expected);
    expect(await read('{"runtime": "runsc", "limits": {"pids": 9}}')).toEqual(expected);
    expect(await read('# nothing yet\n')).toEqual(DEFAULT_POLICY);
  });

  it.each([
    ['an unknown key', 'limits:\n  pids: 9\nnetwork: host\n', 3, 'network is no key'],
    ['a misspelt limit', 'limits:\n  pids: 9\n  memoryByte: 5\n', 3, 'limits.memoryByte is no key'],
    ['an unknown key of a rule', 'rules:\n  - task: infer\n    gpus: 1\n    mount: /\n', 4, 'rules.0.mount is no key'],
    ['the former key', 'inferGpus: 1\n', 1, 'inferGpus is no key'],
    ['text for a number', 'limits:\n\n  pids: many\n', 3, 'limits.pids: '],
    ['root as the user', 'user:\n  uid: 0\n  gid: 7\n', 2, 'never run as root'],
    ['root as the group', 'user: { uid: 7, gid: 0 }\n', 1, 'never run as root'],
    ['half a user', 'user:\n  uid: 7\n', 1, 'user.gid: '],
    ['a rule that changes nothing', 'rules:\n  - task: infer\n', 2, 'changes nothing'],
    ['GPUs for every task', 'rules:\n  - cube: x\n    gpus: 1\n', 3, 'name the task'],
    ['a star in the middle', 'rules:\n  - cube: a*b\n    limits: { pids: 1 }\n', 2, 'one * at its end'],
    ['no such task', 'rules:\n  - task: train\n    gpus: 1\n', 2, 'rules.0.task: '],
    ['more than Temporal waits', 'limits:\n  wallClockMs: 99999999999\n', 2, 'limits.wallClockMs: '],
    ['a key twice', 'limits:\n  pids: 1\n  pids: 2\n', 3, 'unique'],
    ['no YAML', 'limits: {\n', 2, 'Flow map'],
    ['an unknown reuse', 'reuse: nobody\n', 1, 'reuse: '],
    ['a URL for a host', 'downloads:\n  privateHosts:\n    - http://files\n', 3, 'downloads.privateHosts.0: '],
    ['a network too wide', 'downloads: { privateHosts: [10.0.0.0/33] }\n', 1, 'downloads.privateHosts.0: '],
    ['a list', '- limits\n', 1, 'the policy: '],
    ['an unknown tag', 'limits: !js/function x\n', 1, 'tag'],
  ])('refuses %s and names its line', async (_, text, line, message) => {
    const failure: unknown = await read(text).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: 'InvalidRequest',
      facts: { findings: expect.arrayContaining([expect.objectContaining({ line })]) as unknown },
    });
    expect(String(failure)).toContain(message);
  });

  it('tells every mistake at once', async () => {
    const failure = read('network: host\nlimits: { pids: 0, cpus: -1 }\n');
    await expect(failure).rejects.toMatchObject({ facts: { findings: { length: 3 } } });
  });

  it('says that there is no such file', async () => {
    await expect(readPolicy(join(folder, 'absent.yaml'))).rejects.toMatchObject({ type: 'InvalidRequest' });
  });
});

describe('docs/policy.md', () => {
  it('names every key of the file, and no other', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const named = [...text.matchAll(/^\| `([\w.[\]]+)`/gm)].map(([, key]) => key);
    expect(named.sort()).toEqual(keysOf(PolicySchema).sort());
  });

  it('has examples that are valid', async () => {
    const examples = [...(await readFile(DOCUMENT, 'utf8')).matchAll(/```yaml\n([\s\S]*?)```/g)];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const [, example] of examples) await expect(read(example ?? '')).resolves.toBeDefined();
  });
});

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** Such as `limits.pids` and `rules[].task`; the limits of a rule are those of the policy, so they are named once. */
function keysOf(schema: z.ZodType): string[] {
  const keys = new Set<string>();
  const walk = (node: JsonSchema, at: string): void => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      const key = at === '' ? name : `${at}.${name}`;
      const before = keys.size;
      if (key !== 'rules[].limits') walk(child, key);
      const alsoPlain = child.anyOf?.some(({ properties, items }) => properties === undefined && items === undefined);
      if (keys.size === before || alsoPlain === true) keys.add(key);
    }
    for (const choice of node.anyOf ?? []) walk(choice, at);
    if (node.items !== undefined) walk(node.items, `${at}[]`);
  };
  walk(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, '');
  return [...keys];
}
