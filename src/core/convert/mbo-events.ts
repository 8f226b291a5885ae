import type { Market } from '../book/market.ts';
import { LEVEL_HEAD, ORDER_ID_HIGH, ORDER_ID_LOW, ORDER_NEXT } from '../book/store.ts';
import { TALLY_DUPLICATE_ORDER } from '../book/tally.ts';
import type { EventBatch } from '../event/batch.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import {
  CONDITION_NON_PRINTABLE,
  EXT_WORD_PRICE,
  EXT_WORD_RELATED_ID,
  FLAG_ASK,
  FLAG_BEFORE,
  FLAG_EXTENDED,
  FLAG_FULL,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_ONE_SIDE,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_GAP,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_SESSION,
  KIND_TRADE,
  NO_BOOK,
  RECORD_WORDS,
  SIDE_ASK,
  SIDE_BID,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../event/record.ts';
import * as layout from '../feeds/dbn/layout.ts';
import type { Feed } from '../feeds/feed.ts';
import type { EventObserver } from '../pipeline/books.ts';
import type { DbnPrice } from './dbn-values.ts';
import { LiveIds } from './live-ids.ts';
import { OpenBooks } from './open-books.ts';
import { OrderState } from './order-state.ts';

const TWO_32 = 4294967296;

/** Where records go: `begin` comes with every event, then its records one by one. */
export interface MboRecords {
  /** A record was put and not let go yet. */
  readonly holds: boolean;
  /** Book of the record that was put last. */
  readonly bookNumber: number;
  /** Price of the record that is put next. */
  readonly price: DbnPrice;
  begin(batch: EventBatch, at: number): void;
  /** @param stale something of the book is known to be missing. */
  put(
    action: number,
    side: number,
    book: BookDefinition,
    idHigh: number,
    idLow: number,
    size: number,
    stale: boolean,
  ): void;
  /** Lets go of the record that was put last. @param last the group of its book ends with it. */
  release(last: boolean): void;
  setPrice(key: number, bookSide: number, book: BookDefinition): void;
  setPriceHalves(high: number, low: number, book: BookDefinition): void;
  /** The size that a quantity in the book's scale is. */
  size(quantity: number, book: BookDefinition): number;
  sizeHalves(high: number, low: number, book: BookDefinition): number;
  /** What the event is has no form: ends it by throwing. */
  refuse(book: BookDefinition | null, why: string, hint?: string): never;
}

/**
 * Says the events of any feed as DBN records of the schema mbo, such that a DBN reader ends with the same books: what
 * an event did is taken from the book before and after it, and put into the words that DBN has for it
 * (docs/convert.md has the rules).
 */
export class MboEvents implements EventObserver {
  lossy = 0;
  readonly #out: MboRecords;
  readonly #allowsLoss: boolean;
  #ids: LiveIds | null = null;
  #groupsBySource = false;
  /** The order that the event is about as it was, as it is, and one whose id the event gives to another order. */
  readonly #was: OrderState = new OrderState();
  readonly #is: OrderState = new OrderState();
  readonly #twin: OrderState = new OrderState();
  #duplicates = 0;
  /** Order changes of the market in front of the event. */
  #changes = 0;
  /** Orders that a clear of one side takes, and books that a clear or a new session empties. */
  #leaving: OrderState[] = [];
  #emptied: number[] = [];
  /** Books that became stale with a gap. */
  #fresh: number[] = [];
  /** Books with records whose group has not ended. */
  readonly #open: OpenBooks = new OpenBooks();

  /** @param allowsLoss what DBN cannot say is said as what is nearest, and counted; else it is refused. */
  constructor(out: MboRecords, allowsLoss: boolean) {
    this.#out = out;
    this.#allowsLoss = allowsLoss;
  }

  start(feed: Feed): void {
    this.#ids = feed.rules.idScope === 'bookSide' ? new LiveIds() : null;
    this.#groupsBySource = feed.rules.groupScope === 'source';
  }

  before(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const head = words[at]!;
    const book = words[at + WORD_BOOK]!;
    this.#out.begin(batch, at);
    this.#was.found = false;
    this.#twin.found = false;
    this.#duplicates = market.tally[TALLY_DUPLICATE_ORDER]!;
    this.#changes = market.changes;
    switch (head & 255) {
      case KIND_REPLACE: {
        if ((head & (FLAG_EXTENDED << 8)) !== 0) {
          this.#read(this.#was, words, at + RECORD_WORDS + EXT_WORD_RELATED_ID, at, market);
        }
        this.#read(this.#twin, words, at + WORD_ID, at, market);
        break;
      }
      case KIND_ADD:
        this.#read(this.#twin, words, at + WORD_ID, at, market);
        break;
      case KIND_MODIFY:
      case KIND_REDUCE:
      case KIND_DELETE:
      case KIND_EXECUTE:
        this.#read(this.#was, words, at + WORD_ID, at, market);
        break;
      case KIND_CLEAR:
        if (book !== NO_BOOK && (head & (FLAG_ONE_SIDE << 8)) !== 0) {
          this.#leaving = ordersOfSide(market, book * 2 + askOf(head));
        } else this.#emptied = book === NO_BOOK ? this.#filled(market, null) : [book];
        break;
      case KIND_SESSION:
        this.#emptied = this.#filled(market, batch.channel);
        break;
      case KIND_GAP:
        this.#fresh = this.#sound(market, book === NO_BOOK ? null : book, batch.channel);
        break;
      default:
        break;
    }
  }

  after(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const head = words[at]!;
    const definition = market.dictionary.books[words[at + WORD_BOOK]!] ?? null;
    switch (head & 255) {
      case KIND_ADD:
        if (!this.#twin.found && market.changes - this.#changes === 1 && (head & (FLAG_BEFORE << 8)) === 0) {
          // The order is in the book, as the event says it.
          this.#is.said(words, at, bookSideOf(words, at));
          this.#add(this.#is, market);
        } else this.#entered(words, at, market, (head & (FLAG_BEFORE << 8)) !== 0);
        break;
      case KIND_MODIFY:
        this.#modified(words, at, market);
        break;
      case KIND_REPLACE:
        if (this.#was.found) this.#cancel(this.#was, this.#was.quantity, true, market);
        this.#entered(words, at, market, (head & (FLAG_BEFORE << 8)) !== 0);
        break;
      case KIND_REDUCE:
        this.#reduced(words, at, market);
        break;
      case KIND_DELETE:
        if (this.#was.found && market.changes !== this.#changes) {
          this.#cancel(this.#was, this.#was.quantity, true, market);
        }
        break;
      case KIND_EXECUTE:
        this.#executed(words, at, market);
        break;
      case KIND_TRADE:
        if (definition !== null && isPrintable(words, at)) this.#traded(words, at, definition, market);
        break;
      case KIND_LEVEL:
        this.#out.refuse(definition, 'a price level without its orders has no form in the schema mbo');
        break;
      case KIND_CLEAR:
      case KIND_SESSION:
        this.#cleared(market, words[at + WORD_BOOK] === NO_BOOK);
        break;
      case KIND_GAP:
        for (const book of this.#fresh)
          if (market.stale[book] === 1) this.#none(book, market, !this.#open.has(book));
        break;
      default:
        break;
    }
    this.#endEvent(words[at + WORD_BOOK]!, (head & (FLAG_LAST << 8)) !== 0, batch.channel, market);
  }

  /** An order with the event's id may be in the book now. @param before it entered in front of another one. */
  #entered(words: Int32Array, at: number, market: Market, before: boolean): void {
    const twin = this.#twin;
    const replaced = market.tally[TALLY_DUPLICATE_ORDER]! > this.#duplicates;
    if (twin.found && replaced) this.#cancel(twin, twin.quantity, true, market);
    const bookSide = this.#was.found ? this.#was.bookSide : bookSideOf(words, at);
    this.#is.read(market, words[at + WORD_ID]!, words[at + WORD_ID + 1]!, bookSide);
    const isOther = twin.found && !replaced;
    const isTwinItself =
      isOther && this.#was.found && this.#was.idLow === twin.idLow && this.#was.idHigh === twin.idHigh;
    if (!this.#is.found || (isOther && !isTwinItself)) return;
    if (before && this.#is.isFollowed) {
      this.#lose(market, this.#is, 'an order that enters in front of another one has no form in DBN');
    }
    this.#add(this.#is, market);
  }

  #modified(words: Int32Array, at: number, market: Market): void {
    const was = this.#was;
    if (!was.found) {
      this.#entered(words, at, market, false);
      return;
    }
    const is = this.#is;
    is.read(market, was.idLow, was.idHigh, was.bookSide);
    if (!is.found) {
      this.#cancel(was, was.quantity, true, market);
      return;
    }
    const isSame = is.key === was.key;
    const isMoved = isSame && was.isFollowed && !is.isFollowed;
    // A modify that the book refused left everything as it was.
    if (is.quantity !== quantityOf(words, at)) return;
    if (isMoved && is.quantity <= was.quantity) {
      // DBN keeps the place of an order that does not grow.
      this.#cancel(was, was.quantity, true, market);
      this.#add(is, market);
      return;
    }
    const keeps = ((words[at]! >> 8) & (FLAG_QUANTITY_ONLY | FLAG_KEEP_PRIORITY)) !== 0;
    if (isSame && keeps && is.quantity > was.quantity) {
      this.#lose(market, is, 'an order that grows and keeps its place has no form in DBN');
    }
    this.#put(layout.ACTION_MODIFY, is, is.quantity, market);
  }

  #reduced(words: Int32Array, at: number, market: Market): void {
    const was = this.#was;
    if (!was.found || market.changes === this.#changes) return;
    const left = was.quantity - quantityOf(words, at);
    if (left > 0) this.#cancel(was, quantityOf(words, at), false, market);
    else this.#cancel(was, was.quantity, true, market);
  }

  #executed(words: Int32Array, at: number, market: Market): void {
    const flags = words[at]! >> 8;
    const was = this.#was;
    const { books } = market.dictionary;
    const book = books[was.found ? was.bookSide >> 1 : words[at + WORD_BOOK]!];
    if (book === undefined) return;
    const isFull = (flags & FLAG_FULL) !== 0;
    const informs = (flags & FLAG_INFORMS) !== 0;
    // One that the book refused left everything as it was.
    if (!informs && (!was.found || market.changes === this.#changes)) return;
    const size = isFull
      ? this.#out.size(was.found ? was.quantity : 0, book)
      : this.#out.sizeHalves(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!, book);
    const extension = at + RECORD_WORDS + EXT_WORD_PRICE;
    if (informs) {
      this.#out.setPriceHalves(words[at + WORD_PRICE + 1]!, words[at + WORD_PRICE]!, book);
    } else if ((flags & FLAG_EXTENDED) !== 0 && (words[extension]! | words[extension + 1]!) !== 0) {
      this.#out.setPriceHalves(words[extension + 1]!, words[extension]!, book);
    } else this.#out.setPrice(was.key, was.bookSide, book);
    this.#putOrder(layout.ACTION_FILL, was, book, size, market);
    if (informs) return;
    const left = isFull ? 0 : was.quantity - quantityOf(words, at);
    if (left > 0) this.#put(layout.ACTION_MODIFY, was, left, market);
    else this.#cancel(was, was.quantity, true, market);
  }

  #traded(words: Int32Array, at: number, book: BookDefinition, market: Market): void {
    const isExtended = ((words[at]! >> 8) & FLAG_EXTENDED) !== 0;
    const aggressor = isExtended ? (words[at + RECORD_WORDS]! >> 8) & 255 : 0;
    const side =
      aggressor === SIDE_BID
        ? layout.SIDE_CHAR_BID
        : aggressor === SIDE_ASK
          ? layout.SIDE_CHAR_ASK
          : layout.SIDE_CHAR_NONE;
    this.#out.setPriceHalves(words[at + WORD_PRICE + 1]!, words[at + WORD_PRICE]!, book);
    const size = this.#out.sizeHalves(words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!, book);
    const isStale = market.stale[book.number] === 1;
    this.#out.put(
      layout.ACTION_TRADE,
      side,
      book,
      words[at + WORD_ID + 1]!,
      words[at + WORD_ID]!,
      size,
      isStale,
    );
    this.#open.add(book.number);
  }

  /** @param all many books are concerned: the group of each of them ends. */
  #cleared(market: Market, all: boolean): void {
    for (const order of this.#leaving) this.#cancel(order, order.quantity, true, market);
    this.#leaving = [];
    for (const book of this.#emptied) {
      const definition = market.dictionary.books[book]!;
      this.#ids?.clear(definition);
      this.#plain(layout.ACTION_CLEAR, definition, market);
      if (all) {
        this.#out.release(true);
        this.#open.delete(book);
      }
    }
    this.#emptied = [];
  }

  /** Ends the group of the event's books, with a record that changes nothing where the event gave none. */
  #endEvent(book: number, last: boolean, channel: number, market: Market): void {
    if (!last) {
      this.#out.release(false);
      return;
    }
    const { books } = market.dictionary;
    const isHeld = this.#out.holds;
    this.#out.release(true);
    if (isHeld) this.#open.delete(this.#out.bookNumber);
    if (!this.#groupsBySource) {
      if (this.#open.has(book)) this.#none(book, market, true);
      return;
    }
    const { list } = this.#open;
    for (let at = 0; at < list.length; ) {
      const each = list[at]!;
      // One that ends leaves the list.
      if (books[each]!.channel === channel) this.#none(each, market, true);
      else at += 1;
    }
  }

  /** A record that changes nothing, for what its flags say. */
  #none(book: number, market: Market, last: boolean): void {
    this.#plain(layout.ACTION_NONE, market.dictionary.books[book]!, market);
    this.#out.release(last);
    if (last) this.#open.delete(book);
  }

  #plain(action: number, book: BookDefinition, market: Market): void {
    this.#out.price.setUndefined();
    this.#out.put(action, layout.SIDE_CHAR_NONE, book, 0, 0, 0, market.stale[book.number] === 1);
    this.#open.add(book.number);
  }

  #add(order: OrderState, market: Market): void {
    const book = market.dictionary.books[order.bookSide >> 1]!;
    if (this.#ids !== null) {
      this.#ids.hash(book, (order.bookSide & 1) !== 0, order.idHigh, order.idLow);
      if (!this.#ids.enter(book)) {
        this.#out.refuse(book, 'another order of the book has the same hash for its id');
      }
    }
    this.#put(layout.ACTION_ADD, order, order.quantity, market);
  }

  /** @param gone nothing of the order is left. */
  #cancel(order: OrderState, quantity: number, gone: boolean, market: Market): void {
    this.#put(layout.ACTION_CANCEL, order, quantity, market);
    if (gone) this.#ids?.leave(market.dictionary.books[order.bookSide >> 1]!);
  }

  /** A record about an order, at the order's price. */
  #put(action: number, order: OrderState, quantity: number, market: Market): void {
    const book = market.dictionary.books[order.bookSide >> 1]!;
    this.#out.setPrice(order.key, order.bookSide, book);
    this.#putOrder(action, order, book, this.#out.size(quantity, book), market);
  }

  #putOrder(action: number, order: OrderState, book: BookDefinition, size: number, market: Market): void {
    const isAsk = (order.bookSide & 1) !== 0;
    const ids = this.#ids;
    let { idHigh, idLow } = order;
    if (ids !== null) {
      ids.hash(book, isAsk, idHigh, idLow);
      idHigh = ids.high;
      idLow = ids.low;
    }
    const side = isAsk ? layout.SIDE_CHAR_ASK : layout.SIDE_CHAR_BID;
    this.#out.put(action, side, book, idHigh, idLow, size, market.stale[book.number] === 1);
    this.#open.add(book.number);
  }

  /** Something cannot be said: ends the conversion, unless a loss is allowed. */
  #lose(market: Market, order: OrderState, why: string): void {
    if (!this.#allowsLoss) {
      const book = market.dictionary.books[order.bookSide >> 1]!;
      this.#out.refuse(book, why, 'With --lossy the order goes to the back of its queue, and is counted.');
    }
    this.lossy += 1;
  }

  #read(state: OrderState, words: Int32Array, word: number, at: number, market: Market): void {
    if (words[at + WORD_BOOK]! >= 0)
      state.read(market, words[word]!, words[word + 1]!, bookSideOf(words, at));
  }

  /** Books of a channel (null = all) that hold something or miss something. */
  #filled(market: Market, channel: number | null): number[] {
    const filled: number[] = [];
    for (let book = 0; book < market.books; book += 1) {
      if (channel !== null && market.dictionary.books[book]?.channel !== channel) continue;
      const { bestLevel } = market.levels;
      const holds = bestLevel[book * 2] !== 0 || bestLevel[book * 2 + 1] !== 0;
      if (holds || market.stale[book] === 1) filled.push(book);
    }
    return filled;
  }

  /** Books that a gap may make stale: the one named, or all of the channel. */
  #sound(market: Market, named: number | null, channel: number): number[] {
    const sound: number[] = [];
    for (
      let book = named ?? 0;
      book < (named === null ? market.books : Math.min(named + 1, market.books));
      book += 1
    ) {
      if (named === null && market.dictionary.books[book]?.channel !== channel) continue;
      if (market.stale[book] === 0) sound.push(book);
    }
    return sound;
  }
}

function askOf(head: number): number {
  return (head & (FLAG_ASK << 8)) !== 0 ? 1 : 0;
}

function bookSideOf(words: Int32Array, at: number): number {
  return words[at + WORD_BOOK]! * 2 + askOf(words[at]!);
}

function quantityOf(words: Int32Array, at: number): number {
  return words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
}

/** The orders of one side, the best first. */
function ordersOfSide(market: Market, bookSide: number): OrderState[] {
  const orders: OrderState[] = [];
  const { words } = market.orders;
  for (const level of market.levels.ladders[bookSide]?.fromBest() ?? []) {
    for (
      let slot = market.levels.words[level * 8 + LEVEL_HEAD]!;
      slot !== 0;
      slot = words[slot * 8 + ORDER_NEXT]!
    ) {
      const order = new OrderState();
      order.idLow = words[slot * 8 + ORDER_ID_LOW]!;
      order.idHigh = words[slot * 8 + ORDER_ID_HIGH]!;
      order.take(market, slot);
      orders.push(order);
    }
  }
  return orders;
}

/** A trade that is taken back, or told by another one, is no record of the tape. */
function isPrintable(words: Int32Array, at: number): boolean {
  if (((words[at]! >> 8) & FLAG_EXTENDED) === 0) return true;
  return words[at + RECORD_WORDS]! >>> 16 !== CONDITION_NON_PRINTABLE;
}
