import { readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { Agent } from 'undici';
import { parse } from 'yaml';
import { z } from 'zod';
import { CASE_FILES, caseFiles } from './case-files';
import { readCases } from './case-format';
import { CaseRunner } from './case-run';

const OTHERS_ACCESS = 0o077;

interface Options {
  readonly server: string;
  readonly dialect: string;
  readonly roles: string;
  readonly only?: string;
  readonly ca?: string;
  readonly authority: string;
}

/** `npm run conformance`: runs the cases of one dialect against a server, a real one included. */
async function main(): Promise<void> {
  const options = new Command('conformance')
    .requiredOption('--server <url>', 'scheme, host and port of the server')
    .requiredOption('--dialect <name>', Object.keys(CASE_FILES).join(', '))
    .requiredOption('--roles <file>', 'Authorization headers by role, YAML or JSON, mode 0600')
    .option('--only <text>', 'only cases whose name or area contains this')
    .option('--ca <file>', 'certificate of the authority that the server is trusted by')
    .option('--authority <id>', 'the authority that certificates are made under (head)', '1')
    .parse()
    .opts<Options>();
  const cases = readCases(caseFiles(options.dialect));
  const runner = new CaseRunner({
    server: new URL(options.server).origin,
    roles: readRoles(options.roles),
    cases,
    authority: Number(options.authority),
    ...(options.ca !== undefined && { dispatcher: new Agent({ connect: { ca: readFileSync(options.ca, 'utf8') } }) }),
  });
  const counts = { agree: 0, differ: 0, skipped: 0 };
  for (const one of cases.cases.filter(({ name, area }) => `${area} ${name}`.includes(options.only ?? ''))) {
    const missing = runner.missingRoles(one);
    const problems = missing.length > 0 ? [] : await runner.differencesIn(one);
    counts[missing.length > 0 ? 'skipped' : problems.length > 0 ? 'differ' : 'agree'] += 1;
    if (missing.length > 0) process.stdout.write(`- ${one.name} (${one.area}): no role ${missing.join(', ')}\n`);
    if (problems.length > 0) process.stdout.write(`x ${one.name} (${one.area})\n    ${problems.join('\n    ')}\n`);
  }
  process.stdout.write(`${counts.agree} agree, ${counts.differ} differ, ${counts.skipped} skipped\n`);
  process.exitCode = counts.differ > 0 ? 1 : 0;
}

function readRoles(file: string): Record<string, string> {
  const mode = statSync(file).mode & 0o777;
  if ((mode & OTHERS_ACCESS) !== 0) {
    throw new Error(`${file} has mode 0${mode.toString(8)}, so others can read its tokens; chmod 600 it first.`);
  }
  return z.record(z.string(), z.string()).parse(parse(readFileSync(file, 'utf8')));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
});
