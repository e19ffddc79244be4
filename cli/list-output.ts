import type { Output } from './output';
import { collected } from './record-view';
import { cellText } from './tables';
import type { Cell } from './tables';

/** Rows that decide how wide the columns are: a page of a registry's list. */
const MEASURED = 32;

export interface ListColumns<T> {
  readonly titles: readonly string[];
  readonly cells: (row: T) => readonly Cell[];
}

/**
 * Shows a list as it comes, page by page, however long it is. With `--json` it is one array at the end: a list that breaks
 * off is then an error and no half array.
 */
export async function showList<T>(
  output: Output,
  { titles, cells }: ListColumns<T>,
  rows: AsyncIterable<T>,
): Promise<void> {
  if (output.json) {
    const all = await collected(rows);
    output.result(all, () => '');
    return;
  }
  let widths: readonly number[] | null = null;
  let first: string[][] = [[...titles]];
  const showFirst = (): readonly number[] => {
    const measured = widthsOf(first);
    for (const row of first) output.line(aligned(row, measured));
    first = [];
    return measured;
  };
  for await (const row of rows) {
    // A record is one line, whatever its texts say.
    const texts = cells(row).map((cell) => cellText(cell).replaceAll('\n', ' '));
    if (widths !== null) output.line(aligned(texts, widths));
    else if (first.push(texts) > MEASURED) widths = showFirst();
  }
  if (widths === null) showFirst();
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const [titles = []] = rows;
  return titles.map((_, at) => Math.max(...rows.map((row) => lengthOf(row[at] ?? ''))));
}

/** A later text that is wider than its column moves what follows it. */
function aligned(row: readonly string[], widths: readonly number[]): string {
  const padded = row.map((text, at) => text + ' '.repeat(Math.max((widths[at] ?? 0) - lengthOf(text), 0)));
  return padded.join('  ').trimEnd();
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
