import { formatTimeIso } from '../core/event/format-text.ts';
import type { LevelReport } from '../core/pipeline/level-report.ts';
import type { RowHead } from '../core/pipeline/rows/row-head.ts';
import type { RowKind, RowOf, RowSink } from '../core/pipeline/rows/rows.ts';
import { type CsvValue, CsvWriter } from './csv.ts';
import { trimmed } from './numbers.ts';
import type { Output } from './output.ts';
import type { RowFormat } from './output-form.ts';
import { recordCsv, recordJson } from './record-lines.ts';
import type { Style } from './style.ts';

/** How rows of one kind look outside of JSON. */
interface RowForm<R> {
  readonly columns: readonly string[];
  /** The lines of a row in CSV: one, or one per price level. */
  lines(row: R): Iterable<readonly CsvValue[]>;
  /** The row for people: one line or more, without the last line break. */
  pretty(row: R, style: Style): string;
}

const HEAD_COLUMNS = [
  'channel',
  'sequence',
  'venueTime',
  'receiveTime',
  'source',
  'publisher',
  'instrument',
  'symbol',
] as const;
const BID_COLUMNS = ['bidPrice', 'bidQuantity', 'bidOrders'];
const ASK_COLUMNS = ['askPrice', 'askQuantity', 'askOrders'];

const EVENT_COLUMNS = [
  'kind',
  'flags',
  'side',
  'price',
  'quantity',
  'orderId',
  'relatedId',
  'executionPrice',
  'matchId',
  'aggressor',
  'orders',
  'messageType',
  'state',
  'from',
  'to',
] as const;

const TRADE_COLUMNS = ['kind', 'price', 'quantity', 'aggressor', 'orderId', 'matchId', 'printable'] as const;

/** Kinds whose rows have columns of their own; messages have those of their types. */
type TableKind = Exclude<RowKind, 'records'>;

const FORMS: { readonly [K in TableKind]: RowForm<RowOf[K]> } = {
  events: {
    columns: [...HEAD_COLUMNS, ...EVENT_COLUMNS],
    lines: (row) => [
      [
        ...headCells(row),
        ...EVENT_COLUMNS.map((column) => (column === 'flags' ? row.flags.join(' ') : row[column])),
      ],
    ],
    pretty: (row, style) => {
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
  },
  bbo: {
    columns: [...HEAD_COLUMNS, ...BID_COLUMNS, ...ASK_COLUMNS, 'stale'],
    lines: (row) => [[...headCells(row), ...levelCells(row.bid), ...levelCells(row.ask), row.stale]],
    pretty: (row, style) => `${prettyHead(row, style)}  ${quoteText(row.bid, row.ask, row.stale, style)}`,
  },
  depth: {
    columns: [...HEAD_COLUMNS, 'stale', 'level', ...BID_COLUMNS, ...ASK_COLUMNS],
    lines: (row) => depthLines(row),
    pretty: (row, style) => {
      const levels = Math.max(row.bids.length, row.asks.length);
      const lines = Array.from({ length: levels }, (_, at) =>
        `  ${quoteText(row.bids[at] ?? null, row.asks[at] ?? null, false, style)}`.trimEnd(),
      );
      const stale = row.stale ? `  ${style.warn('stale')}` : '';
      return [`${prettyHead(row, style)}${stale}`, ...lines].join('\n');
    },
  },
  trades: {
    columns: [...HEAD_COLUMNS, ...TRADE_COLUMNS],
    lines: (row) => [[...headCells(row), ...TRADE_COLUMNS.map((column) => row[column])]],
    pretty: (row, style) => {
      const parts = [
        row.kind.padEnd(7),
        amount(row.price, row.quantity, '–'),
        row.aggressor === null ? '' : taker(row.aggressor, style),
        row.orderId === null ? '' : style.dim(`#${row.orderId}`),
        row.printable ? '' : style.dim('not printable'),
      ];
      return `${prettyHead(row, style)}  ${parts.filter((part) => part !== '').join(' ')}`;
    },
  },
};

/** Writes rows of one kind; a CSV file gets its head line also when no row comes. */
export function rowWriter<K extends RowKind>(
  kind: K,
  format: RowFormat,
  output: Output,
  style: Style,
): RowSink<K> {
  if (kind === 'records') return recordWriter(format, output) as RowSink<K>;
  const form = FORMS[kind as TableKind] as RowForm<RowOf[K]>;
  if (format === 'ndjson') return (row) => output.write(`${JSON.stringify(row)}\n`);
  if (format === 'pretty') return (row) => output.write(`${form.pretty(row, style)}\n`);
  const writer = new CsvWriter(output, form.columns);
  writer.start();
  return (row) => {
    for (const line of form.lines(row)) writer.row(line);
  };
}

function recordWriter(format: RowFormat, output: Output): RowSink<'records'> {
  const line = format === 'csv' ? recordCsv() : recordJson;
  return (row) => output.write(line(row));
}

function headCells(row: RowHead): CsvValue[] {
  return HEAD_COLUMNS.map((column) => row[column]);
}

function levelCells(level: LevelReport | null): CsvValue[] {
  return level === null ? [null, null, null] : [level.price, level.quantity, level.orders];
}

/** One line per level, at least one: a book that became empty says so. */
function* depthLines(row: RowOf['depth']): Generator<CsvValue[]> {
  const head = [...headCells(row), row.stale];
  const levels = Math.max(row.bids.length, row.asks.length, 1);
  for (let at = 0; at < levels; at += 1) {
    yield [...head, at + 1, ...levelCells(row.bids[at] ?? null), ...levelCells(row.asks[at] ?? null)];
  }
}

/** Kinds whose event is an order that enters: without a price it is a market order. */
const ENTERING = ['add', 'modify', 'replace'];
const SYMBOL_WIDTH = 8;
const AMOUNT_WIDTH = 18;

function prettyHead(row: RowHead, style: Style): string {
  const name = row.symbol ?? row.instrument ?? '–';
  return `${style.dim(timeText(row))}  ${style.bold(name.padEnd(SYMBOL_WIDTH))}`;
}

/** When it arrived, or where that is not known when it happened. */
function timeText({ receiveTime, venueTime }: RowHead): string {
  return formatTimeIso(BigInt(receiveTime ?? venueTime));
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
