import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { MedperfError } from '../contract';
import { PACKAGE_ROOT } from '../devstack/package-root';
import { identify } from '../devstack/process-identity';
import type { ProcessIdentity } from '../devstack/process-identity';

const COMMAND = `${PACKAGE_ROOT}/bin/temporal-medperf.js`;
const LOG_LINES = 8;

const MessageSchema = z.union([z.object({ ready: z.literal(true) }), z.object({ line: z.string() })]);

/** What a process started by {@link startDetached} tells the one that waits for it; silent otherwise. */
export const startedBy = {
  ready(): void {
    tell({ ready: true });
  },
  line(line: string): void {
    tell({ line });
  },
};

function tell(message: z.infer<typeof MessageSchema>): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/**
 * Starts our own command so that it outlives this process, and waits until it says that it is ready.
 * @throws MedperfError `NeedsAttention` with the end of its log when it ends before.
 */
export async function startDetached(
  args: readonly string[],
  logFile: string,
  onLine: (line: string) => void,
): Promise<ProcessIdentity> {
  await mkdir(dirname(logFile), { recursive: true });
  const log = await open(logFile, 'w');
  const child = spawn(process.execPath, [COMMAND, ...args], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  await log.close();
  try {
    await readiness(child, onLine);
  } catch (cause) {
    throw await notReady(args, logFile, cause);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
  return identify(child.pid ?? 0);
}

async function readiness(child: ChildProcess, onLine: (line: string) => void): Promise<void> {
  const ready = new Promise<void>((resolve) => {
    child.on('message', (message) => {
      const known = MessageSchema.parse(message);
      if ('ready' in known) resolve();
      else onLine(known.line);
    });
  });
  const ended = once(child, 'exit').then(([code]: unknown[]) => {
    throw new Error(`it ended with exit code ${String(code)}`);
  });
  await Promise.race([ready, ended]);
  // It may end later, when nobody waits any more.
  ended.catch(() => undefined);
}

async function notReady(args: readonly string[], logFile: string, cause: unknown): Promise<MedperfError> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return new MedperfError(
    'NeedsAttention',
    {
      what: `temporal-medperf ${args.join(' ')} did not come up.`,
      found: [cause instanceof Error ? cause.message : '', ...text.trim().split('\n').slice(-LOG_LINES)].join('\n    '),
      next: `mend that and start it again; its whole log is ${logFile}`,
    },
    { cause },
  );
}
