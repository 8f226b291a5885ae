import type { ChangeObserver } from '../../book/change-observer.ts';
import type { Market } from '../../book/market.ts';
import * as store from '../../book/store.ts';
import * as record from '../../event/record.ts';
import type { BookTable } from './book-table.ts';
import type { OrderFrames } from './order-frames.ts';

const KIND_TRADE = record.KIND_TRADE;
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_PRICE = record.WORD_PRICE;
const WORD_QUANTITY = record.WORD_QUANTITY;
const EXT_WORD_MATCH_ID = record.EXT_WORD_MATCH_ID;
const EXT_WORD_PRICE = record.EXT_WORD_PRICE;
const NULL_PRICE_HIGH = record.NULL_PRICE_HIGH;
const NULL_PRICE_LOW = record.NULL_PRICE_LOW;
const SIDE_ASK = record.SIDE_ASK;
const SIDE_NONE = record.SIDE_NONE;

const LEVEL_HEAD = store.LEVEL_HEAD;
const LEVEL_KEY_DOUBLE = store.LEVEL_KEY_DOUBLE;
const ORDER_BOOK_SIDE = store.ORDER_BOOK_SIDE;
const ORDER_LEVEL = store.ORDER_LEVEL;
const ORDER_NEXT = store.ORDER_NEXT;
const ORDER_QUANTITY_DOUBLE = store.ORDER_QUANTITY_DOUBLE;

const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const HEAD_FULL: number = record.FLAG_FULL << 8;
const HEAD_INFORMS: number = record.FLAG_INFORMS << 8;

const TWO_32 = 4294967296;

/**
 * Turns order changes into frames, one for each that the market counts. Frames say what the book did, and what the event says
 * only where that is the same: what the book does not take has no frame.
 *
 *     enters        ADD                            leaves            CANCEL; by an execution EXECUTE
 *     less or more  MODIFY, the quantity only      moves             CANCEL, ADD
 *     is executed   EXECUTE, which takes it off    print, `informs`  EXECUTE of order 0
 *
 * An order that enters in front of others makes those leave and enter behind it, because readers only know the back of a queue.
 */
export class Encoder implements ChangeObserver {
  readonly #frames: OrderFrames;
  readonly #table: BookTable;
  /** Whose changes come; set before the first. */
  market: Market | null = null;

  /** @param frames their `cursor` is that of the next frame. */
  constructor(frames: OrderFrames, table: BookTable) {
    this.#frames = frames;
    this.#table = table;
  }

  entered(words: Int32Array, at: number, slot: number): void {
    const bookSide = this.#begin(slot);
    this.#frames.addNew(this.market!, words, at, bookSide);
  }

  leaves(slot: number): void {
    this.#name(slot);
    this.#frames.cancel();
  }

  resized(slot: number): void {
    this.#name(slot);
    this.#frames.modify(this.market!.orders.doubles, slot * 4 + ORDER_QUANTITY_DOUBLE);
  }

  moved(slot: number): void {
    const bookSide = this.#name(slot);
    this.#frames.cancel();
    this.#frames.add(this.market!, slot, bookSide);
  }

  /** What an execution takes off is what the book loses: all that is there, or less. */
  executes(words: Int32Array, at: number, slot: number): void {
    const bookSide = this.#name(slot);
    const high = words[at + WORD_QUANTITY + 1]!;
    const low = words[at + WORD_QUANTITY]!;
    const has = this.market!.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    const isAll = (words[at]! & HEAD_FULL) !== 0 || high * TWO_32 + (low >>> 0) >= has;
    if (isAll) this.#trade(words, at, slot, bookSide, Math.floor(has / TWO_32), has | 0);
    else this.#trade(words, at, slot, bookSide, high, low);
  }

  printed(words: Int32Array, at: number, book: number, slot: number): void {
    const bookSide = slot === 0 ? -1 : this.market!.orders.words[(slot << 3) + ORDER_BOOK_SIDE]!;
    this.#beginBook(book);
    this.#frames.nameNone();
    this.#trade(words, at, slot, bookSide, words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
  }

  clears(bookSide: number): void {
    const { orders, levels } = this.market!;
    this.#beginBook(bookSide >> 1);
    for (const level of levels.ladders[bookSide]!.fromBest()) {
      for (let slot = levels.words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) {
        this.#frames.nameOrder(this.market!, slot, bookSide);
        this.#frames.cancel();
        slot = orders.words[(slot << 3) + ORDER_NEXT]!;
      }
    }
  }

  /** The frames that follow are those of changes of this book that have not been counted. */
  #beginBook(book: number): void {
    const market = this.market!;
    if (book >= this.#table.known) this.#table.reach(book, market.dictionary);
    this.#frames.book = book;
    this.#frames.sequence = market.bookChanges[book]!;
  }

  /** … of the book that an order is in. @returns its book-side. */
  #begin(slot: number): number {
    const bookSide = this.market!.orders.words[(slot << 3) + ORDER_BOOK_SIDE]!;
    this.#beginBook(bookSide >> 1);
    return bookSide;
  }

  /** … and they are about it. */
  #name(slot: number): number {
    const bookSide = this.#begin(slot);
    this.#frames.nameOrder(this.market!, slot, bookSide);
    return bookSide;
  }

  /** @param slot the order that it is of, 0 = none: then `bookSide` is −1. */
  #trade(
    words: Int32Array,
    at: number,
    slot: number,
    bookSide: number,
    quantityHigh: number,
    quantityLow: number,
  ): void {
    const head = words[at]!;
    const extension = (head & HEAD_EXTENDED) !== 0 ? at + RECORD_WORDS : -1;
    const said = extension < 0 ? SIDE_NONE : (words[extension]! >> 8) & 255;
    const isAsk = slot !== 0 ? (bookSide & 1) === 0 : said === SIDE_ASK;
    const isPriced = (head & 255) === KIND_TRADE || (head & HEAD_INFORMS) !== 0;
    const priceAt = isPriced ? at + WORD_PRICE : extension + EXT_WORD_PRICE;
    let high = extension < 0 && !isPriced ? 0 : words[priceAt + 1]!;
    let low = extension < 0 && !isPriced ? 0 : words[priceAt]!;
    const isUnsaid = isPriced ? high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW : (high | low) === 0;
    if (isUnsaid && slot !== 0) {
      const { orders, levels } = this.market!;
      const key = levels.doubles[orders.words[(slot << 3) + ORDER_LEVEL]! * 4 + LEVEL_KEY_DOUBLE]!;
      const price = (bookSide & 1) !== 0 ? 0 - key : key;
      const isNone = key === Number.POSITIVE_INFINITY;
      high = isNone ? NULL_PRICE_HIGH : Math.floor(price / TWO_32);
      low = isNone ? NULL_PRICE_LOW : price | 0;
    }
    const match = extension + EXT_WORD_MATCH_ID;
    const matchHigh = extension < 0 ? 0 : words[match + 1]!;
    const matchLow = extension < 0 ? 0 : words[match]!;
    this.#frames.execute(quantityHigh, quantityLow, high, low, isAsk ? 1 : 0, matchHigh, matchLow);
  }
}
