import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { judgeBenchmark, judgeCube, judgeName } from './pre-flight-cube';
import type { HostFacts, ImageFacts, ImageLookup } from './pre-flight-facts';
import { PRE_FLIGHT_CODES, sortFindings } from './pre-flight-findings';
import type { PreFlightFinding } from './pre-flight-findings';
import { judgeArchive, judgeImage } from './pre-flight-image';
import { couldNotCheck, judgeHosts, judgeSpace, judgeUrls } from './pre-flight-places';
import type { WrittenCube } from './written-cube';

const FILES = { hasParameters: false, additionalFiles: [] };
const model = (image: string, task = ''): string => `name: m
docker:
  image: ${image}
tasks:
  infer:
${task}    parameters:
      inputs: {data_path: d/}
      outputs: {output_path: o/}
`;

const CONFIG = `container_type: DockerImage
image: a/b:1
tasks:
  infer:
    run_args: {}
    input_volumes:
      data_path: {mount_path: /data, type: directory}
    output_volumes:
      output_path: {mount_path: /out, type: directory}
`;
const ARCHIVE = CONFIG.replace('DockerImage', 'DockerArchive').replace('a/b:1', 'https://files.example/a.tar');

function mlcube(text: string): WrittenCube {
  return { format: 'mlcube', wanted: null, text, parameters: null, files: FILES };
}

function container(text: string): WrittenCube {
  return { format: 'container', wanted: 'container', text, parameters: null, files: FILES };
}

function short(findings: readonly PreFlightFinding[]): string[] {
  return findings.map(({ severity, code, owner, where }) => `${severity} ${code} ${owner} ${where?.line ?? '-'}`);
}

describe('judgeCube', () => {
  it('finds nothing in a whole cube, and knows its type', () => {
    const judged = judgeCube(mlcube(model('a/b:1')));
    expect(judged).toMatchObject({ type: 'model', image: { kind: 'image', name: 'a/b:1', line: 3 }, findings: [] });
    expect(judgeCube(container(CONFIG))).toMatchObject({
      type: 'model',
      file: 'container_config.yaml',
      image: { kind: 'image', name: 'a/b:1', line: 2 },
      findings: [],
    });
    const image = { kind: 'archive', name: 'https://files.example/a.tar', line: 2 };
    expect(judgeCube(container(ARCHIVE))).toMatchObject({ image, findings: [] });
  });

  it.each([
    ['text that is no manifest', '- x', ['error manifest model 1']],
    ['no tasks', 'docker: {image: a:1}', ['error task model -']],
    [
      'an unknown key',
      'docker: {image: a:1, x: y}\ntasks: {infer: {}}',
      ['error manifest model 1', 'error task model 2', 'error task model 2'],
    ],
    [
      'a forbidden option',
      model('a:1').replace('tasks:', '  gpu_args: --privileged\ntasks:'),
      ['error docker-option model 4'],
    ],
    [
      'an ignored option',
      model('a:1').replace('tasks:', '  cpu_args: --rm\ntasks:'),
      ['warning docker-option model 4'],
    ],
    ['GPUs asked for', `${model('a:1')}platform: {accelerator_count: 1}\n`, ['warning docker-option model 9']],
    ['no image', model('a:1').replace(/docker:\n.*\n/, ''), ['error image-name model -']],
    ['a name that is none', model('A/B'), ['error image-name model 3']],
    ['the tag latest', model('a/b:latest'), ['warning image-tag model 3']],
    ['no tag', model('a/b'), ['warning image-tag model 3']],
    ['a digest', model(`a/b@sha256:${'0'.repeat(64)}`), []],
    ['a missing file', model('a:1').replace('d/}', 'd/, w: additional_files/w}'), ['error cube-file model 7']],
    [
      'a missing parameters file',
      model('a:1').replace('d/}', 'd/, parameters_file: parameters.yaml}'),
      ['error cube-file model 7'],
    ],
    ['a wrong output', model('a:1').replace('o/}', 'o/, x: y/}'), ['error task model 8']],
    ['a file for a directory', model('a:1').replace('d/', '{type: file, default: d}'), ['error task model 7']],
  ])('%s', (_, manifest, expected) => {
    expect(short(judgeCube(mlcube(manifest)).findings)).toEqual(expected);
  });

  it.each([
    ['text that is no configuration', '- x', ['error manifest model 1']],
    ['a kind that is not run here', CONFIG.replace('DockerImage', 'SingularityFile'), ['error manifest model 1']],
    ['no volume for the data', CONFIG.replace(/ {4}input_volumes:\n.*\n/, ''), ['error task model 4']],
    ['an argument that is none', CONFIG.replace('{}', '{ports: [80]}'), ['error docker-option model 5']],
    ['a name that is none', CONFIG.replace('a/b:1', 'A/B'), ['error image-name model 2']],
    ['the tag latest', CONFIG.replace('a/b:1', 'a/b'), ['warning image-tag model 2']],
    ['an archive that is no URL', ARCHIVE.replace('https://', ''), ['error image-name model 2']],
    [
      'parameters that are not there',
      CONFIG.replace('data_path: ', 'parameters_file: {mount_path: /p, type: file}\n      data_path: '),
      ['error cube-file model 7'],
    ],
  ])('of a container_config: %s', (_, text, expected) => {
    expect(short(judgeCube(container(text)).findings)).toEqual(expected);
  });

  it('takes the type that is given', () => {
    const { findings } = judgeCube({ ...mlcube(model('a:1')), type: 'metrics' });
    expect(short(findings)).toEqual(['error task model -']);
  });

  it('never throws, and every finding has its fix', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.string({ maxLength: 40 }), (text, image) => {
        const named = JSON.stringify(image);
        const cubes = [mlcube(text), mlcube(model(named)), container(text), container(CONFIG.replace('a/b:1', named))];
        for (const cube of cubes) {
          for (const finding of judgeCube(cube).findings) {
            expect(finding.fix).not.toBe('');
            expect(PRE_FLIGHT_CODES).toContain(finding.code);
          }
        }
      }),
    );
  });
});

describe('judgeBenchmark', () => {
  const good = { uid: 1, name: 'b', isValid: true, isActive: true, approved: true, operational: true };
  it.each([
    [{}, 'model', []],
    [{ isValid: false }, 'model', ['error benchmark benchmark -']],
    [{ isActive: false }, 'model', ['error benchmark benchmark -']],
    [{ approved: false }, 'model', ['warning benchmark benchmark -']],
    [{ operational: false }, null, ['warning benchmark benchmark -']],
    [{}, 'metrics', ['error benchmark model -']],
  ] as const)('%j with a cube of type %s', (changes, type, expected) => {
    expect(short(judgeBenchmark({ ...good, ...changes }, { type, file: 'mlcube.yaml' }))).toEqual(expected);
  });
});

describe('judgeName', () => {
  it.each([
    ['free', 'good', null, []],
    ['empty', '', null, ['error']],
    ['long', 'x'.repeat(21), null, ['error']],
    ['as long as can be, in characters', '🧠'.repeat(20), null, []],
    ['mine', 'good', { uid: 4, mine: true }, ['warning']],
    ["somebody else's", 'good', { uid: 4, mine: false }, ['error']],
  ])('%s', (_, name, takenBy, expected) => {
    expect(judgeName({ name, maxLength: 20, takenBy }).map(({ severity }) => severity)).toEqual(expected);
  });
});

describe('judgeImage', () => {
  const IMAGE: ImageFacts = {
    architecture: 'amd64',
    os: 'linux',
    user: '1000',
    entrypoint: ['/run'],
    command: [],
    environment: {},
    bytes: 1000,
  };
  const HERE: HostFacts = { name: 'here', architecture: 'amd64', gpus: 0, gpuDrivers: [] };
  const NOTHING: ImageLookup = { found: 'nothing', why: 'no' };
  const NO_ANSWER: ImageLookup = { found: 'no-answer', why: 'gone', next: 'wait' };
  const found = (changes: Partial<ImageFacts> = {}): ImageLookup => ({
    found: 'image',
    image: { ...IMAGE, ...changes },
  });

  function judge(
    registry: ImageLookup,
    {
      daemon = NOTHING,
      hosts = [HERE],
      gpus = 0,
      written = mlcube(model('a/b:1')),
    }: Partial<{
      daemon: ImageLookup;
      hosts: HostFacts[];
      gpus: number;
      written: WrittenCube;
    }> = {},
  ): string[] {
    return short(judgeImage({ cube: judgeCube(written), hosts, gpus }, { registry, daemon }));
  }

  it('finds nothing in a good one', () => {
    expect(judge(found())).toEqual([]);
    expect(judge(found(), { hosts: [] })).toEqual([]);
  });

  it.each([
    ['registry without, daemon without', NOTHING, NOTHING, ['error image-missing model 3']],
    ['registry without, daemon silent', NOTHING, NO_ANSWER, ['error image-missing model 3']],
    ['registry without, daemon with', NOTHING, found(), ['warning image-local model 3']],
    ['registry silent, daemon without', NO_ANSWER, NOTHING, ['unknown image-unknown you 3']],
    [
      'registry silent, daemon with',
      NO_ANSWER,
      found({ user: '' }),
      ['unknown image-unknown you 3', 'warning image-user model 3'],
    ],
    ['registry with, daemon with another', found(), found({ user: '' }), []],
  ])('%s', (_, registry, daemon, expected) => {
    expect(judge(registry, { daemon })).toEqual(expected);
  });

  it.each(['', 'root', '0', '00', '0:0', 'root:root', ':1'])('user %j is root', (user) => {
    expect(judge(found({ user }))).toEqual(['warning image-user model 3']);
  });

  it.each(['1', '1000:0', 'rooty', 'nobody'])('user %j is not', (user) => {
    expect(judge(found({ user }))).toEqual([]);
  });

  it('compares the architecture with every host that tells its own', () => {
    const arm = found({ architecture: 'arm64' });
    const there: HostFacts = { name: 'there', architecture: 'arm64', gpus: 0, gpuDrivers: [] };
    const silent: HostFacts = { name: 'silent', gpus: 0, gpuDrivers: [] };
    expect(judge(arm)).toEqual(['error image-architecture model 3']);
    expect(judge(arm, { hosts: [HERE, silent] })).toEqual(['error image-architecture model 3']);
    expect(judge(arm, { hosts: [HERE, there] })).toEqual(['warning image-architecture model 3']);
    expect(judge(arm, { hosts: [there] })).toEqual([]);
    expect(judge(arm, { hosts: [silent] })).toEqual([]);
    expect(judge(found({ os: 'windows' }))).toEqual(['error image-architecture model 3']);
  });

  it('misses an entry point only where the task has none of its own', () => {
    const bare = found({ entrypoint: [], command: ['sh'] });
    expect(judge(bare)).toEqual(['warning image-entrypoint model 3']);
    expect(judge(bare, { written: mlcube(model('a/b:1', '    entrypoint: python run.py\n')) })).toEqual([]);
  });

  it('misses the program of a container_config where neither a task nor the image names one', () => {
    const bare = found({ entrypoint: [] });
    const written = (runArguments: string) => ({ written: container(CONFIG.replace('{}', runArguments)) });
    expect(judge(bare, written('{}'))).toEqual(['error image-entrypoint model 2']);
    expect(judge(bare, written('{command: python run.py}'))).toEqual([]);
    expect(judge(bare, written('{entrypoint: /run}'))).toEqual([]);
    expect(judge(found({ entrypoint: [], command: ['sh'] }), written('{}'))).toEqual([]);
    expect(judge(found(), written('{}'))).toEqual([]);
  });

  it('says of an archive how large it is, and what only the archive tells', () => {
    const cube = judgeCube(container(ARCHIVE));
    const unknown = 'unknown image-unknown you 2';
    expect(short(judgeArchive({ cube, hosts: [HERE], gpus: 0 }, 1000))).toEqual([unknown]);
    expect(short(judgeArchive({ cube, hosts: [], gpus: 0 }, null))).toEqual([unknown]);
    const large = short(judgeArchive({ cube, hosts: [HERE], gpus: 1 }, 11 * 1024 ** 3));
    expect(large).toEqual([unknown, 'warning gpus operator 2', 'warning image-size model 2']);
  });

  it('says that it is large', () => {
    expect(judge(found({ bytes: 11 * 1024 ** 3 }))).toEqual(['warning image-size model 3']);
  });

  it('compares GPUs and drivers with what the run asks for', () => {
    const cuda = found({ environment: { NVIDIA_REQUIRE_CUDA: 'cuda>=12.4' } });
    const old: HostFacts = { name: 'old', architecture: 'amd64', gpus: 2, gpuDrivers: ['470.42'] };
    const fresh: HostFacts = { name: 'fresh', architecture: 'amd64', gpus: 1, gpuDrivers: ['570.26'] };
    expect(judge(cuda)).toEqual([]);
    expect(judge(cuda, { gpus: 1 })).toEqual(['warning gpus operator 3']);
    expect(judge(cuda, { gpus: 1, hosts: [old] })).toEqual(['error image-cuda model 3']);
    expect(judge(cuda, { hosts: [old] })).toEqual(['warning image-cuda model 3']);
    expect(judge(cuda, { gpus: 1, hosts: [old, fresh] })).toEqual(['warning image-cuda model 3']);
    expect(judge(cuda, { gpus: 1, hosts: [HERE, fresh] })).toEqual([]);
    expect(judge(cuda, { gpus: 3, hosts: [fresh] })).toEqual(['warning gpus operator 3']);
    expect(judge(cuda, { gpus: 3, hosts: [] })).toEqual([]);
  });
});

describe('the places', () => {
  it('counts what has to fit', () => {
    const place = { place: 'the store', freeBytes: 100 };
    expect(judgeSpace([{ ...place, neededBytes: 100 }])).toEqual([]);
    expect(short(judgeSpace([{ ...place, neededBytes: 101 }]))).toEqual(['error disk-space operator -']);
  });

  it('tells a missing file from a silent host', () => {
    const file = { what: 'the demo dataset', owner: 'benchmark', url: 'https://h.example/x' } as const;
    const no = { ok: false, found: 'status 404' } as const;
    expect(judgeUrls([{ ...file, answer: { ok: true } }])).toEqual([]);
    expect(short(judgeUrls([{ ...file, answer: { ...no, definite: true } }]))).toEqual(['error url benchmark -']);
    expect(short(judgeUrls([{ ...file, answer: { ...no, definite: false } }]))).toEqual(['unknown url benchmark -']);
  });

  it('wants a host', () => {
    expect(short(judgeHosts([]))).toEqual(['warning hosts operator -']);
    expect(judgeHosts([{ name: 'h', gpus: 0, gpuDrivers: [] }])).toEqual([]);
  });
});

describe('sortFindings', () => {
  it('puts errors first, whatever the order they came in', () => {
    const line = (at: number): PreFlightFinding => ({
      ...couldNotCheck('task', 'you', 'x', 'y', 'z'),
      severity: 'error',
      where: { file: 'f', line: at },
    });
    const sorted = [
      line(2),
      line(10),
      { ...couldNotCheck('manifest', 'you', 'a', 'y', 'z'), severity: 'warning' as const },
      couldNotCheck('manifest', 'you', 'a', 'y', 'z'),
      couldNotCheck('manifest', 'you', 'b', 'y', 'z'),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(sorted, { minLength: sorted.length }), (shuffled) => {
        expect(sortFindings(shuffled)).toEqual(sorted);
      }),
    );
  });
});

describe('docs/pre-flight.md', () => {
  it('explains every code, and no other', async () => {
    const page = await readFile(join(__dirname, '..', 'docs', 'pre-flight.md'), 'utf8');
    const table = page.slice(page.indexOf('## The codes'));
    expect([...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, code]) => code)).toEqual([...PRE_FLIGHT_CODES]);
  });
});
