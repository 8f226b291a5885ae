import type { LevelReport } from '../pipeline/level-report.ts';
import type { BboRow } from '../pipeline/rows/bbo-rows.ts';
import type { DepthRow } from '../pipeline/rows/depth-rows.ts';
import { HEAD_COLUMNS, type RowHead } from '../pipeline/rows/row-head.ts';
import type { RowKind, RowOf } from '../pipeline/rows/rows.ts';
import type { TradeRow } from '../pipeline/rows/trade-rows.ts';
import type { CsvValue } from './csv.ts';

/** Kinds of rows that are put into columns here; events and messages have writers of their own. */
export type TableKind = Exclude<RowKind, 'events' | 'records'>;

export interface TableColumn {
  readonly name: string;
  /** What its values are, for forms with types. */
  readonly type: 'id' | 'count' | 'time' | 'decimal' | 'text' | 'flag';
}

/** How rows of one kind look in columns. */
export interface RowTable<R> {
  readonly columns: readonly TableColumn[];
  /** The lines of a row: one, or one per price level. */
  lines(row: R): Iterable<readonly CsvValue[]>;
}

const column =
  (type: TableColumn['type']) =>
  (name: string): TableColumn => ({ name, type });
const level = (side: string): TableColumn[] => [
  { name: `${side}Price`, type: 'decimal' },
  { name: `${side}Quantity`, type: 'decimal' },
  { name: `${side}Orders`, type: 'count' },
];
const HEAD_TYPES: Readonly<Record<keyof RowHead, TableColumn['type']>> = {
  channel: 'count',
  sequence: 'id',
  venueTime: 'time',
  receiveTime: 'time',
  source: 'text',
  publisher: 'count',
  instrument: 'id',
  symbol: 'text',
};
export const HEAD_TABLE_COLUMNS: readonly TableColumn[] = HEAD_COLUMNS.map((name) => ({
  name,
  type: HEAD_TYPES[name],
}));
const STALE = column('flag')('stale');

export const ROW_TABLES: { readonly [K in TableKind]: RowTable<RowOf[K]> } = {
  bbo: {
    columns: [...HEAD_TABLE_COLUMNS, ...level('bid'), ...level('ask'), STALE],
    lines: (row: BboRow) => [[...headCells(row), ...levelCells(row.bid), ...levelCells(row.ask), row.stale]],
  },
  depth: {
    columns: [...HEAD_TABLE_COLUMNS, STALE, column('count')('level'), ...level('bid'), ...level('ask')],
    lines: depthLines,
  },
  trades: {
    columns: [
      ...HEAD_TABLE_COLUMNS,
      column('text')('kind'),
      ...['price', 'quantity'].map(column('decimal')),
      column('text')('aggressor'),
      ...['orderId', 'matchId'].map(column('id')),
      column('flag')('printable'),
    ],
    lines: (row: TradeRow) => [
      [
        ...headCells(row),
        row.kind,
        row.price,
        row.quantity,
        row.aggressor,
        row.orderId,
        row.matchId,
        row.printable,
      ],
    ],
  },
};

function headCells(row: RowHead): CsvValue[] {
  return HEAD_COLUMNS.map((name) => row[name]);
}

function levelCells(report: LevelReport | null): CsvValue[] {
  return report === null ? [null, null, null] : [report.price, report.quantity, report.orders];
}

/** One line per level, at least one: a book that became empty says so. */
function* depthLines(row: DepthRow): Generator<CsvValue[]> {
  const head = [...headCells(row), row.stale];
  const levels = Math.max(row.bids.length, row.asks.length, 1);
  for (let at = 0; at < levels; at += 1) {
    yield [...head, at + 1, ...levelCells(row.bids[at] ?? null), ...levelCells(row.asks[at] ?? null)];
  }
}
