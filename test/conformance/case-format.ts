import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { fill } from './placeholders';

const exchangeSchema = z.strictObject({
  /** A role of the roles file, or `anonymous`. */
  as: z.string().default('anonymous'),
  /** `METHOD /path/`, below the API's base path; `METHOD //path` is below the server's root. */
  request: z.string().regex(/^([A-Z]+|\{\w+\}) /),
  body: z.unknown().optional(),
  /** A body sent as it is, for what is not JSON. */
  raw: z.string().optional(),
  type: z.string().optional(),
  /** Sent instead of the role's own header. */
  authorization: z.string().optional(),
  /** Further headers of the request. */
  sends: z.record(z.string(), z.string()).default({}),
  status: z.union([z.int(), z.string()]).optional(),
  answer: z.unknown().optional(),
  /** Status 400, and this field with one message like this, no other field. */
  refuses: z.record(z.string(), z.string()).optional(),
  headers: z.record(z.string(), z.unknown()).optional(),
  /** Sent so often, each time with names of its own. */
  times: z.int().default(1),
  /** Names for what the answer has at a dotted path; `''` is the whole answer. */
  remember: z.record(z.string(), z.string()).default({}),
});

const setUpSchema = z.strictObject({
  uses: z.array(z.string()).default([]),
  exchanges: z.array(exchangeSchema),
  /** Run when the case is over, whatever came of it; their answers are not looked at. */
  afterwards: z.array(exchangeSchema).default([]),
});

const caseSchema = setUpSchema.extend({ name: z.string(), area: z.string() });

const templateSchema = z.looseObject({
  /** One case for each entry; its values take the places of `{key}`. `by` makes one case a role: `{role}`, `{status}`. */
  each: z.array(z.looseObject({ by: z.record(z.string(), z.unknown()).optional() })).optional(),
});

const fileSchema = z.strictObject({
  /** What an exchange of this status is answered when it names no answer of its own. */
  answers: z.record(z.string(), z.unknown()).default({}),
  bodies: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  setups: z.record(z.string(), setUpSchema).default({}),
  cases: z.array(templateSchema),
});

export type Exchange = z.output<typeof exchangeSchema>;
export type SetUp = z.output<typeof setUpSchema>;
export type ConformanceCase = z.output<typeof caseSchema>;

export interface CaseFile {
  readonly answers: Readonly<Record<string, unknown>>;
  readonly bodies: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly setups: Readonly<Record<string, SetUp>>;
  readonly cases: readonly ConformanceCase[];
}

/**
 * Reads files of cases; answers, bodies and set-ups of all are known in each, a later one's take an earlier one's place.
 * @throws Error when a file has another form than the README says, or two cases have one name.
 */
export function readCases(paths: readonly string[]): CaseFile {
  const files = paths.map((path) => fileSchema.parse(parse(readFileSync(path, 'utf8'), { merge: true })));
  const cases = files.flatMap(({ cases }) => cases.flatMap(expanded));
  const names = new Set<string>();
  for (const { name } of cases) {
    if (names.has(name)) throw new Error(`Two cases are named "${name}"; give each a name of its own.`);
    names.add(name);
  }
  return {
    answers: Object.assign({}, ...files.map(({ answers }) => answers)) as CaseFile['answers'],
    bodies: Object.assign({}, ...files.map(({ bodies }) => bodies)) as CaseFile['bodies'],
    setups: Object.assign({}, ...files.map(({ setups }) => setups)) as CaseFile['setups'],
    cases,
  };
}

function expanded({ each, ...template }: z.output<typeof templateSchema>): ConformanceCase[] {
  if (each === undefined) return [caseSchema.parse(template)];
  const bindings = each.flatMap(({ by, ...values }) =>
    by === undefined ? [values] : Object.entries(by).map(([role, status]) => ({ ...values, role, status })),
  );
  return bindings.map((values: Record<string, unknown>) =>
    caseSchema.parse(fill(template, (key) => (key in values ? { value: values[key] } : undefined))),
  );
}
