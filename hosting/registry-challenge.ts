/** What a registry asks for in `WWW-Authenticate` (RFC 7235; for Bearer, the distribution specification's token flow). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const MAX_CHARACTERS = 4096;
/** A token, then either `=` with a value or the next challenge's first parameter. */
const PART =
  /\s*,?\s*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+)(?=[\s,]|$)(?!\s*=))/y;

/** The challenges in a header, in order; what cannot be read ends the list. */
export function readChallenges(header: string): Challenge[] {
  const text = header.slice(0, MAX_CHARACTERS);
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  PART.lastIndex = 0;
  for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
    const [, name, quoted, plain, scheme] = part;
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} });
    else if (name !== undefined) {
      const last = challenges.at(-1);
      if (last === undefined) break;
      last.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
    }
  }
  return challenges;
}
