import { stripVTControlCharacters } from 'node:util';
import type { Style } from './style.ts';

export interface Column {
  readonly head: string;
  /** Numbers stand right, text left. */
  readonly align?: 'left' | 'right';
  /** The column is at least so wide. */
  readonly least?: number;
}

const GAP = '  ';

/**
 * Lines of a table without borders: a head line, then the rows; columns are as wide as their widest cell.
 * Cells may have colours. For reports of at most thousands of rows; everything is held in memory.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
): string {
  const widths = columns.map((column, at) =>
    rows.reduce(
      (width, row) => Math.max(width, visibleLength(row[at] ?? '')),
      Math.max(column.head.length, column.least ?? 0),
    ),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => pad(cell, widths[at]!, columns[at]!.align ?? 'left'))
      .join(GAP)
      .trimEnd();
  const head = columns.map((column, at) =>
    style.bold(pad(column.head, widths[at]!, column.align ?? 'left')).trimEnd(),
  );
  // The head is padded before it is coloured, so that a coloured head has the same width.
  return `${line(head)}\n${rows.map((row) => `${line(row)}\n`).join('')}`;
}

/** Lines of `label  value` with the labels in one column. */
export function pairs(rows: readonly (readonly [label: string, value: string])[], style: Style): string {
  const width = rows.reduce((most, [label]) => Math.max(most, label.length), 0);
  return rows
    .map(([label, value]) => `${style.dim(label.padEnd(width))}${GAP}${value}`.trimEnd())
    .join('\n')
    .concat('\n');
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, width - visibleLength(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

function visibleLength(text: string): number {
  return text.includes('\u001b') ? stripVTControlCharacters(text).length : text.length;
}
