import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { Command } from 'commander';
import type { Cli } from './session';

export interface ViewOptions {
  readonly format: 'yaml' | 'json';
  readonly output?: string;
}

/** The options of MedPerf's `view` commands. */
export function withViewOptions(command: Command): Command {
  return command
    .option('-f, --format <format>', 'yaml or json', 'yaml')
    .option('-o, --output <file>', 'write to a file instead of the screen');
}

export async function showRecord({ output }: Cli, record: unknown, options: ViewOptions): Promise<void> {
  const text = renderRecord(record, options.format);
  if (options.output !== undefined) await writeFile(options.output, text);
  if (options.output === undefined || output.json) output.result(record, () => text.trimEnd());
}

export function renderRecord(record: unknown, format: ViewOptions['format']): string {
  if (format === 'json') return `${JSON.stringify(record, null, 2)}\n`;
  return stringify(record, { sortMapEntries: true });
}

export async function collected<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
