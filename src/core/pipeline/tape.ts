import type { Market } from '../book/market.ts';
import { LEVEL_KEY_DOUBLE, ORDER_BOOK_SIDE, ORDER_LEVEL, ORDER_QUANTITY_DOUBLE } from '../book/store.ts';
import { priceOfKey } from '../book/view.ts';
import type { EventBatch } from '../event/batch.ts';
import {
  CONDITION_NON_PRINTABLE,
  EXT_WORD_PRICE,
  FLAG_ASK,
  FLAG_FULL,
  FLAG_INFORMS,
  KIND_EXECUTE,
  KIND_TRADE,
  SIDE_ASK,
  SIDE_BID,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
  WORD_VENUE_TIME,
} from '../event/record.ts';
import type { EventObserver } from './books.ts';
import { extensionOf } from './rows/resting.ts';

/** A trade as the tape remembers it; price and quantity are integers in the book's scales. */
export interface TapeTrade {
  /** Venue time, as halves of ns. */
  readonly timeHigh: number;
  readonly timeLow: number;
  /** Null where neither the venue nor the book tells it. */
  readonly price: number | null;
  readonly quantity: number | null;
  readonly aggressor: 'buy' | 'sell' | null;
}

/** Trades remembered, of all books together: a power of two. */
export const TAPE_TRADES = 65_536;
const TWO_32 = 4294967296;

/**
 * Remembers the last trades of all books, and how many events each book has had. Trades of one book are chained through
 * one ring, so an event costs the same whatever the number of books, and nothing is allocated for it.
 */
export class Tape implements EventObserver {
  /** Events so far. */
  events = 0;
  /** Trades so far; trade n lies in slot n mod TAPE_TRADES. */
  #trades = 0;
  readonly #numbers: Float64Array = new Float64Array(TAPE_TRADES * 2);
  readonly #times: Int32Array = new Int32Array(TAPE_TRADES * 2);
  readonly #sides: Uint8Array = new Uint8Array(TAPE_TRADES);
  /** Per trade: the number of the trade of the same book before it, from 1; 0 = none. */
  readonly #before: Float64Array = new Float64Array(TAPE_TRADES);
  /** Per book: the number of its last trade, from 1; 0 = none. */
  #last: Float64Array = new Float64Array(64);
  #counts: Float64Array = new Float64Array(64);

  /** Forgets everything: the events come again from the beginning. */
  clear(): void {
    this.events = 0;
    this.#trades = 0;
    this.#last.fill(0);
    this.#counts.fill(0);
  }

  before(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    this.events += 1;
    const book = words[at + WORD_BOOK]!;
    if (book < 0) return;
    if (book >= this.#counts.length) this.#grow(book);
    this.#counts[book]! += 1;
    if (!isTrade(words, at)) return;
    const extension = extensionOf(words, at);
    const slot = this.#trades % TAPE_TRADES;
    this.#trades += 1;
    this.#before[slot] = this.#last[book]!;
    this.#last[book] = this.#trades;
    const low = (batch.venueBaseLow >>> 0) + words[at + WORD_VENUE_TIME]!;
    this.#times[slot * 2] = batch.venueBaseHigh + Math.floor(low / TWO_32);
    this.#times[slot * 2 + 1] = low | 0;
    if ((words[at]! & 255) === KIND_TRADE) this.#trade(words, at, slot, extension);
    else this.#execution(words, at, slot, extension, market);
  }

  /** Events of a book so far. */
  eventsOf(book: number): number {
    return this.#counts[book] ?? 0;
  }

  /** The last trades of a book, newest first, at most `most`; older than the last TAPE_TRADES of all books are forgotten. */
  lastOf(book: number, most: number): TapeTrade[] {
    const trades: TapeTrade[] = [];
    let trade = this.#last[book] ?? 0;
    while (trade > 0 && trade > this.#trades - TAPE_TRADES && trades.length < most) {
      const slot = (trade - 1) % TAPE_TRADES;
      const [price, quantity] = [this.#numbers[slot * 2]!, this.#numbers[slot * 2 + 1]!];
      const side = this.#sides[slot]!;
      trades.push({
        timeHigh: this.#times[slot * 2]!,
        timeLow: this.#times[slot * 2 + 1]!,
        price: Number.isNaN(price) ? null : price,
        quantity: Number.isNaN(quantity) ? null : quantity,
        aggressor: side === SIDE_BID ? 'buy' : side === SIDE_ASK ? 'sell' : null,
      });
      trade = this.#before[slot]!;
    }
    return trades;
  }

  #trade(words: Int32Array, at: number, slot: number, extension: number): void {
    this.#numbers[slot * 2] = numberAt(words, at + WORD_PRICE);
    this.#numbers[slot * 2 + 1] = numberAt(words, at + WORD_QUANTITY);
    this.#sides[slot] = extension < 0 ? 0 : (words[extension]! >> 8) & 255;
  }

  /** What the venue does not say is told by the order that was hit, while it is still there. */
  #execution(words: Int32Array, at: number, slot: number, extension: number, market: Market): void {
    const flags = (words[at]! >> 8) & 255;
    const asked = words[at + WORD_BOOK]! * 2 + ((flags & FLAG_ASK) !== 0 ? 1 : 0);
    const order = market.findOrder(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, asked);
    let price = Number.NaN;
    let quantity = (flags & FLAG_FULL) !== 0 ? Number.NaN : numberAt(words, at + WORD_QUANTITY);
    let side = 0;
    if (order !== 0) {
      const bookSide = market.orders.words[order * 8 + ORDER_BOOK_SIDE]!;
      const level = market.orders.words[order * 8 + ORDER_LEVEL]!;
      price = priceOfKey(market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!, bookSide) ?? Number.NaN;
      if ((flags & FLAG_FULL) !== 0) quantity = market.orders.doubles[order * 4 + ORDER_QUANTITY_DOUBLE]!;
      side = (bookSide & 1) !== 0 ? SIDE_BID : SIDE_ASK;
    }
    if (extension >= 0) {
      const said = numberAt(words, extension + EXT_WORD_PRICE);
      if (said !== 0) price = said;
    }
    this.#numbers[slot * 2] = price;
    this.#numbers[slot * 2 + 1] = quantity;
    this.#sides[slot] = side;
  }

  #grow(book: number): void {
    const length = Math.max(book + 1, this.#counts.length * 2);
    const counts = new Float64Array(length);
    counts.set(this.#counts);
    this.#counts = counts;
    const last = new Float64Array(length);
    last.set(this.#last);
    this.#last = last;
  }
}

/**
 * Does the event at word `at` belong on a tape: a trade, or the execution of an order? Not where it is told again by
 * another event, is not to be printed, or nothing changed hands, as in a cross without orders.
 */
export function isTrade(words: Int32Array, at: number): boolean {
  const head = words[at]!;
  const kind = head & 255;
  if (kind === KIND_TRADE) {
    if ((words[at + WORD_QUANTITY]! | words[at + WORD_QUANTITY + 1]!) === 0) return false;
  } else if (kind !== KIND_EXECUTE || ((head >> 8) & FLAG_INFORMS) !== 0) return false;
  const extension = extensionOf(words, at);
  return extension < 0 || words[extension]! >>> 16 !== CONDITION_NON_PRINTABLE;
}

/** A 64-bit integer as a double: exact up to 2^53, which is as far as books go. */
function numberAt(words: Int32Array, word: number): number {
  return words[word + 1]! * TWO_32 + (words[word]! >>> 0);
}
