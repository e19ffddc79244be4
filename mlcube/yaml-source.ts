import { isMap, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import type { Finding } from '../contract';

const MAX_BYTES = 1024 * 1024;
const MAX_ALIASES = 100;

/** A parsed YAML file that knows the line of each of its nodes and collects findings on it. */
export class YamlSource {
  readonly findings: Finding[] = [];
  readonly root: YAMLMap | null;
  private readonly lines = new LineCounter();
  private readonly document: Document;

  constructor(
    text: string,
    private readonly file: string,
  ) {
    const readable = text.length <= MAX_BYTES ? text : '';
    this.document = parseDocument(readable, { lineCounter: this.lines, schema: 'core', uniqueKeys: true });
    if (readable !== text) this.error(null, `the file is larger than ${MAX_BYTES} bytes`, 'keep the manifest small');
    for (const { message, linePos } of this.document.errors) {
      const [firstLine = message] = message.split('\n');
      const where = linePos?.[0].line;
      this.findings.push(finding('error', file, where, `not valid YAML: ${firstLine}`, 'mend the syntax'));
    }
    const { contents } = this.document;
    this.root = this.findings.length === 0 && isMap(contents) ? contents : null;
    if (this.findings.length === 0 && this.root === null) {
      this.error(null, 'the file is no mapping of keys to values', 'start with name, docker and tasks');
    }
  }

  error(node: Node | Pair | null, message: string, fix: string): void {
    this.findings.push(finding('error', this.file, this.lineOf(node), message, fix));
  }

  warning(node: Node | Pair | null, message: string, fix: string): void {
    this.findings.push(finding('warning', this.file, this.lineOf(node), message, fix));
  }

  /** Plain JavaScript value of a node; null with a finding where aliases multiply beyond reason. */
  plain(node: Node): unknown {
    try {
      return node.toJS(this.document, { maxAliasCount: MAX_ALIASES });
    } catch {
      this.error(node, 'the aliases multiply beyond reason', 'write the values out');
      return null;
    }
  }

  /** A scalar's value as text; null for anything else and for an empty value. */
  text(node: Node | null): string | null {
    if (!isScalar(node)) return null;
    const { value } = node;
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
  }

  /** The node that an alias stands for, or the node itself. */
  resolved(node: unknown): Node | null {
    if (typeof node !== 'object' || node === null || !('toJS' in node)) return null;
    const found = node as Node;
    return 'source' in found && 'resolve' in found
      ? ((found as { resolve(document: Document): Node | undefined }).resolve(this.document) ?? null)
      : found;
  }

  /** The members of a mapping with text keys, in their order. */
  members(map: YAMLMap): { key: string; value: Node | null; pair: Pair }[] {
    return map.items.map((pair) => ({
      key: isScalar(pair.key) ? String(pair.key.value) : '',
      value: this.resolved(pair.value),
      pair,
    }));
  }

  member(map: YAMLMap | null, key: string): { value: Node | null; pair: Pair } | null {
    return (map === null ? undefined : this.members(map).find((member) => member.key === key)) ?? null;
  }

  lineOf(node: Node | Pair | null): number | undefined {
    const place = isPair(node) ? node.key : node;
    const range = isScalar(place) || isMap(place) ? place.range : undefined;
    return range ? this.lines.linePos(range[0]).line : undefined;
  }
}

function finding(
  severity: Finding['severity'],
  file: string,
  line: number | undefined,
  message: string,
  fix: string,
): Finding {
  return { severity, file, ...(line === undefined ? {} : { line }), message, fix };
}
