import { startRegistry } from '../../devstack/registry';
import type { RunningRegistry } from '../../devstack/registry';
import { caseFiles } from './case-files';
import { readCases } from './case-format';
import { CaseRunner } from './case-run';

export interface ServerUnderTest {
  readonly registry: RunningRegistry;
  readonly roles: Readonly<Record<string, string>>;
}

/** One test a case, all against one stand-in that starts empty, in memory. */
export function testCases(dialect: string, start: (open: typeof startRegistry) => Promise<ServerUnderTest>): void {
  const cases = readCases(caseFiles(dialect));
  let server: ServerUnderTest;
  let runner: CaseRunner;
  beforeAll(async () => {
    server = await start(startRegistry);
    runner = new CaseRunner({ server: server.registry.url, roles: server.roles, cases });
  });
  afterAll(() => server.registry.close());
  it.each(cases.cases.map((one) => [`${one.area} ${one.name}`, one] as const))('%s', async (_name, one) => {
    expect(runner.missingRoles(one)).toEqual([]);
    expect(await runner.differencesIn(one)).toEqual([]);
  });
}
