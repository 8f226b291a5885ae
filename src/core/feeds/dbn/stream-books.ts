import { toBigUint } from '../../binary/time.ts';
import { BOOKS_MAX, type Dictionary } from '../../event/dictionary.ts';
import { NO_BOOK } from '../../event/record.ts';
import { BookTable } from '../book-table.ts';
import type { FeedCounts } from '../counts.ts';
import { PRICE_SCALE, SIZE_SCALE } from './layout.ts';
import { type SymbolTable, utcDate } from './symbols.ts';

/** Its records mark where groups end. */
const HAS_GROUPS = 1;
/** It is one of orders: mbo records were seen. */
const HAS_ORDERS = 2;

/**
 * The books of a stream: one per (publisher, instrument). Those with mbo records have a table of their own, because
 * such a book is one of orders whatever other records show of it.
 */
export class StreamBooks {
  readonly orders: BookTable = new BookTable();
  readonly others: BookTable = new BookTable();
  /** What the metadata and records say about names; null before the metadata. */
  symbols: SymbolTable | null = null;
  source = '';
  readonly #dictionary: Dictionary;
  readonly #channel: number;
  readonly #counts: FeedCounts;
  /** Per open book: HAS_GROUPS and HAS_ORDERS. */
  #marks: Uint8Array = new Uint8Array(64);

  constructor(dictionary: Dictionary, channel: number, counts: FeedCounts) {
    this.#dictionary = dictionary;
    this.#channel = channel;
    this.#counts = counts;
  }

  /**
   * Number of a book that is not in `table` yet, on the UTC day of a time; NO_BOOK beyond the most there may be, which
   * is counted. `instrument` is the u32 as a signed word.
   */
  open(
    table: BookTable,
    publisher: number,
    instrument: number,
    timeHigh: number,
    timeLow: number,
    type: string,
    offset: number,
  ): number {
    const number = instrument >>> 0;
    const book = this.#dictionary.add({
      source: this.source,
      publisher,
      instrument: BigInt(number),
      channel: this.#channel,
      priceScale: PRICE_SCALE,
      quantityScale: SIZE_SCALE,
      symbol: this.symbols?.symbolOf(number, utcDate(toBigUint(timeHigh, timeLow))) ?? null,
    });
    if (book === NO_BOOK) this.#counts.noteMalformed(`${type} beyond ${BOOKS_MAX} books`, 0, offset);
    else {
      table.add(publisher, instrument, book);
      this.#mark(book, table === this.orders ? HAS_ORDERS : 0);
    }
    return book;
  }

  /** A record said what an instrument is called. */
  name(publisher: number, instrument: number, symbol: string): void {
    this.symbols?.learn(instrument >>> 0, symbol);
    const orders = this.orders.find(publisher, instrument);
    const book = orders !== NO_BOOK ? orders : this.others.find(publisher, instrument);
    if (book !== NO_BOOK) this.#dictionary.name(book, symbol);
  }

  /** Records of this book mark where its groups end. */
  markGroups(book: number): void {
    this.#marks[book] |= HAS_GROUPS;
  }

  /** Is it a book of orders? */
  hasOrders(book: number): boolean {
    return (this.#marks[book] & HAS_ORDERS) !== 0;
  }

  /** Is a record without F_LAST of this book a group of its own? */
  standsAlone(book: number): boolean {
    return this.#marks[book] === 0;
  }

  #mark(book: number, mark: number): void {
    if (book >= this.#marks.length) {
      const grown = new Uint8Array(Math.max(book + 1, this.#marks.length * 2));
      grown.set(this.#marks);
      this.#marks = grown;
    }
    this.#marks[book] |= mark;
  }
}
