import { csvLine } from '../core/convert/csv.ts';
import { ROW_TABLES, type RowTable, type TableKind } from '../core/convert/row-tables.ts';
import type { LevelReport } from '../core/pipeline/level-report.ts';
import type { RowHead } from '../core/pipeline/rows/row-head.ts';
import type { RowKind, RowOf, RowSink } from '../core/pipeline/rows/rows.ts';
import { timeText, trimmed } from './numbers.ts';
import type { Output } from './output.ts';
import type { OutputForm } from './output-form.ts';
import { recordCsv, recordJson } from './record-lines.ts';
import type { Style } from './style.ts';

/** Kinds of rows whose columns are known here; messages have those of their types. */
type PrettyKind = Exclude<RowKind, 'records'>;

/** Rows for people: one line or more, without the last line break. */
const PRETTY: { readonly [K in PrettyKind]: (row: RowOf[K], style: Style) => string } = {
  events: (row, style) => {
    const { kind, side, price, quantity, orderId, relatedId, executionPrice, aggressor } = row;
    const parts = [
      kind.padEnd(10),
      side === null ? '   ' : style[side](side),
      amount(price, quantity, ENTERING.includes(kind) ? 'market' : '–'),
      orderId === null ? '' : `#${orderId}`,
      relatedId === null ? '' : style.dim(`for #${relatedId}`),
      executionPrice === null ? '' : `at ${trimmed(executionPrice, 2)}`,
      aggressor === null ? '' : `aggressor ${taker(aggressor, style)}`,
      row.messageType === null ? '' : `message ${row.messageType}`,
      row.state === null ? '' : `state ${row.state}`,
      row.from === null ? '' : style.warn(row.to === null ? row.from : `${row.from} … ${row.to}`),
      style.dim(row.flags.filter((flag) => flag !== 'last').join(' ')),
      row.flags.includes('last') ? '' : style.dim('…'),
    ];
    return `${prettyHead(row, style)}  ${parts.filter((part) => part !== '').join(' ')}`;
  },
  bbo: (row, style) => `${prettyHead(row, style)}  ${quoteText(row.bid, row.ask, row.stale, style)}`,
  depth: (row, style) => {
    const levels = Math.max(row.bids.length, row.asks.length);
    const lines = Array.from({ length: levels }, (_, at) =>
      `  ${quoteText(row.bids[at] ?? null, row.asks[at] ?? null, false, style)}`.trimEnd(),
    );
    const stale = row.stale ? `  ${style.warn('stale')}` : '';
    return [`${prettyHead(row, style)}${stale}`, ...lines].join('\n');
  },
  trades: (row, style) => {
    const parts = [
      row.kind.padEnd(7),
      amount(row.price, row.quantity, '–'),
      row.aggressor === null ? '' : taker(row.aggressor, style),
      row.orderId === null ? '' : style.dim(`#${row.orderId}`),
      row.printable ? '' : style.dim('not printable'),
    ];
    return `${prettyHead(row, style)}  ${parts.filter((part) => part !== '').join(' ')}`;
  },
};

/** Writes rows of one kind; a CSV file gets its head line also when no row comes. */
export function rowWriter<K extends TableKind>(
  kind: K,
  format: 'ndjson' | 'csv',
  output: Output,
): RowSink<K> {
  if (format === 'ndjson') return (row) => output.write(`${JSON.stringify(row)}\n`);
  const table: RowTable<RowOf[K]> = ROW_TABLES[kind];
  output.write(csvLine(table.columns.map(({ name }) => name)));
  return (row) => {
    for (const line of table.lines(row)) output.write(csvLine(line));
  };
}

/** Writes messages whole. */
export function recordWriter(form: OutputForm, output: Output): RowSink<'records'> {
  const line = form === 'csv' ? recordCsv() : recordJson;
  return (row) => output.write(line(row));
}

/** Writes rows as people read them. */
export function prettyWriter<K extends PrettyKind>(kind: K, output: Output, style: Style): RowSink<K> {
  const pretty: (row: RowOf[K], style: Style) => string = PRETTY[kind];
  return (row) => output.write(`${pretty(row, style)}\n`);
}

/** Kinds whose event is an order that enters: without a price it is a market order. */
const ENTERING = ['add', 'modify', 'replace'];
const SYMBOL_WIDTH = 8;
const AMOUNT_WIDTH = 18;

function prettyHead(row: RowHead, style: Style): string {
  const name = row.symbol ?? row.instrument ?? '–';
  return `${style.dim(timeText(BigInt(row.receiveTime ?? row.venueTime)))}  ${style.bold(name.padEnd(SYMBOL_WIDTH))}`;
}

/** @param unpriced what to say where there is no price. */
function amount(price: string | null, quantity: string | null, unpriced: string): string {
  if (price === null && quantity === null) return '';
  return `${price === null ? unpriced : trimmed(price, 2)} × ${quantity ?? '–'}`;
}

function taker(aggressor: 'buy' | 'sell', style: Style): string {
  return aggressor === 'buy' ? style.bid('buy') : style.ask('sell');
}

/** Bid and ask of one level side by side, the price in the middle. */
function quoteText(bid: LevelReport | null, ask: LevelReport | null, stale: boolean, style: Style): string {
  const left =
    bid === null ? '–' : `${bid.quantity} × ${bid.market ? 'market' : trimmed(bid.price ?? '', 2)}`;
  const right =
    ask === null ? '–' : `${ask.market ? 'market' : trimmed(ask.price ?? '', 2)} × ${ask.quantity}`;
  const text = `${style.bid(left.padStart(AMOUNT_WIDTH))} │ ${style.ask(right.padEnd(AMOUNT_WIDTH))}`;
  return stale ? `${text} ${style.warn('stale')}` : text.trimEnd();
}
