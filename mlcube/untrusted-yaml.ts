import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Alias, Pair } from 'yaml';

/** What a text may cost; beyond it, it is refused before it is turned into a value. */
const MAX_CHARACTERS = 1024 * 1024;
/** Keys, values and what aliases repeat. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 64;

/** Why a text is not read; in words that may be shown. */
export class UnreadableYaml extends Error {}

/**
 * A YAML document that somebody else's program wrote, as plain data. Scalars are read by YAML's core schema; keys become
 * text. Takes time and memory in proportion to the text, whatever its aliases repeat.
 * @throws UnreadableYaml for texts of more than 1 Mi characters, 100,000 nodes or 64 levels, duplicate keys, keys that are no
 * scalars, and values that contain themselves.
 */
export function readUntrustedYaml(text: string): unknown {
  if (text.length > MAX_CHARACTERS) throw new UnreadableYaml(`a text of more than ${MAX_CHARACTERS} characters`);
  try {
    const document = parseDocument(text, {
      prettyErrors: false,
      logLevel: 'error',
      schema: 'core',
      // The library compares each key with every other.
      uniqueKeys: false,
    });
    const [problem] = document.errors;
    if (problem !== undefined) throw new UnreadableYaml(`text that is not YAML (${problem.code})`);
    return new Conversion().convert(document.contents, 0);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UnreadableYaml(`a text of more than ${MAX_DEPTH} levels`);
  }
}

interface Anchored {
  /** Undefined while it is being read. */
  readonly value?: unknown;
  readonly nodes: number;
  readonly depth: number;
}

/** Turns the library's nodes, in the order of the document, into plain values. */
class Conversion {
  private readonly anchors = new Map<string, Anchored | 'open'>();
  private nodes = 0;
  private deepest = 0;

  convert(node: unknown, depth: number): unknown {
    this.count(1, depth);
    if (isAlias(node)) return this.aliased(node, depth);
    if (!isMap(node) && !isSeq(node) && !isScalar(node)) return null;
    if (node.anchor === undefined) return this.content(node, depth);
    return this.anchored(node.anchor, depth, () => this.content(node, depth));
  }

  private content(node: unknown, depth: number): unknown {
    if (isMap(node)) return this.mapping(node.items, depth);
    if (isSeq(node)) return node.items.map((item) => this.convert(item, depth + 1));
    return isScalar(node) ? node.value : null;
  }

  private mapping(pairs: readonly Pair[], depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const { key, value } of pairs) {
      if (!isScalar(key)) throw new UnreadableYaml('a key that is no plain text');
      const name = String(key.value);
      if (entries.has(name)) throw new UnreadableYaml('a key that is there twice');
      this.count(1, depth);
      entries.set(name, this.convert(value, depth + 1));
    }
    // Makes `__proto__` a key like any other.
    return Object.fromEntries(entries);
  }

  private anchored(anchor: string, depth: number, read: () => unknown): unknown {
    const [before, deepestBefore] = [this.nodes, this.deepest];
    this.anchors.set(anchor, 'open');
    this.deepest = depth;
    const value = read();
    this.anchors.set(anchor, { value, nodes: this.nodes - before, depth: this.deepest - depth });
    this.deepest = Math.max(this.deepest, deepestBefore);
    return value;
  }

  /** The value is shared; whoever writes it out writes it again, so it counts again. */
  private aliased({ source }: Alias, depth: number): unknown {
    const known = this.anchors.get(source);
    if (known === undefined) throw new UnreadableYaml('an alias without an anchor before it');
    if (known === 'open') throw new UnreadableYaml('a value that contains itself');
    this.count(known.nodes, depth + known.depth);
    return known.value;
  }

  private count(nodes: number, depth: number): void {
    this.nodes += nodes;
    this.deepest = Math.max(this.deepest, depth);
    if (this.nodes > MAX_NODES) throw new UnreadableYaml(`more than ${MAX_NODES} values`);
    if (depth > MAX_DEPTH) throw new UnreadableYaml(`a text of more than ${MAX_DEPTH} levels`);
  }
}
