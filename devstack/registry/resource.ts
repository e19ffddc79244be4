import type { Row, Sql } from './database';
import type { FieldMessages } from './refusals';

/** How a column is read from a request and stored, in the terms of MedPerf's server. */
export type Field = {
  /** The key must be in a POST. */
  readonly required?: true;
  readonly nullable?: true;
  /** `create`: ignored in a PUT. `update`: ignored in a POST, where it takes its default. `never`: the server's own. */
  readonly writable?: 'create' | 'update' | 'never';
  /** No two rows have the same; the message of a request that repeats one. */
  readonly unique?: string;
} & FieldKind;

export type FieldKind =
  | {
      readonly kind: 'text';
      /** Characters; null: as many as one likes. */
      readonly max: number | null;
      readonly blank: boolean;
      readonly pattern?: { readonly expression: RegExp; readonly message: string };
    }
  | { readonly kind: 'choice'; readonly values: readonly string[]; readonly default: string }
  | { readonly kind: 'boolean'; readonly default: boolean }
  | { readonly kind: 'integer'; readonly default: number }
  | { readonly kind: 'json'; readonly default: object }
  | { readonly kind: 'reference'; readonly table: string }
  | { readonly kind: 'time' }
  /** The whole object in a POST, which creates it too; its id in a PUT. */
  | { readonly kind: 'nested'; readonly resource: Resource };

export type Fields = Readonly<Record<string, Field>>;
export type Values = Readonly<Record<string, unknown>>;

/** What a deployment decides, and the rules ask for. */
export interface Settings {
  /** Emails whose benchmarks are approved as soon as they are made (HEAD). */
  readonly autoApproveBenchmarksFrom: readonly string[];
}

/** The signed-in user. */
export interface Account {
  readonly id: number;
  readonly superuser: boolean;
}

/** On whose behalf something is done. */
export interface Caller {
  readonly sql: Sql;
  readonly user: Account;
  readonly settings: Settings;
}

/** A POST or PUT whose fields have been read. */
export interface Change {
  readonly caller: Caller;
  readonly resource: Resource;
  /** The row as it is; null in a POST. */
  readonly existing: Row | null;
  /** The body as it came. */
  readonly given: Values;
  /** What the request sets; in a POST with the defaults of what it leaves out. */
  readonly values: Values;
}

/** Answers what is wrong with a change, or null. */
export type Rule = (change: Change) => string | null | Promise<string | null>;

/** Columns that the server fills in along with a change. */
export type Derivation = (change: Change) => Values | Promise<Values>;

/** A table of the registry, its columns but `id`, and the rules of its rows. */
export interface Resource {
  readonly table: string;
  /** Its name in the OpenAPI document. */
  readonly schema: string;
  readonly fields: Fields;
  /** The column that holds the user who made the row; null for the users themselves. */
  readonly maker: 'owner' | 'initiated_by' | null;
  /** Columns of a list's order, as in SQL. */
  readonly order: readonly string[];
  /** What may still change once `state` is OPERATION; absent where nothing freezes. */
  readonly editableInOperation?: readonly string[];
  readonly uniqueSet?: UniqueSet;
  /** A change of these fields is asked for, each with a rule whose message stands under the field's name. */
  readonly fieldRules?: Readonly<Record<string, Rule>>;
  readonly createRules?: readonly Rule[];
  readonly changeRules?: readonly Rule[];
  readonly derivations?: readonly Derivation[];
  /** What to answer when a constraint of the table refuses a row that the rules let pass, by its name. */
  readonly constraints?: Readonly<Record<string, FieldMessages>>;
}

/** Columns that together must be unique; their values' digest is kept in the column `fingerprint`. */
export interface UniqueSet {
  readonly columns: readonly string[];
  /** Where this column is null, the row is not asked to be unique. */
  readonly exemptWhenNull?: string;
}

/** How a row looks in an answer. */
export interface View {
  readonly schema: string;
  readonly resource: Resource;
  /** `id` and fields, in their order. */
  readonly columns: readonly string[];
  /** Columns that hold an id and are shown as the object that it names. */
  readonly nested: Readonly<Record<string, View>>;
}

/** All columns, ids as they are. */
export function fullView(resource: Resource): View {
  return { schema: resource.schema, resource, columns: ['id', ...Object.keys(resource.fields)], nested: {} };
}

export function viewWithout(schema: string, view: View, hidden: readonly string[]): View {
  return { ...view, schema, columns: view.columns.filter((column) => !hidden.includes(column)) };
}

export function viewOf(schema: string, resource: Resource, columns: readonly string[]): View {
  return { schema, resource, columns, nested: {} };
}

export function withNested(view: View, nested: View['nested'], schema = view.schema): View {
  return { ...view, schema, nested };
}

/** The row as it will be. */
export function afterwards({ existing, values }: Change): Values {
  return { ...existing, ...values };
}
