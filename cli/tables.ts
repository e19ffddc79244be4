import Table from 'cli-table3';
import { neutralised } from '../engine/log-tail';

export type Cell = string | number | boolean | null | undefined;

/** Aligned text without borders, as MedPerf shows its lists. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const plain = new Table({
    head: [...columns],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: NO_BORDERS,
  });
  plain.push(...rows.map((row) => row.map(cellText)));
  return plain
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Truth is shown as MedPerf's Python shows it. Texts may be a stranger's: what a terminal obeys is left out. */
export function cellText(cell: Cell): string {
  if (typeof cell === 'boolean') return cell ? 'True' : 'False';
  return String(cell ?? '')
    .split('\n')
    .map(neutralised)
    .join('\n');
}

const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
} as const;
