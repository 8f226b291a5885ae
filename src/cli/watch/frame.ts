import { clipped, plain } from '../clip.ts';
import { type BookOfLevels, ladderTable, moreLevels, titleOf } from '../ladder.ts';
import { grouped } from '../numbers.ts';
import type { Style } from '../style.ts';
import { KEYS, type Named } from './controls.ts';

/** One trade, in words. */
export interface TradeLine {
  readonly time: string;
  readonly price: string;
  readonly quantity: string;
  readonly aggressor: 'buy' | 'sell' | null;
}

/** What is to be seen at a moment. */
export interface Frame {
  readonly file: string;
  /** Of the last event; null before the first. */
  readonly time: string | null;
  readonly messages: number;
  /** Null while it is not known. */
  readonly messagesPerSecond: number | null;
  /** `playing`, `paused`, `going back`, `the end`. */
  readonly pace: string;
  /** How fast it is played. */
  readonly speed: string;
  /** Number of the last message in its channel; null where it has none. */
  readonly position: string | null;
  readonly isPaused: boolean;
  readonly book: BookOfLevels | null;
  /** The book's place among those that are known, from 1, and how many they are. */
  readonly place: number;
  readonly books: number;
  readonly trades: readonly TradeLine[];
  /** What the last step did, in words; null while nothing is stepped. */
  readonly steps: readonly string[] | null;
  readonly help: boolean;
  /** What a key could not do, until the next one; null = nothing. */
  readonly notice: string | null;
  /** What is being typed to find a book, and which one it means so far; null while nobody searches. */
  readonly search: { readonly typed: string; readonly found: Named | null } | null;
}

/** Cells of a ladder stay as wide as they were once, so that it stands still. */
export interface Steady {
  widths: readonly number[];
}

/** Lines above and below the ladder: title, facts, blank; more levels, blank, head of the list, foot. */
const FIXED_LINES = 9;
const TRADES_MAX = 8;
const KEY_GAP = ' · ';

/** Levels of each side that a terminal of so many rows has room for beside a list of so many lines. */
export function depthFor(rows: number, listed: number): number {
  return Math.max(1, rows - FIXED_LINES - listed);
}

/** How many trades or events are listed under a ladder. */
export function listedIn(rows: number): number {
  return Math.max(0, Math.min(TRADES_MAX, Math.floor((rows - FIXED_LINES) / 3)));
}

/** The lines of a frame: exactly as many as the terminal has rows, none wider than it. */
export function frameLines(
  frame: Frame,
  columns: number,
  rows: number,
  style: Style,
  steady: Steady,
): string[] {
  const list = listedIn(rows);
  const lines = [
    headOf(frame, style),
    style.dim(factsOf(frame)),
    '',
    ...(frame.help ? helpLines(style) : bookLines(frame, columns, style, steady)),
  ];
  const room = Math.max(0, rows - 2 - (frame.help ? 0 : list + 2));
  const body = lines.slice(0, room);
  while (body.length < room) body.push('');
  if (!frame.help) body.push('', ...listLines(frame, list, style));
  while (body.length < rows - 1) body.push('');
  return [...body.slice(0, rows - 1), footOf(frame, columns, style)].map((line) => clipped(line, columns));
}

function headOf({ book, place, books, file }: Frame, style: Style): string {
  if (book === null) return style.bold(plain(file));
  return titleOf(book, style, books === 1 ? [] : [`${grouped(place)} of ${grouped(books)}`]);
}

/** While it is paused more is read than has happened, so only what has is told. */
function factsOf(frame: Frame): string {
  const { pace, speed, time, position, messages, messagesPerSecond, isPaused, file, book } = frame;
  const facts = [
    pace,
    time ?? 'before the first event',
    ...(isPaused ? [] : [`${grouped(messages)} messages`]),
    ...(isPaused && position !== null ? [position] : []),
    ...(messagesPerSecond === null ? [] : [`${grouped(Math.round(messagesPerSecond))}/s`]),
    speed,
    ...(book === null ? [] : [plain(file)]),
  ];
  return facts.join(' · ');
}

function bookLines({ book }: Frame, columns: number, style: Style, steady: Steady): string[] {
  if (book === null) return [style.dim('no book yet')];
  if (book.bids.length + book.asks.length === 0) return [style.dim('no orders')];
  const { lines, widths } = ladderTable(book, columns, style, steady.widths);
  steady.widths = widths;
  const more = moreLevels(book);
  return more === '' ? [...lines] : [...lines, style.dim(more)];
}

function listLines({ trades, steps }: Frame, most: number, style: Style): string[] {
  if (most === 0) return [];
  if (steps !== null) {
    if (steps.length === 0)
      return [style.bold('what happened'), style.dim('nothing yet: → lets one group of events happen')];
    const shown = steps.slice(-most);
    const left = steps.length - shown.length;
    const head = left === 0 ? 'what happened' : `what happened, and ${grouped(left)} events before`;
    return [style.bold(head), ...shown];
  }
  if (trades.length === 0) return [style.bold('trades'), style.dim('none yet')];
  const width = (of: (trade: TradeLine) => string): number =>
    trades.reduce((widest, trade) => Math.max(widest, of(trade).length), 0);
  const [priceWidth, quantityWidth] = [width(({ price }) => price), width(({ quantity }) => quantity)];
  return [
    style.bold('trades'),
    ...trades.slice(0, most).map(({ time, price, quantity, aggressor }) => {
      const cells = `${price.padStart(priceWidth)} × ${quantity.padStart(quantityWidth)}`;
      const line = `${time}  ${cells}  ${aggressor ?? ''}`.trimEnd();
      return aggressor === 'buy' ? style.bid(line) : aggressor === 'sell' ? style.ask(line) : line;
    }),
  ];
}

function helpLines(style: Style): string[] {
  const width = KEYS.reduce((widest, [keys]) => Math.max(widest, keys.length), 0);
  return KEYS.map(([keys, , meaning]) => `${style.bold(keys.padEnd(width))}  ${meaning}`);
}

/** What is being typed, what cannot be done, or the keys as far as they fit. */
function footOf({ search, notice }: Frame, columns: number, style: Style): string {
  if (notice !== null) return style.warn(notice);
  if (search !== null) {
    const { typed, found } = search;
    const means = typed === '' ? 'type a symbol, then Enter' : found === null ? 'no book' : plain(found.name);
    return `${style.bold(`find ${plain(typed)}`)}▏ ${style.dim(means)}`;
  }
  let used = -KEY_GAP.length;
  const shown = KEYS.flatMap(([keys, short]) => {
    used += `${keys} ${short}${KEY_GAP}`.length;
    return used > columns ? [] : [`${style.bold(keys)} ${style.dim(short)}`];
  });
  return shown.join(style.dim(KEY_GAP));
}
