import { isFailureType, MedperfError } from './failures';

it('knows its own types and nothing that every object has', () => {
  expect(['HostLost', 'constructor', 'toString', 7].map(isFailureType)).toEqual([true, false, false, false]);
});

it('keeps what it quotes short, and says where it was cut', () => {
  const long = 'x'.repeat(5_000_000);
  const finding = { severity: 'error', file: 'mlcube.yaml', message: long, fix: long } as const;
  const { facts, message } = new MedperfError('InvalidManifest', {
    what: long,
    expected: long,
    found: long,
    next: long,
    log: Array.from({ length: 1000 }, (_, at) => `${at} ${long}`),
    findings: Array.from({ length: 15_000 }, (_, line) => ({ ...finding, line })),
  });
  expect(message.length).toBeLessThan(150_000);
  expect(facts.found).toMatch(/^x{1999}…$/);
  expect(facts.log).toHaveLength(15);
  expect(facts.log?.at(-1)).toMatch(/^999 /);
  expect(facts.findings).toHaveLength(101);
  expect(facts.findings?.at(-1)?.message).toBe('and 14900 more');
});
