import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const COMMAND = join(__dirname, '..', 'bin', 'temporal-medperf.js');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The whole product on embedded defaults in a home of its own, driven only through its command. */
export class MedperfStack {
  private constructor(
    readonly home: string,
    private readonly more: NodeJS.ProcessEnv,
  ) {}

  /** @param more is added to the environment of every command. */
  static async start(more: NodeJS.ProcessEnv = {}): Promise<MedperfStack> {
    const stack = new MedperfStack(await mkdtemp(join(tmpdir(), 'medperf-e2e-')), more);
    await stack.expectDone(['dev', 'start', '--dialect', 'e25']);
    await stack.expectDone(['login', '--local', 'testmo@example.com']);
    await stack.expectDone(['login', '--profile', 'committee', '--local', 'testbo@example.com']);
    return stack;
  }

  async stop(): Promise<void> {
    await this.cli(['dev', 'stop']);
    await rm(this.home, { recursive: true, force: true });
  }

  /** `more` is added to the command's environment, and so to that of the processes which it leaves running. */
  cli(args: readonly string[], input = '', more: NodeJS.ProcessEnv = {}): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const child = this.spawn(args, more);
      let stdout = '';
      let stderr = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      child.stdin.end(input);
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  spawn(args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcessWithoutNullStreams {
    const env = { ...this.environment(), ...more };
    return spawn(process.execPath, [COMMAND, ...args], { cwd: this.home, env, stdio: 'pipe' });
  }

  async expectDone(args: readonly string[], input = '', more: NodeJS.ProcessEnv = {}): Promise<string> {
    const { code, stdout, stderr } = await this.cli(args, input, more);
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code ?? 'a signal'}:\n${stdout}\n${stderr}`);
    return stdout;
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.expectDone([...args, '--json'])) as T;
  }

  /** Contents of a file that the stack keeps under its home, such as `state/dev-stack.json`. */
  async readState<T>(file: string): Promise<T> {
    return JSON.parse(await readFile(join(this.home, 'state', file), 'utf8')) as T;
  }

  environment(): NodeJS.ProcessEnv {
    return { ...process.env, TEMPORAL_MEDPERF_HOME: this.home, ...this.more };
  }
}

/** Waits for a condition, asking again until it holds; fails with the last answer after `seconds`. */
export async function eventually<T>(ask: () => Promise<T>, holds: (answer: T) => boolean, seconds = 60): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (Date.now() > end) throw new Error(`still not so after ${seconds} s: ${JSON.stringify(answer)}`);
    await delay(200);
  }
}
