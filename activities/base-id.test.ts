import type { IdentifiedCube, PreparedDataInput, ReferenceRunInput } from '../contract';
import { baseId } from './base-id';

const hex = (letter: string): string => letter.repeat(64);
const tree = `sha256:${hex('a')}` as const;
const cube = (manifestHash: string): IdentifiedCube => ({
  ref: {
    kind: 'hosted',
    name: 'prep',
    uid: 1,
    files: { format: 'mlcube', urls: { manifestUrl: 'https://files.example/m' }, hashes: { manifestHash } },
  },
  known: null,
  imageId: null,
  ranBefore: false,
  tasks: ['infer'],
});
const DATA: PreparedDataInput = {
  part: 'prepared-data',
  dataPreparator: cube(hex('b')),
  data: { url: 'https://files.example/d', hash: hex('c'), known: null },
  prepared: false,
  offline: false,
  gpus: 0,
  benchmark: 1,
  scope: null,
};
const REFERENCE: ReferenceRunInput = {
  part: 'reference-run',
  reference: cube(hex('b')),
  evaluator: cube(hex('d')),
  data: { data: tree, labels: tree },
  offline: false,
  gpus: 0,
  benchmark: 1,
  scope: null,
};
const id = (input: PreparedDataInput | ReferenceRunInput): string => baseId(input, 1);

it('is the same whatever has become known meanwhile', () => {
  const known = { name: 'prep', uid: 1, tree, image: { reference: 'a/b:1', expectedId: null } };
  const dataPreparator = { ...DATA.dataPreparator, known, imageId: tree, ranBefore: true };
  const data = { url: 'https://files.example/d', hash: hex('c'), known: { data: tree, labels: tree } };
  expect(id({ ...DATA, dataPreparator, data })).toBe(id(DATA));
  expect(id({ ...REFERENCE, reference: { ...REFERENCE.reference, known } })).toBe(id(REFERENCE));
});

it.each<[string, Partial<PreparedDataInput>]>([
  ['another preparator', { dataPreparator: cube(hex('e')) }],
  ['other data', { data: { url: 'https://files.example/d', hash: hex('e'), known: null } }],
  ['data at another place', { data: { url: 'https://files.example/e', hash: hex('c'), known: null } }],
  ['data that is prepared', { prepared: true }],
  ['another benchmark, which may have limits of its own', { benchmark: 2 }],
  ['somebody whose results are kept apart', { scope: 'ada' }],
  ['work without the network', { offline: true }],
])('is another one for %s', (_, change) => {
  expect(id({ ...DATA, ...change })).not.toBe(id(DATA));
});

it.each<[string, Partial<ReferenceRunInput>]>([
  ['another reference', { reference: cube(hex('e')) }],
  ['another evaluator', { evaluator: cube(hex('e')) }],
  ['other prepared data', { data: { data: tree, labels: `sha256:${hex('e')}` } }],
  ['GPUs', { gpus: 1 }],
])('of a reference run is another one for %s', (_, change) => {
  expect(id({ ...REFERENCE, ...change })).not.toBe(id(REFERENCE));
});

it('is another one for another version of the contract', () => {
  expect(baseId(DATA, 2)).not.toBe(id(DATA));
});
