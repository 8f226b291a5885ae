import type { LevelReport } from '../core/pipeline/level-report.ts';
import type { DepthReport, InstrumentReport } from '../core/pipeline/report.ts';
import { plain } from './clip.ts';
import { counted, grouped, quantityText, scaled, sharedDecimals, trimmed, unscaled } from './numbers.ts';
import { stateOf } from './quotes.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';

/** A book with its levels. */
export type BookOfLevels = InstrumentReport & DepthReport;

const right = (head: string): Column => ({ head, align: 'right' });

/** Heads of each side, from the price outwards, without the bar. */
const HEADS = [
  ['bid', 'quantity', 'sum', 'orders'],
  ['ask', 'quantity', 'sum', 'orders'],
] as const;
const PARTS = 4;
/** Price and quantity always stand there. */
const PARTS_MIN = 2;
const GAP_WIDTH = 2;
const BAR_WIDTH_MAX = 20;
/** Shorter bars say nothing; then there are none. */
const BAR_WIDTH_MIN = 3;

const QUEUES: readonly Column[] = [
  { head: 'side' },
  ...['price', 'place', 'order', 'quantity', 'ahead'].map(right),
];

/** A level as cells from the price outwards, and its share of the largest sum shown. */
interface Line {
  readonly cells: readonly [price: string, quantity: string, sum: string, orders: string];
  readonly share: number;
}

/** Lines of a ladder, and how wide its cells came out: what `least` of the next one may be, so that it stands still. */
export interface LadderTable {
  readonly lines: readonly string[];
  readonly widths: readonly number[];
}

/** Name and state of a book, and facts about it. */
export function titleOf(book: BookOfLevels, style: Style, more: readonly string[] = []): string {
  const { symbol, instrument, publisher, source, orders, bidLevels, askLevels } = book;
  const facts = [
    ...more,
    ...(symbol === null ? [] : [`instrument ${instrument}`]),
    ...(publisher === 0 ? [] : [`publisher ${publisher}`]),
    plain(source),
    counted(orders, 'order'),
    `${grouped(bidLevels)} + ${grouped(askLevels)} levels`,
  ];
  const state = stateOf(book, style);
  const name = style.bold(plain(symbol ?? `instrument ${instrument}`));
  return `${name}${state === '' ? '' : ` ${state}`}  ${style.dim(facts.join(' · '))}`;
}

/** The ladder of a book as text, with a line that says how many levels are left out. */
export function ladder(book: BookOfLevels, columns: number, style: Style): string {
  if (book.bids.length + book.asks.length === 0) return `${style.dim('no orders')}\n`;
  const { lines } = ladderTable(book, columns, style);
  const left = moreLevels(book);
  return `${lines.join('\n')}\n${left === '' ? '' : `${style.dim(`${left}; see --depth`)}\n`}`;
}

/**
 * Bid and ask side by side, the best prices in the middle on top. Bars show how much there is down to each level. Where
 * the line is too short, the bars go first, then the orders, then the sums.
 */
export function ladderTable(
  book: BookOfLevels,
  columns: number,
  style: Style,
  least: readonly number[] = [],
): LadderTable {
  const { bids, asks } = book;
  const decimals = sharedDecimals([...bids, ...asks].map(({ price }) => price));
  const sums = [sumsOf(bids), sumsOf(asks)] as const;
  const most = Math.max(sums[0].at(-1) ?? 0, sums[1].at(-1) ?? 0);
  const linesOf = (levels: readonly LevelReport[], sumOf: readonly number[]): Line[] =>
    levels.map(({ price, quantity, orders }, at) => ({
      cells: [
        price === null ? 'market' : trimmed(price, decimals),
        quantityText(quantity),
        quantityText(scaled(sumOf[at]!, book.quantityScale)),
        grouped(orders),
      ],
      share: most === 0 ? 0 : sumOf[at]! / most,
    }));
  const sides = [linesOf(bids, sums[0]), linesOf(asks, sums[1])] as const;
  const widths = HEADS.flatMap((heads, side) =>
    heads.map((head, part) =>
      sides[side]!.reduce(
        (width, { cells }) => Math.max(width, cells[part]!.length),
        Math.max(head.length, least[side * heads.length + part] ?? 0),
      ),
    ),
  );
  const form = formOf(widths, columns);
  const rows = Array.from({ length: Math.max(bids.length, asks.length) }, (_, at) => [
    ...sideOf(sides[0][at], form, style.bid, style).toReversed(),
    style.dim('│'),
    ...sideOf(sides[1][at], form, style.ask, style),
  ]);
  const columnsOf = (side: number): Column[] =>
    HEADS[side]!.slice(0, form.parts).map((head, part) => ({
      head,
      align: 'right',
      least: widths[side * PARTS + part]!,
    }));
  const bar = form.bar === 0 ? [] : [{ head: '', align: 'right', least: form.bar } as const];
  const heads: Column[] = [
    ...[...columnsOf(0), ...bar].toReversed(),
    { head: '│' },
    ...columnsOf(1),
    ...bar.map(({ head, least: width }): Column => ({ head, least: width })),
  ];
  return { lines: table(heads, rows, style).split('\n').slice(0, -1), widths };
}

/** What of each side fits into the line. */
interface Form {
  /** Cells from the price outwards. */
  readonly parts: number;
  readonly bar: number;
}

function formOf(widths: readonly number[], columns: number): Form {
  const widthOf = (parts: number): number =>
    widths.reduce((sum, width, at) => (at % PARTS < parts ? sum + width + GAP_WIDTH : sum), 1);
  let parts = PARTS;
  while (parts > PARTS_MIN && widthOf(parts) > columns) parts -= 1;
  const bar = Math.min(BAR_WIDTH_MAX, Math.floor((columns - widthOf(parts)) / 2) - GAP_WIDTH);
  return { parts, bar: parts < PARTS || bar < BAR_WIDTH_MIN ? 0 : bar };
}

function sideOf(
  line: Line | undefined,
  { parts, bar }: Form,
  paint: (text: string) => string,
  style: Style,
): string[] {
  const [price, quantity, sum, orders] = line?.cells ?? ['', '', '', ''];
  const cells = [paint(price), quantity, style.dim(sum), style.dim(orders)].slice(0, parts);
  return bar === 0 ? cells : [...cells, paint('█'.repeat(Math.round((line?.share ?? 0) * bar)))];
}

/** The single orders of each level, the first in the queue first, with what stands before each. */
export function queues(book: BookOfLevels, style: Style): string {
  const { bids, asks } = book;
  if (bids.length + asks.length === 0) return `${style.dim('no orders')}\n`;
  const decimals = sharedDecimals([...bids, ...asks].map(({ price }) => price));
  const rowsOf = (side: 'bid' | 'ask', levels: readonly LevelReport[]): string[][] =>
    levels.flatMap(({ price, quantity, queue = [] }) => {
      const name = style[side](price === null ? 'market' : trimmed(price, decimals));
      if (queue.length === 0) return [[side, name, '–', style.dim('not told'), quantityText(quantity), '']];
      let ahead = 0;
      return queue.map((order, place) => {
        const row = [
          place === 0 ? side : '',
          place === 0 ? name : '',
          String(place + 1),
          order.orderId,
          quantityText(order.quantity),
          style.dim(quantityText(scaled(ahead, book.quantityScale))),
        ];
        ahead += unscaled(order.quantity);
        return row;
      });
    });
  const rows = [...rowsOf('bid', bids), ...rowsOf('ask', asks)];
  const left = moreLevels(book);
  return `${table(QUEUES, rows, style)}${left === '' ? '' : `${style.dim(`${left}; see --depth`)}\n`}`;
}

/** How many levels are not shown, in words; empty where all are. */
export function moreLevels({ bids, asks, bidLevels, askLevels }: BookOfLevels): string {
  const left = [
    ['bid', bidLevels - bids.length],
    ['ask', askLevels - asks.length],
  ] as const;
  const parts = left.flatMap(([side, count]) => (count === 0 ? [] : [counted(count, `more ${side} level`)]));
  return parts.length === 0 ? '' : `… ${parts.join(' and ')}`;
}

/** Sums of the quantities down to each level, in units of the book's scale. */
function sumsOf(levels: readonly LevelReport[]): number[] {
  let sum = 0;
  return levels.map(({ quantity }) => {
    sum += unscaled(quantity);
    return sum;
  });
}
