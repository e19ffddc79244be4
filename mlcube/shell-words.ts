export interface ShellWord {
  readonly text: string;
  /** The shell would have put something else in its place: `$(…)`, a variable or backticks. */
  readonly expands: boolean;
}

export type ShellWords = { readonly words: readonly ShellWord[] } | { readonly problem: string };

/**
 * Splits a command line as a POSIX shell would, without one: quotes and backslashes are understood, `$(…)`, variables and
 * backticks stay as written and mark their word, and what would start another command is a problem.
 */
export function splitShellWords(line: string): ShellWords {
  const words: ShellWord[] = [];
  let text = '';
  let open = false;
  let expands = false;
  let at = 0;

  while (at < line.length) {
    const character = line.charAt(at);
    if (/\s/.test(character)) {
      if (open) words.push({ text, expands });
      text = '';
      open = expands = false;
      at += 1;
      continue;
    }
    const operator = /[;|&<>()]/.exec(character)?.[0];
    if (operator !== undefined) return { problem: `the shell operator ${operator}` };
    const piece = readPiece(line, at);
    if (piece === null) return { problem: `no end of the ${character} at character ${at + 1}` };
    text += piece.text;
    expands ||= piece.expands;
    open = true;
    at = piece.end;
  }
  if (open) words.push({ text, expands });
  return { words };
}

interface Piece extends ShellWord {
  readonly end: number;
}

/** The quoted part, escape, expansion or single character at a place; null when it has no end. */
function readPiece(line: string, at: number): Piece | null {
  const character = line.charAt(at);
  if (character === "'") return upTo(line, at + 1, line.indexOf("'", at + 1), false);
  if (character === '"') return doubleQuoted(line, at + 1);
  if (character === '\\') {
    return at + 1 < line.length ? { text: line.charAt(at + 1), expands: false, end: at + 2 } : null;
  }
  return expansion(line, at) ?? (startsExpansion(line, at) ? null : { text: character, expands: false, end: at + 1 });
}

function upTo(line: string, from: number, end: number, expands: boolean): Piece | null {
  return end < 0 ? null : { text: line.slice(from, end), expands, end: end + 1 };
}

function doubleQuoted(line: string, from: number): Piece | null {
  let text = '';
  let expands = false;
  let at = from;
  while (at < line.length) {
    const character = line.charAt(at);
    if (character === '"') return { text, expands, end: at + 1 };
    if (character === '\\' && /["\\$`]/.test(line.charAt(at + 1))) {
      text += line.charAt(at + 1);
      at += 2;
      continue;
    }
    if (startsExpansion(line, at)) {
      const piece = expansion(line, at);
      if (piece === null) return null;
      text += piece.text;
      expands = true;
      at = piece.end;
      continue;
    }
    text += character;
    at += 1;
  }
  return null;
}

function startsExpansion(line: string, at: number): boolean {
  return line.charAt(at) === '`' || (line.charAt(at) === '$' && /[({\w@*#?$!-]/.test(line.charAt(at + 1)));
}

function expansion(line: string, at: number): Piece | null {
  if (!startsExpansion(line, at)) return null;
  if (line.charAt(at) === '`') return expanded(line, at, line.indexOf('`', at + 1));
  if (line.charAt(at + 1) === '{') return expanded(line, at, line.indexOf('}', at));
  if (line.charAt(at + 1) === '(') return expanded(line, at, closingBracket(line, at + 1));
  const name = /^\$(?:[A-Za-z_]\w*|.)/.exec(line.slice(at))?.[0] ?? '$';
  return expanded(line, at, at + name.length - 1);
}

function expanded(line: string, from: number, last: number): Piece | null {
  return last < 0 ? null : { text: line.slice(from, last + 1), expands: true, end: last + 1 };
}

function closingBracket(line: string, from: number): number {
  let depth = 0;
  for (let at = from; at < line.length; at += 1) {
    if (line.charAt(at) === '(') depth += 1;
    if (line.charAt(at) === ')' && (depth -= 1) === 0) return at;
  }
  return -1;
}
