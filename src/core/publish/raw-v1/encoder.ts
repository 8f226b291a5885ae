import type { Market } from '../../book/market.ts';
import * as store from '../../book/store.ts';
import type { EventBatch } from '../../event/batch.ts';
import * as record from '../../event/record.ts';
import type { BookTable } from './book-table.ts';
import type { OrderFrames } from './order-frames.ts';

const KIND_ADD = record.KIND_ADD;
const KIND_CLEAR = record.KIND_CLEAR;
const KIND_DELETE = record.KIND_DELETE;
const KIND_EXECUTE = record.KIND_EXECUTE;
const KIND_MODIFY = record.KIND_MODIFY;
const KIND_REDUCE = record.KIND_REDUCE;
const KIND_REPLACE = record.KIND_REPLACE;
const KIND_SESSION = record.KIND_SESSION;
const KIND_TRADE = record.KIND_TRADE;
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_BOOK = record.WORD_BOOK;
const WORD_ID = record.WORD_ID;
const WORD_PRICE = record.WORD_PRICE;
const WORD_QUANTITY = record.WORD_QUANTITY;
const EXT_WORD_MATCH_ID = record.EXT_WORD_MATCH_ID;
const EXT_WORD_PRICE = record.EXT_WORD_PRICE;
const EXT_WORD_RELATED_ID = record.EXT_WORD_RELATED_ID;
const NULL_PRICE_HIGH = record.NULL_PRICE_HIGH;
const NULL_PRICE_LOW = record.NULL_PRICE_LOW;
const SIDE_ASK = record.SIDE_ASK;
const SIDE_NONE = record.SIDE_NONE;

const LEVEL_HEAD = store.LEVEL_HEAD;
const LEVEL_KEY_DOUBLE = store.LEVEL_KEY_DOUBLE;
const ORDER_BOOK_SIDE = store.ORDER_BOOK_SIDE;
const ORDER_ID_HIGH = store.ORDER_ID_HIGH;
const ORDER_ID_LOW = store.ORDER_ID_LOW;
const ORDER_LEVEL = store.ORDER_LEVEL;
const ORDER_NEXT = store.ORDER_NEXT;
const ORDER_QUANTITY_DOUBLE = store.ORDER_QUANTITY_DOUBLE;

const HEAD_ASK: number = record.FLAG_ASK << 8;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const HEAD_FULL: number = record.FLAG_FULL << 8;
const HEAD_INFORMS: number = record.FLAG_INFORMS << 8;
const HEAD_ONE_SIDE: number = record.FLAG_ONE_SIDE << 8;

const NO_SIDE = -1;
const TWO_32 = 4294967296;

/**
 * Turns events into frames: one per order change, as the market counts them. What a change was is read from the book before
 * and behind it, never guessed from the event: what the book does not take has no frame.
 *
 *     enters        ADD                            leaves            CANCEL; by an execution EXECUTE
 *     less or more  MODIFY, the quantity only      moves             CANCEL, ADD
 *     is executed   EXECUTE, which takes it off    print, `informs`  EXECUTE of order 0
 *
 * An order that enters in front of others makes those leave and enter behind it, because readers only know the back of a queue.
 */
export class Encoder {
  readonly #frames: OrderFrames;
  readonly #table: BookTable;
  /** Order changes of the market and frames in front of the event at hand. */
  #changes = 0;
  #cursor = 0;
  /** The order that the event is about, as it was before: its book-side, NO_SIDE where there was none. */
  #bookSide = NO_SIDE;
  readonly #was: Float64Array = new Float64Array(2);
  /** Book-side of an order with the id of the one that enters, NO_SIDE where there is none. */
  #twin = NO_SIDE;

  /** @param frames their `cursor` is that of the next frame. */
  constructor(frames: OrderFrames, table: BookTable) {
    this.#frames = frames;
    this.#table = table;
  }

  before(batch: EventBatch, at: number, market: Market, said: number): void {
    const { words } = batch;
    const head = words[at]!;
    this.#changes = market.changes;
    this.#cursor = this.#frames.cursor;
    this.#bookSide = NO_SIDE;
    this.#twin = NO_SIDE;
    const wanted = (said << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    switch (head & 255) {
      case KIND_ADD:
        this.#lookTwin(market, words, at, wanted);
        break;
      case KIND_MODIFY:
      case KIND_REDUCE:
      case KIND_DELETE:
      case KIND_EXECUTE:
        this.#look(market, words, at + WORD_ID, wanted);
        break;
      case KIND_REPLACE:
        this.#lookReplace(market, words, at, head, wanted);
        break;
      case KIND_CLEAR:
        this.#clear(market, head, said);
        break;
      case KIND_SESSION:
        this.#renew(market, batch.channel);
        break;
      default:
        break;
    }
  }

  after(batch: EventBatch, at: number, market: Market): void {
    const changes = market.changes - this.#changes;
    if (changes === 0) return;
    const { words } = batch;
    const head = words[at]!;
    const kind = head & 255;
    if (kind !== KIND_CLEAR && kind !== KIND_SESSION) {
      // A print is of the book that it names; other changes are of the book that the order is in.
      const isNamed = this.#bookSide < 0 || (kind === KIND_EXECUTE && (head & HEAD_INFORMS) !== 0);
      const book = isNamed ? words[at + WORD_BOOK]! : this.#bookSide >> 1;
      const leaves = this.#bookSide < 0 ? 0 : 1;
      const isElsewhere = this.#twin >= 0 && this.#twin >> 1 !== book && changes > leaves;
      this.#begin(market, book, isElsewhere ? changes - 1 : changes);
      this.#change(market, words, at, head, kind, changes);
    }
    const written = this.#frames.cursor - this.#cursor;
    if (written !== changes) throw new Error(`raw-v1: ${written} frames for ${changes} order changes`);
  }

  #change(market: Market, words: Int32Array, at: number, head: number, kind: number, changes: number): void {
    if (kind === KIND_TRADE) this.#print(words, at, head);
    else if (this.#bookSide < 0) {
      const book = words[at + WORD_BOOK]!;
      if (kind === KIND_EXECUTE) this.#print(words, at, head);
      else this.#enter(market, words, at, (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0), changes);
    } else if (kind === KIND_MODIFY) this.#modify(market, words, at, changes);
    else if (kind === KIND_REPLACE) this.#replace(market, words, at, changes);
    else if (kind === KIND_EXECUTE) {
      if ((head & HEAD_INFORMS) !== 0) this.#print(words, at, head);
      else this.#execute(market, words, at, head);
    } else this.#lessen(words, at, market, kind);
  }

  /** Takes what the order was. */
  #look(market: Market, words: Int32Array, idAt: number, wanted: number): void {
    const slot = market.findOrder(words[idAt]!, words[idAt + 1]!, wanted);
    if (slot === 0) return;
    const order = slot << 3;
    const orders = market.orders;
    this.#bookSide = orders.words[order + ORDER_BOOK_SIDE]!;
    this.#was[0] = orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    this.#was[1] = market.levels.doubles[orders.words[order + ORDER_LEVEL]! * 4 + LEVEL_KEY_DOUBLE]!;
  }

  #lookReplace(market: Market, words: Int32Array, at: number, head: number, wanted: number): void {
    const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
    if ((head & HEAD_EXTENDED) !== 0) this.#look(market, words, related, wanted);
    if (this.#bookSide < 0) this.#lookTwin(market, words, at, wanted);
    // The one that leaves is gone when the new one enters.
    else if (words[related] !== words[at + WORD_ID] || words[related + 1] !== words[at + WORD_ID + 1]) {
      this.#lookTwin(market, words, at, this.#bookSide);
    }
  }

  #lookTwin(market: Market, words: Int32Array, at: number, bookSide: number): void {
    const slot = market.findOrder(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, bookSide);
    if (slot !== 0) this.#twin = market.orders.words[(slot << 3) + ORDER_BOOK_SIDE]!;
  }

  /** The frames that follow are those of so many changes of a book that has had them. */
  #begin(market: Market, book: number, changes: number): void {
    this.#table.reach(book, market.dictionary);
    this.#frames.book = book;
    this.#frames.sequence = market.bookChanges[book]! - changes;
  }

  #enter(market: Market, words: Int32Array, at: number, bookSide: number, changes: number): void {
    const frames = this.#frames;
    const idLow = words[at + WORD_ID]!;
    const idHigh = words[at + WORD_ID + 1]!;
    let left = changes;
    if (this.#twin >= 0) {
      frames.name(market, this.#twin, idHigh, idLow);
      if (this.#twin >> 1 === bookSide >> 1) frames.cancel();
      else this.#cancelElsewhere(market, this.#twin >> 1);
      left -= 1;
    }
    if (left === 0) return;
    frames.addNew(market, words, at, bookSide);
    if (left > 1) this.#requeue(market, market.findOrder(idLow, idHigh, bookSide), bookSide, left - 1);
  }

  /** Orders behind one that came in front of them leave and enter, two changes each. */
  #requeue(market: Market, slot: number, bookSide: number, changes: number): void {
    const frames = this.#frames;
    const orders = market.orders.words;
    let behind = orders[(slot << 3) + ORDER_NEXT]!;
    for (let left = changes; left > 0; left -= 2) {
      const order = behind << 3;
      frames.name(market, bookSide, orders[order + ORDER_ID_HIGH]!, orders[order + ORDER_ID_LOW]!);
      frames.cancel();
      frames.add(market, behind, bookSide);
      behind = orders[order + ORDER_NEXT]!;
    }
  }

  /** Ids may be those of orders of another book. */
  #cancelElsewhere(market: Market, twinBook: number): void {
    const { book, sequence } = this.#frames;
    this.#begin(market, twinBook, 1);
    this.#frames.cancel();
    this.#frames.book = book;
    this.#frames.sequence = sequence;
  }

  #modify(market: Market, words: Int32Array, at: number, changes: number): void {
    const frames = this.#frames;
    const bookSide = this.#bookSide;
    const idLow = words[at + WORD_ID]!;
    const idHigh = words[at + WORD_ID + 1]!;
    frames.name(market, bookSide, idHigh, idLow);
    const slot = market.findOrder(idLow, idHigh, bookSide);
    if (slot === 0) frames.cancel();
    else if (changes === 1) frames.modify(market.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!);
    else {
      frames.cancel();
      frames.add(market, slot, bookSide);
    }
  }

  #replace(market: Market, words: Int32Array, at: number, changes: number): void {
    const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
    this.#frames.name(market, this.#bookSide, words[related + 1]!, words[related]!);
    this.#frames.cancel();
    if (changes > 1) this.#enter(market, words, at, this.#bookSide, changes - 1);
  }

  /** What is left of the order that the event takes its quantity off, 0 = nothing. */
  #left(words: Int32Array, at: number): number {
    const taken = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    return Math.max(0, this.#was[0]! - taken);
  }

  #lessen(words: Int32Array, at: number, market: Market, kind: number): void {
    this.#frames.name(market, this.#bookSide, words[at + WORD_ID + 1]!, words[at + WORD_ID]!);
    const left = kind === KIND_DELETE ? 0 : this.#left(words, at);
    if (left === 0) this.#frames.cancel();
    else this.#frames.modify(left);
  }

  /** What an execution takes off is what the book has lost: all that was there, or less. */
  #execute(market: Market, words: Int32Array, at: number, head: number): void {
    this.#frames.name(market, this.#bookSide, words[at + WORD_ID + 1]!, words[at + WORD_ID]!);
    const taken = this.#was[0]! - ((head & HEAD_FULL) !== 0 ? 0 : this.#left(words, at));
    this.#trade(words, at, head, Math.floor(taken / TWO_32), taken | 0);
  }

  #print(words: Int32Array, at: number, head: number): void {
    this.#frames.nameNone();
    this.#trade(words, at, head, words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
  }

  #trade(words: Int32Array, at: number, head: number, quantityHigh: number, quantityLow: number): void {
    const extension = (head & HEAD_EXTENDED) !== 0 ? at + RECORD_WORDS : -1;
    const bookSide = this.#bookSide;
    const said = extension < 0 ? SIDE_NONE : (words[extension]! >> 8) & 255;
    const isAsk = bookSide >= 0 ? (bookSide & 1) === 0 : said === SIDE_ASK;
    const isPriced = (head & 255) === KIND_TRADE || (head & HEAD_INFORMS) !== 0;
    const priceAt = isPriced ? at + WORD_PRICE : extension + EXT_WORD_PRICE;
    let high = extension < 0 && !isPriced ? 0 : words[priceAt + 1]!;
    let low = extension < 0 && !isPriced ? 0 : words[priceAt]!;
    const isUnsaid = isPriced ? high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW : (high | low) === 0;
    if (isUnsaid && bookSide >= 0) {
      const key = this.#was[1]!;
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

  /** What is cleared is only there before. */
  #clear(market: Market, head: number, book: number): void {
    if (book < 0) {
      for (let each = 0; each < market.books; each += 1) this.#clearBook(market, each);
    } else if (book < market.books) {
      if ((head & HEAD_ONE_SIDE) === 0) this.#clearBook(market, book);
      else this.#clearSides(market, (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0), 1);
    }
  }

  #renew(market: Market, channel: number): void {
    for (let book = 0; book < market.books; book += 1) {
      if (market.dictionary.books[book]?.channel === channel) this.#clearBook(market, book);
    }
  }

  #clearBook(market: Market, book: number): void {
    this.#clearSides(market, book << 1, 2);
  }

  #clearSides(market: Market, first: number, sides: number): void {
    if (market.bookKind[first >> 1] !== 0) return;
    this.#begin(market, first >> 1, 0);
    for (let bookSide = first; bookSide < first + sides; bookSide += 1) {
      for (const level of market.levels.ladders[bookSide]!.fromBest()) {
        const { words } = market.orders;
        for (let slot = market.levels.words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) {
          const order = slot << 3;
          this.#frames.name(market, bookSide, words[order + ORDER_ID_HIGH]!, words[order + ORDER_ID_LOW]!);
          this.#frames.cancel();
          slot = words[order + ORDER_NEXT]!;
        }
      }
    }
  }
}
