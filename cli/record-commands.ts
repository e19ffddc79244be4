import type { Command } from 'commander';
import type { MedperfRegistry } from '../registry';
import { define, wholeNumber } from './command';
import { showList } from './list-output';
import type { ListColumns } from './list-output';
import { collected, showRecord, withViewOptions } from './record-view';
import type { ViewOptions } from './record-view';
import { withRegistry } from './session';

interface CommandWords {
  readonly description: string;
  readonly examples: readonly string[];
}

/** One kind of the registry's records, as `ls` and `view` show it. */
export interface ShownRecords<T, Choice> {
  readonly columns: ListColumns<T>;
  /** Adds the options that say which of the records are meant. */
  readonly withChoice: (command: Command) => Command;
  readonly all: (registry: MedperfRegistry, choice: Choice) => AsyncIterable<T>;
  readonly one: (registry: MedperfRegistry, uid: number) => Promise<T>;
  readonly ls: CommandWords;
  readonly view: CommandWords;
}

export interface OwnersChoice {
  readonly mine?: boolean;
}

export function withMine(command: Command): Command {
  return command.option('--mine', 'only your own');
}

/** Adds `ls`, a line each, and `view`, whole records: one by its uid, or all. */
export function addRecordCommands<T, Choice>(parent: Command, records: ShownRecords<T, Choice>): void {
  const { columns, withChoice, all, one, ls, view } = records;
  define(withChoice(parent.command('ls').description(ls.description)), ls.examples, (cli, choice: Choice) =>
    withRegistry(cli, (registry) => showList(cli.output, columns, all(registry, choice))),
  );
  define(
    withViewOptions(
      withChoice(parent.command('view').description(view.description).argument('[uid]', '', wholeNumber)),
    ),
    view.examples,
    async (cli, options: ViewOptions & Choice, [argument]) => {
      const uid = argument === undefined ? undefined : Number(argument);
      const record = await withRegistry<unknown>(cli, (registry) =>
        uid === undefined ? collected(all(registry, options)) : one(registry, uid),
      );
      await showRecord(cli, record, options);
    },
  );
}
