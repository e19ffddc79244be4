import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BYTE_WORK } from './byte-work';
import type { ByteWork } from './byte-work';

const run = promisify(execFile);

/** The largest resident memory of a process that does the work, above what it has when idle, in bytes. */
export async function peakMemory(work: ByteWork, ...args: readonly string[]): Promise<number> {
  const { stdout } = await run(process.execPath, [__filename, work, ...args]);
  return Number(stdout);
}

async function measure(name: string, args: string[]): Promise<number> {
  const works: Readonly<Record<string, (...all: string[]) => Promise<string>>> = BYTE_WORK;
  const work = works[name];
  if (work === undefined) throw new Error(`no work named ${name}`);
  const idle = process.memoryUsage.rss();
  await work(...args);
  return process.resourceUsage().maxRSS * 1024 - idle;
}

if (require.main === module) {
  const [work = '', ...args] = process.argv.slice(2);
  measure(work, args).then(
    (bytes) => process.stdout.write(String(bytes)),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exitCode = 1;
    },
  );
}
