import type { LevelReport } from '../core/pipeline/level-report.ts';
import type { InstrumentReport } from '../core/pipeline/report.ts';
import { grouped, quantityText, sharedDecimals, trimmed } from './numbers.ts';
import type { Style } from './style.ts';
import { type Column, table } from './table.ts';

/** Books in a table for people; more are counted. */
export const QUOTES_MAX = 20;

const COLUMNS: readonly Column[] = [
  { head: 'instrument' },
  { head: 'orders', align: 'right' },
  { head: 'quantity', align: 'right' },
  { head: 'bid', align: 'right' },
  { head: 'ask', align: 'right' },
  { head: 'quantity', align: 'right' },
  { head: '' },
];

/**
 * Best bids and asks, one book a line: all of them in the order of the report if there are at most `most`, else those
 * with the most orders and a line that says how many there are, and `how` to see others.
 */
export function quotesTable(
  instruments: readonly InstrumentReport[],
  most: number,
  how: string,
  style: Style,
): string {
  const shown =
    instruments.length <= most
      ? instruments
      : instruments.toSorted((a, b) => b.orders - a.orders).slice(0, most);
  const decimals = sharedDecimals(shown.flatMap(({ bid, ask }) => [bid?.price ?? null, ask?.price ?? null]));
  const price = (level: LevelReport | null): string =>
    level === null ? '–' : level.price === null ? 'market' : trimmed(level.price, decimals);
  const rows = shown.map((instrument) => {
    const { orders, bid, ask } = instrument;
    return [
      nameOf(instrument, shown),
      grouped(orders),
      bid === null ? '' : quantityText(bid.quantity),
      style.bid(price(bid)),
      style.ask(price(ask)),
      ask === null ? '' : quantityText(ask.quantity),
      stateOf(instrument, style),
    ];
  });
  const left = instruments.length - shown.length;
  const more =
    left === 0 ? '' : `${style.dim(`… and ${grouped(left)} more books with fewer orders; ${how}`)}\n`;
  return `${table(COLUMNS, rows, style)}${more}`;
}

/** What is wrong with a book, coloured; empty where nothing is. */
export function stateOf({ stale, bid, ask }: InstrumentReport, style: Style): string {
  const marks: string[] = [];
  if (stale) marks.push(style.warn('stale'));
  const sign = bid === null || ask === null ? -1 : comparePrices(bid.price, ask.price);
  if (sign > 0) marks.push(style.bad('crossed'));
  else if (sign === 0) marks.push(style.warn('locked'));
  return marks.join(' ');
}

/** The symbol, or the venue's number; with the publisher where a symbol has several books. */
export function nameOf(
  { symbol, instrument, publisher }: InstrumentReport,
  all: readonly InstrumentReport[],
): string {
  const name = symbol ?? `#${instrument}`;
  const isShared = all.some((other) => other.instrument === instrument && other.publisher !== publisher);
  return isShared ? `${name} @${publisher}` : name;
}

/** Sign of bid − ask; −1 where one has no price. */
function comparePrices(bid: string | null, ask: string | null): number {
  if (bid === null || ask === null) return -1;
  // Decimals of one scale compare as the integers they are without their point.
  const difference = BigInt(bid.replace('.', '')) - BigInt(ask.replace('.', ''));
  return difference > 0n ? 1 : difference === 0n ? 0 : -1;
}
