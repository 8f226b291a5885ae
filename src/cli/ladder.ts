import type { LevelReport } from '../core/pipeline/level-report.ts';
import type { DepthReport, InstrumentReport } from '../core/pipeline/report.ts';
import { grouped, quantityText, scaled, sharedDecimals, trimmed, unscaled } from './numbers.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';

/** A book with its levels. */
export type BookOfLevels = InstrumentReport & DepthReport;

const right = (head: string): Column => ({ head, align: 'right' });

const LADDER: readonly Column[] = [
  ...['', 'orders', 'sum', 'quantity', 'bid', '│', 'ask', 'quantity', 'sum', 'orders'].map(right),
  { head: '' },
];
/** Columns of the ladder without its bars and the gaps beside them, at least; longest bar. */
const NUMBERS_WIDTH_MIN = 56;
const BAR_WIDTH_MAX = 20;

const QUEUES: readonly Column[] = [
  { head: 'side' },
  ...['price', 'place', 'order', 'quantity', 'ahead'].map(right),
];

/** One side of a line of the ladder, from the price outwards. */
type Side = readonly [price: string, quantity: string, sum: string, orders: string, bar: string];

const NO_SIDE: Side = ['', '', '', '', ''];

/** Bid and ask side by side, the best prices in the middle on top. Bars show how much there is down to each level. */
export function ladder(book: BookOfLevels, columns: number, style: Style): string {
  const { bids, asks } = book;
  if (bids.length + asks.length === 0) return `${style.dim('no orders')}\n`;
  const decimals = sharedDecimals([...bids, ...asks].map(({ price }) => price));
  const bidSums = sumsOf(bids);
  const askSums = sumsOf(asks);
  const most = Math.max(bidSums.at(-1) ?? 0, askSums.at(-1) ?? 0);
  const barWidth = Math.min(BAR_WIDTH_MAX, Math.floor((columns - NUMBERS_WIDTH_MIN) / 2) - 2);
  const sides = (
    levels: readonly LevelReport[],
    sums: readonly number[],
    paint: (text: string) => string,
  ): Side[] =>
    levels.map(({ price, quantity, orders }, at) => [
      paint(price === null ? 'market' : trimmed(price, decimals)),
      quantityText(quantity),
      style.dim(quantityText(scaled(sums[at]!, book.quantityScale))),
      style.dim(grouped(orders)),
      paint('█'.repeat(Math.max(0, Math.round((sums[at]! / most) * barWidth)))),
    ]);
  const left = sides(bids, bidSums, style.bid);
  const rightSide = sides(asks, askSums, style.ask);
  const rows = Array.from({ length: Math.max(bids.length, asks.length) }, (_, at) => [
    ...(left[at] ?? NO_SIDE).toReversed(),
    style.dim('│'),
    ...(rightSide[at] ?? NO_SIDE),
  ]);
  return `${table(LADDER, rows, style)}${moreLevels(book, style)}`;
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
  return `${table(QUEUES, rows, style)}${moreLevels(book, style)}`;
}

function moreLevels({ bids, asks, bidLevels, askLevels }: BookOfLevels, style: Style): string {
  const left = [bidLevels - bids.length, askLevels - asks.length] as const;
  if (left[0] + left[1] === 0) return '';
  return `${style.dim(`… ${grouped(left[0])} more bid levels and ${grouped(left[1])} more ask levels; see --depth`)}\n`;
}

/** Sums of the quantities down to each level, in units of the book's scale. */
function sumsOf(levels: readonly LevelReport[]): number[] {
  let sum = 0;
  return levels.map(({ quantity }) => {
    sum += unscaled(quantity);
    return sum;
  });
}
