import type { LevelReport } from '../core/pipeline/level-report.ts';
import type { DepthReport, InstrumentReport } from '../core/pipeline/report.ts';
import { grouped, quantityText, scaled, sharedDecimals, trimmed, unscaled } from './numbers.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';

/** A book with its levels. */
export type BookOfLevels = InstrumentReport & DepthReport;

const right = (head: string): Column => ({ head, align: 'right' });

/** Columns of one side, from the price outwards, without the bar. */
const SIDE_HEADS = ['quantity', 'sum', 'orders'] as const;
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

/** Bid and ask side by side, the best prices in the middle on top. Bars show how much there is down to each level. */
export function ladder(book: BookOfLevels, columns: number, style: Style): string {
  const { bids, asks } = book;
  if (bids.length + asks.length === 0) return `${style.dim('no orders')}\n`;
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
      share: sumOf[at]! / most,
    }));
  const left = linesOf(bids, sums[0]);
  const rightSide = linesOf(asks, sums[1]);
  const barWidth = barWidthOf(left, rightSide, columns);
  const rows = Array.from({ length: Math.max(left.length, rightSide.length) }, (_, at) => [
    ...sideOf(left[at], barWidth, style.bid, style).toReversed(),
    style.dim('│'),
    ...sideOf(rightSide[at], barWidth, style.ask, style),
  ]);
  const bar = barWidth === 0 ? [] : [''];
  const heads = [
    ...[...bar, ...SIDE_HEADS.toReversed(), 'bid', '│', 'ask', ...SIDE_HEADS].map(right),
    ...bar.map((head): Column => ({ head })),
  ];
  return `${table(heads, rows, style)}${moreLevels(book, style)}`;
}

/** What the numbers leave of the line, for each of both bars. */
function barWidthOf(bids: readonly Line[], asks: readonly Line[], columns: number): number {
  const widthOf = (lines: readonly Line[]): number =>
    ['bid', ...SIDE_HEADS].reduce((width, head, at) => {
      const widest = lines.reduce((most, { cells }) => Math.max(most, cells[at]!.length), head.length);
      return width + widest + GAP_WIDTH;
    }, 0);
  const left = columns - widthOf(bids) - widthOf(asks) - 1;
  const width = Math.min(BAR_WIDTH_MAX, Math.floor(left / 2) - GAP_WIDTH);
  return width < BAR_WIDTH_MIN ? 0 : width;
}

function sideOf(
  line: Line | undefined,
  barWidth: number,
  paint: (text: string) => string,
  style: Style,
): string[] {
  const [price, quantity, sum, orders] = line?.cells ?? ['', '', '', ''];
  const bar = barWidth === 0 ? [] : [paint('█'.repeat(Math.round((line?.share ?? 0) * barWidth)))];
  return [paint(price), quantity, style.dim(sum), style.dim(orders), ...bar];
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
