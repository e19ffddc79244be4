const WHOLE = /^\{(\w+)\}$/;
const INSIDE = /\{(\w+)\}/g;

/** What a name stands for, or undefined when it is not known here. */
export type Lookup = (name: string) => { readonly value: unknown } | undefined;

/**
 * Puts values in the places of `{name}` in all texts of `data`. A text that is nothing but a placeholder becomes the value
 * itself, number or object; names that `lookup` does not know stay.
 */
export function fill(data: unknown, lookup: Lookup): unknown {
  if (typeof data === 'string') return filledText(data, lookup);
  if (Array.isArray(data)) return data.map((item) => fill(item, lookup));
  if (data === null || typeof data !== 'object') return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [String(filledText(key, lookup)), fill(value, lookup)]),
  );
}

function filledText(text: string, lookup: Lookup): unknown {
  const whole = WHOLE.exec(text)?.[1];
  const found = whole === undefined ? undefined : lookup(whole);
  if (found !== undefined) return found.value;
  return text.replace(INSIDE, (placeholder, name: string) => {
    const value = lookup(name);
    if (value === undefined) return placeholder;
    return typeof value.value === 'string' ? value.value : JSON.stringify(value.value);
  });
}
