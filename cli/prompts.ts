import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Detached } from './detached';

/** True when a person can be asked. */
export function isInteractive(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Asks until the answer is y or n; Enter means no. */
export async function confirm(question: string): Promise<boolean> {
  for (;;) {
    const answer = (await ask(`${question} [y/N, Enter means No] `)).trim().toLowerCase();
    if (answer === '' || answer === 'n' || answer === 'no') return false;
    if (answer === 'y' || answer === 'yes') return true;
  }
}

export function ask(question: string): Promise<string> {
  return readLine(question, process.stderr);
}

/** What is typed does not show. */
export async function askHidden(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // Shown once the terminal has stopped echoing, so that no hasty key shows.
  const answer = await readLine('', nowhere, () => process.stderr.write(question));
  process.stderr.write('\n');
  return answer;
}

/** All lines of standard input that is no terminal. */
export async function linesOfInput(): Promise<string[]> {
  let text = '';
  process.stdin.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(process.stdin, 'end');
  return text.split(/\r?\n/);
}

async function readLine(question: string, output: NodeJS.WritableStream, onQuiet?: () => void): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  onQuiet?.();
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('SIGINT', () => reject(new Detached()));
      lines.once('close', () => reject(new Detached()));
      lines.question(question, resolve);
    });
  } finally {
    lines.close();
  }
}
