const WORD_PART = /[^ \t\r\n"'\\]+|\\([^])|'([^']*)'|"((?:[^"\\]|\\[^])*)"/y;

/**
 * Splits a command as Python's `shlex.split` does, and so as today's MedPerf: quotes and backslashes are understood,
 * nothing else means anything. Null where a quote or a backslash has no end.
 */
export function commandWords(command: string): string[] | null {
  const words: string[] = [];
  let at = skipBlanks(command, 0);
  while (at < command.length) {
    let word = '';
    for (let part = partAt(command, at); part !== null; part = partAt(command, at)) {
      word += part.text;
      at = part.end;
    }
    const next = skipBlanks(command, at);
    if (next === at && at < command.length) return null;
    words.push(word);
    at = next;
  }
  return words;
}

function partAt(command: string, at: number): { readonly text: string; readonly end: number } | null {
  WORD_PART.lastIndex = at;
  const found = WORD_PART.exec(command);
  if (found === null) return null;
  const [plain, escaped, single, double] = found;
  const text = escaped ?? single ?? double?.replace(/\\(["\\])/g, '$1') ?? plain;
  return { text, end: WORD_PART.lastIndex };
}

function skipBlanks(command: string, from: number): number {
  let at = from;
  while (at < command.length && ' \t\r\n'.includes(command.charAt(at))) at += 1;
  return at;
}
