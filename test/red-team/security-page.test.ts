import * as fs from 'node:fs';
import * as path from 'node:path';

it('every attacker has its row in docs/security.md, and every row its attacker', () => {
  const page = fs.readFileSync(path.join(__dirname, '../../docs/security.md'), 'utf8');
  const table = /^## The attacks$([^]*?)^## /m.exec(page)?.[1] ?? '';
  const rows = [...table.matchAll(/^\| `([\w-]+)` +\|/gm)].map(([, cube]) => cube);
  expect(rows.sort()).toEqual(fs.readdirSync(path.join(__dirname, 'cubes')).sort());
});
