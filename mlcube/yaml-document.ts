import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Alias, Document, Scalar, YAMLMap } from 'yaml';
import { quote } from './complaints';
import type { Complaints } from './complaints';

/** A YAML value as plain data. Aliases share the value of their anchor, so nothing grows by them. */
export type YamlValue =
  | {
      readonly kind: 'scalar';
      readonly value: PlainScalar;
      /** As it was written, where neither quotes nor a tag say what it is. */
      readonly bare?: string;
    }
  | { readonly kind: 'list'; readonly items: readonly YamlValue[] }
  | YamlMapping;

/** An integer that a number cannot hold exactly is a bigint. */
export type PlainScalar = string | number | bigint | boolean | null;

export interface YamlMapping {
  readonly kind: 'mapping';
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

export interface YamlEntry {
  /** Of the key, counted from 1. */
  readonly line: number;
  /** The key as it was written, where neither quotes nor a tag say what it is. */
  readonly bareKey?: string;
  readonly value: YamlValue;
}

/** Characters; hand-written manifests have some two thousand. */
const MAX_CHARACTERS = 256 * 1024;
const NULL: YamlValue = { kind: 'scalar', value: null };
const PLAIN_TAGS = new Set(
  ['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map((tag) => `tag:yaml.org,2002:${tag}`),
);

/**
 * Reads one YAML document that is a mapping. Custom tags, duplicate and merge keys, values that contain themselves and
 * texts that are too long are errors. Returns null when there is nothing to go on with; never throws for bad content.
 * @param longest in characters.
 */
export function readYamlMapping(
  text: string,
  complaints: Complaints,
  longest: number = MAX_CHARACTERS,
): YamlMapping | null {
  if (text.length > longest) {
    complaints.error(undefined, `the file is longer than ${longest} characters`, 'make it shorter: move data out');
    return null;
  }
  try {
    return parse(text, complaints);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    complaints.error(undefined, 'the file is nested too deeply to be read', 'flatten it');
    return null;
  }
}

function parse(text: string, complaints: Complaints): YamlMapping | null {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    schema: 'core',
    stringKeys: true,
    intAsBigInt: true,
    // The library compares each key with every other; `Conversion` looks them up.
    uniqueKeys: false,
  });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const line = lines.linePos(problem.pos[0]).line;
    complaints.error(Math.max(line, 1), `the file is not YAML: ${problem.message}`, 'correct the syntax at this line');
    return null;
  }
  const root = new Conversion(document, lines, complaints).convert(document.contents);
  if (root.kind === 'mapping') return root;
  const found = isEmpty(root) ? 'is empty' : `holds ${root.kind === 'list' ? 'a list' : 'a single value'}`;
  complaints.error(1, `the file ${found}, and no mapping of keys to values`, 'write keys with values, or {} for none');
  return null;
}

function isEmpty(root: YamlValue): boolean {
  return root.kind === 'scalar' && root.value === null;
}

/** Turns the library's nodes, in the order of the document, into plain values. */
class Conversion {
  private readonly anchors = new Map<string, YamlValue | null>();

  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
    private readonly complaints: Complaints,
  ) {}

  convert(node: unknown): YamlValue {
    if (isAlias(node)) return this.aliased(node);
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return NULL;
    this.refuseCustomTag(node);
    if (node.anchor !== undefined) this.anchors.set(node.anchor, null);
    const value = this.content(node);
    if (node.anchor !== undefined) this.anchors.set(node.anchor, value);
    return value;
  }

  private content(node: YAMLMap | Scalar | { readonly items: readonly unknown[] }): YamlValue {
    if (isMap(node)) return this.mapping(node);
    if (isScalar(node)) return { kind: 'scalar', value: plainScalar(node), ...bareText(node) };
    return { kind: 'list', items: node.items.map((item) => this.convert(item)) };
  }

  private mapping(node: YAMLMap): YamlMapping {
    const entries = new Map<string, YamlEntry>();
    for (const { key, value } of node.items) {
      const line = this.lineOf(key);
      if (!isScalar(key)) {
        this.complaints.error(line, 'a key is no plain text', 'write it as a word');
        continue;
      }
      const name = String(key.value);
      if (name === '<<') this.complaints.error(line, 'merge keys (<<) are not supported', 'write the entries out');
      else if (entries.has(name)) this.duplicate(name, line, entries.get(name)?.line);
      else entries.set(name, { line, ...bareKey(key), value: this.convert(value) });
    }
    return { kind: 'mapping', entries };
  }

  private duplicate(name: string, line: number, first: number | undefined): void {
    this.complaints.error(
      line,
      `the key ${quote(name)} is there already, at line ${first ?? '?'}`,
      'keep one of the two',
    );
  }

  private aliased(alias: Alias): YamlValue {
    const value = this.anchors.get(alias.source);
    if (value) return value;
    const message = value === null ? 'contains itself' : 'has no anchor before it';
    this.complaints.error(this.lineOf(alias), `the alias ${quote(alias.source)} ${message}`, 'write the value out');
    return NULL;
  }

  private refuseCustomTag(node: { readonly tag?: string | undefined }): void {
    if (node.tag === undefined || PLAIN_TAGS.has(node.tag)) return;
    this.complaints.error(this.lineOf(node), `the tag ${quote(node.tag)} is not allowed`, 'leave the tag out');
  }

  private lineOf(node: unknown): number {
    const range = (node as { range?: readonly number[] | null } | null)?.range ?? this.document.range;
    return Math.max(this.lines.linePos(range[0] ?? 0).line, 1);
  }
}

function plainScalar(node: Scalar): PlainScalar {
  const { value } = node;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
    return value;
  return node.source ?? '';
}

function bareText({ type, tag, source }: Scalar): { readonly bare?: string } {
  return type === 'PLAIN' && tag === undefined && source !== undefined ? { bare: source } : {};
}

function bareKey(key: Scalar): { readonly bareKey?: string } {
  const { bare } = bareText(key);
  return bare === undefined ? {} : { bareKey: bare };
}
