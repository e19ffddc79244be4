import { CUBE_COLUMNS } from '../cli/commands/mlcube';
import { showList } from '../cli/list-output';
import type { Output } from '../cli/output';
import { MedperfRegistry } from '../registry/medperf-registry';
import { FaultProxy } from './fault-proxy';
import { startWithParties } from './registry-parties';
import type { Parties } from './registry-parties';

const RECORDS = 5_000;
const PAGE = 32;

let parties: Parties;
let proxy: FaultProxy;
let registry: MedperfRegistry;

beforeAll(async () => {
  parties = await startWithParties('E25');
  const columns = `git_mlcube_url, mlcube_hash, git_parameters_url, parameters_hash, image_tarball_url,
    image_tarball_hash, image_hash, additional_files_tarball_url, additional_files_tarball_hash, state, is_valid, metadata,
    user_metadata, owner, created_at`;
  await parties.server.database.transaction((sql) =>
    sql.query(
      `insert into mlcubes (name, modified_at, fingerprint, ${columns})
       select 'cube-' || n, modified_at, lpad(n::text, 64, '0'), ${columns.replace('mlcube_hash', "'hash-' || n")}
       from mlcubes, generate_series(1, ${RECORDS - 4}) n where id = 3`,
    ),
  );
  proxy = await FaultProxy.before(parties.server.url);
  const authorization = parties.authorization('modelOwner');
  registry = new MedperfRegistry({ server: proxy.url, authorization });
}, 120_000);
afterAll(async () => {
  await registry.close();
  await proxy.close();
  await parties.server.close();
});

it('a list of 5,000 is shown from its first page on, and a page is asked for only when the one before is shown', async () => {
  const shown: { readonly line: string; readonly requests: number }[] = [];
  const output = { json: false, line: (line: string) => shown.push({ line, requests: proxy.seen.length }) };
  await showList(output as unknown as Output, CUBE_COLUMNS, registry.cubes());
  expect(shown).toHaveLength(1 + RECORDS);
  expect(shown[0]?.line).toMatch(/^UID +Name +State +Registered$/);
  shown.slice(1).forEach(({ requests }, at) => expect(requests).toBe(1 + Math.floor(at / PAGE)));
  expect(proxy.seen).toHaveLength(Math.ceil(RECORDS / PAGE));
  expect(new Set(shown.slice(1).map(({ line }) => line.split(' ')[0])).size).toBe(RECORDS);
});
