import { z } from 'zod';
import { isDigest } from '../contract';
import type {
  Action,
  ActionDifference,
  ActionPart,
  CacheMiss,
  Digest,
  FindResultInput,
  ResultOrigin,
} from '../contract';
import { HINTS } from '../store/store';
import type { Store } from '../store/store';
import { actionKey, digestOf } from './action-key';

/** Of one cube and task. */
const REMEMBERED = 20;
const MOST_DIFFERENCES = 10;
const SHOWN_CHARACTERS = 200;

const digest = z.custom<Digest>(isDigest);
const text = z.string();
const ActionSchema = z.object({
  version: z.int(),
  imageId: digest,
  entrypoint: z.array(text).nullable(),
  command: z.array(text),
  environment: z.record(text, text),
  inputs: z.record(text, digest),
  inputFiles: z.record(text, digest).exactOptional(),
  outputs: z.record(
    text,
    z.object({ mount: text, file: text.exactOptional(), touched: z.literal(true).exactOptional() }),
  ),
}) satisfies z.ZodType<Action>;
const PastRunSchema = z.object({
  action: ActionSchema,
  origin: z.object({ at: text, host: text, run: text.exactOptional() }),
});
const HistorySchema = z.object({ runs: z.array(PastRunSchema) });

type OfTask = Pick<FindResultInput, 'task' | 'scope'> & { readonly cube: { readonly name: string } };

/**
 * Keeps the latest actions of a cube's task, so that a later run can tell what is different. Of two that end at the same
 * moment one may be forgotten: nothing is decided by it.
 */
export async function recordPastRun(store: Store, task: OfTask, action: Action, origin: ResultOrigin): Promise<void> {
  const key = actionKey(action);
  const others = (await pastRuns(store, task)).filter((run) => actionKey(run.action) !== key);
  await store.writeRecord(recordName(task), { runs: [...others, { action, origin }].slice(-REMEMBERED) });
}

/** A hint that a result of this cube's tree may be there. */
export async function ranBefore(store: Store, tree: Digest): Promise<boolean> {
  return (await store.readRecord(ranRecordName(tree))) !== null;
}

export async function recordRan(store: Store, tree: Digest, at: string): Promise<void> {
  if (!(await ranBefore(store, tree))) await store.writeRecord(ranRecordName(tree), { at });
}

function ranRecordName(tree: Digest): string {
  return `${HINTS}ran/${tree}`;
}

/** Why the action has no result to reuse: against the nearest of the latest actions of the same cube and task. */
export async function explainMiss(store: Store, task: OfTask, action: Action): Promise<CacheMiss> {
  const runs = await pastRuns(store, task);
  const compared = runs.map(({ action: was, origin }) => ({ origin, differences: differencesOf(was, action) }));
  const nearest = compared.reduceRight<(typeof compared)[number] | undefined>(
    (best, run) => (best === undefined || run.differences.length < best.differences.length ? run : best),
    undefined,
  );
  if (nearest === undefined) return { reason: 'first' };
  const { origin: earlier, differences } = nearest;
  if (differences.length === 0) return { reason: 'not-reusable', earlier };
  return { reason: 'differs', earlier, differences: differences.slice(0, MOST_DIFFERENCES) };
}

/** The workflow for which the run of the action that ended then ran, where that is remembered. */
export async function originRun(store: Store, task: OfTask, key: Digest, at: string): Promise<string | undefined> {
  const runs = await pastRuns(store, task);
  return runs.find(({ action, origin }) => origin.at === at && actionKey(action) === key)?.origin.run;
}

/** The parts of an action's key that are not as they were. */
export function differencesOf(was: Action, is: Action): ActionDifference[] {
  const whole = (part: ActionPart, before: unknown, after: unknown): ActionDifference[] => {
    const [old, now] = [shown(before), shown(after)];
    return digestOf(before) === digestOf(after) ? [] : [{ part, was: old, is: now }];
  };
  return [
    ...whole('contract version', was.version, is.version),
    ...whole('image', was.imageId, is.imageId),
    ...whole('entry point', was.entrypoint, is.entrypoint),
    ...whole('command', was.command, is.command),
    ...byName('environment', unquoted(was.environment), unquoted(is.environment)),
    ...byName('input', inputsByName(was), inputsByName(is)),
    ...whole('outputs', was.outputs, is.outputs),
  ];
}

function byName(
  part: ActionPart,
  was: Readonly<Record<string, string>>,
  is: Readonly<Record<string, string>>,
): ActionDifference[] {
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((name) => was[name] !== is[name])
    .map((name) => ({
      part,
      name: shown(name),
      ...(was[name] === undefined ? {} : { was: shown(was[name]) }),
      ...(is[name] === undefined ? {} : { is: shown(is[name]) }),
    }));
}

/** What a variable holds may be nobody's business; that it differs is enough. */
function unquoted(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, digestOf(value)]));
}

/** People know an input by its parameter, such as `data_path`; the action by the place where it is mounted. */
function inputsByName({ command, inputs, inputFiles = {} }: Action): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...inputs, ...inputFiles }).map(([mount, content]) => {
      const parameters = command.flatMap((argument) => {
        const [, name = '', place = ''] = /^--([^=]+)=(.*)$/s.exec(argument) ?? [];
        return place === mount || place.startsWith(`${mount}/`) ? [name] : [];
      });
      return [parameters.length === 0 ? mount : parameters.join(', '), content];
    }),
  );
}

function shown(value: unknown): string {
  const whole = typeof value === 'string' ? value : JSON.stringify(value);
  return whole.length > SHOWN_CHARACTERS ? `${whole.slice(0, SHOWN_CHARACTERS - 1)}…` : whole;
}

async function pastRuns(store: Store, task: OfTask): Promise<z.infer<typeof PastRunSchema>[]> {
  const known = HistorySchema.safeParse(await store.readRecord(recordName(task)));
  return known.success ? known.data.runs : [];
}

function recordName({ cube, task, scope }: OfTask): string {
  return `${HINTS}actions-of/${digestOf({ cube: cube.name, task, scope })}`;
}
