import { HashIndex, mix3 } from '../binary/hash-index.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import * as record from '../event/record.ts';
import {
  FLAG_ASK,
  FLAG_BEFORE,
  FLAG_EXTENDED,
  FLAG_FULL,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_ONE_SIDE,
  FLAG_QUANTITY_ONLY,
  FLAG_SNAPSHOT,
  KIND_NAMES,
  NO_BOOK,
} from '../event/record.ts';
import type { BookRules } from '../event/rules.ts';
import {
  LOOK_AHEAD_ORDERS_MIN,
  LOOK_AHEAD_RECORDS,
  LOOK_AHEAD_RECORDS_MIN,
  LookAhead,
} from './look-ahead.ts';
import { PriceLevels } from './price-levels.ts';
import * as store from './store.ts';
import { RecordStore } from './store.ts';
import {
  REJECT_BOOK,
  REJECT_FULL,
  REJECT_MIXED,
  REJECT_QUANTITY,
  REJECT_RANGE,
  REJECT_SIDE,
  TALLY_CROSSED_AT_LAST,
  TALLY_DUPLICATE_ORDER,
  TALLY_GROUPS,
  TALLY_INFORMS,
  TALLY_LOCKED_AT_LAST,
  TALLY_OVER_REDUCED,
  TALLY_REJECTED,
  TALLY_SLOTS,
  TALLY_UNKNOWN_DELETE,
  TALLY_UNKNOWN_EXECUTE,
  TALLY_UNKNOWN_INFORMS,
  TALLY_UNKNOWN_MODIFY,
  TALLY_UNKNOWN_REDUCE,
  TALLY_UNKNOWN_REPLACE,
} from './tally.ts';

// V8 folds a module's own constants into its code and loads imported ones each time, so the hot ones are taken over.
const EXT_WORD_RELATED_ID = record.EXT_WORD_RELATED_ID;
const KIND_ADD = record.KIND_ADD;
const KIND_CLEAR = record.KIND_CLEAR;
const KIND_DELETE = record.KIND_DELETE;
const KIND_EXECUTE = record.KIND_EXECUTE;
const KIND_GAP = record.KIND_GAP;
const KIND_LEVEL = record.KIND_LEVEL;
const KIND_MODIFY = record.KIND_MODIFY;
const KIND_REDUCE = record.KIND_REDUCE;
const KIND_REPLACE = record.KIND_REPLACE;
const KIND_SESSION = record.KIND_SESSION;
const KIND_TRADE = record.KIND_TRADE;
const NULL_PRICE_HIGH = record.NULL_PRICE_HIGH;
const NULL_PRICE_LOW = record.NULL_PRICE_LOW;
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_BOOK = record.WORD_BOOK;
const WORD_ID = record.WORD_ID;
const WORD_PRICE = record.WORD_PRICE;
const WORD_QUANTITY = record.WORD_QUANTITY;
const LEVEL_COUNT = store.LEVEL_COUNT;
const LEVEL_HEAD = store.LEVEL_HEAD;
const LEVEL_KEY_DOUBLE = store.LEVEL_KEY_DOUBLE;
const LEVEL_QUANTITY_DOUBLE = store.LEVEL_QUANTITY_DOUBLE;
const LEVEL_TAIL = store.LEVEL_TAIL;
const ORDER_BOOK_SIDE = store.ORDER_BOOK_SIDE;
const ORDER_ID_HIGH = store.ORDER_ID_HIGH;
const ORDER_ID_LOW = store.ORDER_ID_LOW;
const ORDER_LEVEL = store.ORDER_LEVEL;
const ORDER_NEXT = store.ORDER_NEXT;
const ORDER_PREVIOUS = store.ORDER_PREVIOUS;
const ORDER_QUANTITY_DOUBLE = store.ORDER_QUANTITY_DOUBLE;

const TWO_32 = 4294967296;
const EXACT_MAX: number = Number.MAX_SAFE_INTEGER;

// Flags where they stand in word 0 of a record.
const HEAD_LAST: number = FLAG_LAST << 8;
const HEAD_ASK: number = FLAG_ASK << 8;
const HEAD_KEEP: number = FLAG_KEEP_PRIORITY << 8;
const HEAD_INFORMS: number = FLAG_INFORMS << 8;
const HEAD_SNAPSHOT: number = FLAG_SNAPSHOT << 8;
const HEAD_BEFORE: number = FLAG_BEFORE << 8;
const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;
const HEAD_QUANTITY_ONLY: number = FLAG_QUANTITY_ONLY << 8;
const HEAD_FULL: number = FLAG_FULL << 8;
const HEAD_ONE_SIDE: number = FLAG_ONE_SIDE << 8;

const BOOK_OF_ORDERS = 0;
const BOOK_OF_LEVELS = 1;

const ORDERS_AT_START = 1 << 12;
const BOOKS_AT_START = 64;

/**
 * All books of one source: price-time priority, order by order.
 *
 * A hash index finds an order by its id, `levels` a level by book-side and price; an order knows its level and its
 * neighbours in the queue. So an event touches one index entry, one order, its neighbours and one level,
 * whatever the number of orders, levels and books; only a level that appears, or empties as the best, goes to the
 * ladder of its side. What is unknown, crossed, double or out of range is counted in `tally` and never repaired.
 *
 * Doubles are kept in typed arrays and never passed through calls (they would be boxed): `#key` carries them.
 */
export class Market {
  readonly rules: BookRules;
  readonly dictionary: Dictionary;
  /** Events by kind, index KIND_*. */
  readonly events: Float64Array = new Float64Array(KIND_NAMES.length);
  /** Anomalies and groups, index TALLY_*. */
  readonly tally: Float64Array = new Float64Array(TALLY_SLOTS);
  readonly orders: RecordStore = new RecordStore(ORDERS_AT_START, ORDER_NEXT);
  readonly levels: PriceLevels = new PriceLevels();
  readonly orderIndex: HashIndex = new HashIndex(ORDERS_AT_START);
  /** Books that have been named by an event, as numbers 0 … books − 1. */
  books = 0;
  /** Per book: 0 orders, 1 price levels. */
  bookKind: Uint8Array = new Uint8Array(BOOKS_AT_START);
  stale: Uint8Array = new Uint8Array(BOOKS_AT_START);
  /**
   * Order changes, of all books and per book: an order that enters, leaves, or changes in its place is one; one that
   * moves leaves and enters, and so do those that another one enters in front of; a print is one. What changes nothing is none.
   * The numbers that publications bear, so that every reader of the events counts alike.
   */
  changes = 0;
  bookChanges: Float64Array = new Float64Array(BOOKS_AT_START);

  readonly #lookAhead: LookAhead = new LookAhead();
  readonly #lostChannels: Set<number> = new Set();
  /** Channels whose books are all stale, so that another loss changes nothing. */
  readonly #staleChannels: Set<number> = new Set();
  /** Books of the dictionary that had changed their channel when that was last known. */
  #rehomed = 0;
  /** Bits of a book-side that belong to an order's identity. */
  readonly #scope: number;
  readonly #groupsBySource: boolean;
  readonly #addsUnknownModify: boolean;
  readonly #addsUnknownReplace: boolean;
  readonly #keepsUnlessBetter: boolean;
  readonly #modifyNamesSide: boolean;
  /** Books named since the last `last`, for feeds whose groups span books. */
  #group: Int32Array = new Int32Array(BOOKS_AT_START);
  #groupSize = 0;
  /** Per book: number of the group that named it last. */
  #groupMark: Int32Array = new Int32Array(BOOKS_AT_START);
  #groupNumber = 1;
  /** Key of the level in question: the one of `levels`. */
  readonly #key: Float64Array = this.levels.key;
  /** Where `#find` found its order in the index, or the place and the tag that it would have there. */
  #at = -1;
  #tag = 0;

  constructor(rules: BookRules, dictionary: Dictionary) {
    this.rules = rules;
    this.dictionary = dictionary;
    this.#scope = rules.idScope === 'source' ? 0 : rules.idScope === 'book' ? ~1 : ~0;
    this.#groupsBySource = rules.groupScope === 'source';
    this.#addsUnknownModify = rules.modifyUnknown === 'add';
    this.#addsUnknownReplace = rules.replaceUnknown === 'add';
    this.#keepsUnlessBetter = rules.modifyPriority === 'keptUnlessBetter';
    this.#modifyNamesSide = rules.modifyIsSideless !== true;
  }

  /** Applies the records `from` … `to − 1` of a batch. An extended event's two records are never parted. */
  apply(batch: EventBatch, from: number = 0, to: number = batch.count): void {
    const words = batch.words;
    const events = this.events;
    const groupsBySource = this.#groupsBySource;
    let groups = 0;
    const end = to * RECORD_WORDS;
    let at = from * RECORD_WORDS;
    const looksAhead = this.orders.live >= LOOK_AHEAD_ORDERS_MIN && to - from >= LOOK_AHEAD_RECORDS_MIN;
    let ahead = looksAhead ? at : end;
    while (at < end) {
      if (at >= ahead) {
        ahead = Math.min(at + LOOK_AHEAD_RECORDS * RECORD_WORDS, end);
        this.#lookAhead.touch(words, at, ahead, this.orderIndex, this.orders.words, this.#scope);
      }
      const head = words[at]!;
      const kind = head & 255;
      const book = words[at + WORD_BOOK]!;
      if (book >= this.books) this.#reach(book);
      events[kind]! += 1;
      switch (kind) {
        case KIND_ADD:
          this.#add(words, at, head, book);
          break;
        case KIND_DELETE:
          this.#delete(words, at, book, head);
          break;
        case KIND_EXECUTE:
          this.#execute(words, at, head, book);
          break;
        case KIND_MODIFY:
          this.#modify(words, at, head, book);
          break;
        case KIND_REDUCE:
          this.#reduce(words, at, head, book);
          break;
        case KIND_REPLACE:
          this.#replace(words, at, head, book);
          break;
        case KIND_LEVEL:
          this.#level(words, at, head, book);
          break;
        case KIND_CLEAR:
          this.#clear(head, book);
          break;
        case KIND_GAP:
          if (book >= 0) this.stale[book] = 1;
          else this.#lose(batch.channel);
          break;
        case KIND_SESSION:
          this.#renew(batch.channel);
          break;
        case KIND_TRADE:
          if (book >= 0) this.#change(book, 1);
          break;
        default:
          break;
      }
      if ((head & HEAD_LAST) !== 0) {
        groups += 1;
        // Keys: bid price + negated ask price; at zero the book is locked, above it crossed.
        if (book >= 0 && this.levels.bestKey[book * 2]! + this.levels.bestKey[book * 2 + 1]! >= 0)
          this.#judge(book);
        if (groupsBySource) this.#endGroup(book);
      } else if (groupsBySource && book >= 0) this.#joinGroup(book);
      at += (head & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
    }
    this.tally[TALLY_GROUPS]! += groups;
  }

  /** Channels with a loss: their books, also those seen later, are stale. */
  get lostChannels(): ReadonlySet<number> {
    return this.#lostChannels;
  }

  /** Marks what was stale where the books come from: channels with a loss, and single books. */
  restoreMarks(lostChannels: Iterable<number>, staleBooks: Iterable<number>): void {
    for (const channel of lostChannels) this.#lostChannels.add(channel);
    for (const book of staleBooks) {
      if (book >= this.books) this.#reach(book);
      this.stale[book] = 1;
    }
  }

  /** Counts go on from where those of an image stood. */
  restoreChanges(book: number, changes: number): void {
    if (book >= this.books) this.#reach(book);
    this.changes += changes - this.bookChanges[book]!;
    this.bookChanges[book] = changes;
  }

  /** What was counted as order changes so far was none. */
  forgetChanges(): void {
    this.changes = 0;
    this.bookChanges.fill(0);
  }

  #change(book: number, changes: number): void {
    this.changes += changes;
    this.bookChanges[book]! += changes;
  }

  /**
   * Slot of a live order, or 0. For a scope narrower than the source, `bookSide` must be the order's.
   */
  findOrder(idLow: number, idHigh: number, bookSide: number): number {
    return this.#find(idLow, idHigh, bookSide);
  }

  #find(idLow: number, idHigh: number, bookSide: number): number {
    const scope = this.#scope;
    const tag = mix3(idLow, idHigh, bookSide & scope);
    const index = this.orderIndex;
    const table = index.table;
    const wrap = index.wrap;
    const orders = this.orders.words;
    let at = (tag << 1) & wrap;
    for (;;) {
      const slot = table[at + 1]!;
      if (slot === 0) {
        this.#at = at;
        this.#tag = tag;
        return 0;
      }
      if (table[at] === tag) {
        const order = slot << 3;
        if (
          orders[order + ORDER_ID_LOW] === idLow &&
          orders[order + ORDER_ID_HIGH] === idHigh &&
          ((orders[order + ORDER_BOOK_SIDE]! ^ bookSide) & scope) === 0
        ) {
          this.#at = at;
          return slot;
        }
      }
      at = (at + 2) & wrap;
    }
  }

  #add(words: Int32Array, at: number, head: number, book: number): void {
    if (book < 0) {
      this.#reject(REJECT_BOOK);
      return;
    }
    const bookSide = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    if (this.#checkEntry(words, at, bookSide)) this.#enter(words, at, head, bookSide);
  }

  /** Judges quantity and price of an order that wants to enter; leaves its key in `#key`. */
  #checkEntry(words: Int32Array, at: number, bookSide: number): boolean {
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity <= 0) {
      this.#reject(REJECT_QUANTITY);
      return false;
    }
    if (quantity > EXACT_MAX || !this.#readKey(words, at, bookSide)) {
      this.#rejectRange(bookSide >> 1);
      return false;
    }
    const book = bookSide >> 1;
    if (this.bookKind[book] !== BOOK_OF_ORDERS) {
      if (this.#holdsLevels(book)) {
        this.#reject(REJECT_MIXED);
        return false;
      }
      this.bookKind[book] = BOOK_OF_ORDERS;
    }
    return true;
  }

  /** Puts the key of the record's price into `#key`; false when the price is out of range. */
  #readKey(words: Int32Array, at: number, bookSide: number): boolean {
    const high = words[at + WORD_PRICE + 1]!;
    const low = words[at + WORD_PRICE]!;
    const price = high * TWO_32 + (low >>> 0);
    if (price > EXACT_MAX || price < -EXACT_MAX) {
      if (high !== NULL_PRICE_HIGH || low !== NULL_PRICE_LOW) return false;
      this.#key[0] = Number.POSITIVE_INFINITY;
      return true;
    }
    this.#key[0] = (bookSide & 1) !== 0 ? 0 - price : price;
    return true;
  }

  /** Lets a judged order in (key in `#key`): at the back of its level, or before the related order. */
  #enter(words: Int32Array, at: number, head: number, bookSide: number): void {
    const idLow = words[at + WORD_ID]!;
    const idHigh = words[at + WORD_ID + 1]!;
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    this.orderIndex.reserve();
    const twin = this.#find(idLow, idHigh, bookSide);
    if (twin !== 0) {
      this.tally[TALLY_DUPLICATE_ORDER]! += 1;
      const key = this.#key[0]!;
      this.#remove(twin);
      this.#find(idLow, idHigh, bookSide);
      this.#key[0] = key;
    }
    const level = this.levels.at(bookSide);
    if (level === 0) {
      this.#rejectFull(bookSide >> 1);
      return;
    }
    const total = this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! + quantity;
    if (total > EXACT_MAX) {
      this.#rejectRange(bookSide >> 1);
      return;
    }
    const slot = this.orders.take();
    if (slot === 0) {
      this.#rejectFull(bookSide >> 1);
      return;
    }
    const order = slot << 3;
    const orders = this.orders.words;
    orders[order + ORDER_ID_LOW] = idLow;
    orders[order + ORDER_ID_HIGH] = idHigh;
    orders[order + ORDER_BOOK_SIDE] = bookSide;
    this.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = quantity;
    this.orderIndex.insertAt(this.#at, this.#tag, slot);
    this.#link(slot, level);
    this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = total;
    this.#change(bookSide >> 1, 1);
    if ((head & HEAD_BEFORE) !== 0 && (head & HEAD_EXTENDED) !== 0) {
      const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
      this.#moveBefore(slot, this.#find(words[related]!, words[related + 1]!, bookSide));
    }
  }

  #modify(words: Int32Array, at: number, head: number, book: number): void {
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = this.#find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      this.tally[TALLY_UNKNOWN_MODIFY]! += 1;
      // FLAG_BEFORE is an add's: what a modify makes of an unknown order goes to the back.
      if (this.#addsUnknownModify) this.#add(words, at, head & ~HEAD_BEFORE, book);
      return;
    }
    const orders = this.orders;
    const order = slot << 3;
    const bookSide = orders.words[order + ORDER_BOOK_SIDE]!;
    // What names no book names no side either.
    if (((bookSide ^ wanted) & 1) !== 0 && book !== NO_BOOK && this.#modifyNamesSide) {
      this.#reject(REJECT_SIDE);
      return;
    }
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity <= 0) {
      if (quantity < 0) this.#reject(REJECT_QUANTITY);
      else this.#remove(slot);
      return;
    }
    const quantityOnly = (head & HEAD_QUANTITY_ONLY) !== 0;
    if (quantity > EXACT_MAX || (!quantityOnly && !this.#readKey(words, at, bookSide))) {
      this.#rejectRange(bookSide >> 1);
      return;
    }
    const levels = this.levels;
    const level = orders.words[order + ORDER_LEVEL]!;
    const before = orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    if (quantityOnly || levels.doubles[level * 4 + LEVEL_KEY_DOUBLE] === this.#key[0]) {
      const total = levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! - before + quantity;
      if (total > EXACT_MAX) {
        this.#rejectRange(bookSide >> 1);
        return;
      }
      orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = quantity;
      levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = total;
      const keeps =
        quantityOnly || (head & HEAD_KEEP) !== 0 || (this.#keepsUnlessBetter && quantity <= before);
      const moves = !keeps && levels.words[level * 8 + LEVEL_TAIL] !== slot;
      if (moves) {
        this.#unlink(slot, level);
        this.#link(slot, level);
      }
      this.#change(bookSide >> 1, moves ? 2 : 1);
      return;
    }
    // `levels.at` may grow the level store, so nothing of it is kept in locals across the call.
    const target = this.levels.at(bookSide);
    if (target === 0) {
      this.#rejectFull(bookSide >> 1);
      return;
    }
    const total = this.levels.doubles[target * 4 + LEVEL_QUANTITY_DOUBLE]! + quantity;
    if (total > EXACT_MAX) {
      this.#rejectRange(bookSide >> 1);
      return;
    }
    this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! -= before;
    this.#unlink(slot, level);
    this.#link(slot, target);
    this.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = quantity;
    this.levels.doubles[target * 4 + LEVEL_QUANTITY_DOUBLE] = total;
    if (this.levels.words[level * 8 + LEVEL_COUNT] === 0) this.levels.vacate(level);
    this.#change(bookSide >> 1, 2);
  }

  #replace(words: Int32Array, at: number, head: number, book: number): void {
    const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = (head & HEAD_EXTENDED) === 0 ? 0 : this.#find(words[related]!, words[related + 1]!, wanted);
    if (slot === 0) {
      this.tally[TALLY_UNKNOWN_REPLACE]! += 1;
      if (this.#addsUnknownReplace) this.#add(words, at, head, book);
      return;
    }
    const bookSide = this.orders.words[(slot << 3) + ORDER_BOOK_SIDE]!;
    this.#remove(slot);
    if (this.#checkEntry(words, at, bookSide)) this.#enter(words, at, head, bookSide);
  }

  #reduce(words: Int32Array, at: number, head: number, book: number): void {
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity <= 0) {
      this.#reject(REJECT_QUANTITY);
      return;
    }
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = this.#find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      this.tally[TALLY_UNKNOWN_REDUCE]! += 1;
      return;
    }
    this.#decrement(words, at, slot);
  }

  #execute(words: Int32Array, at: number, head: number, book: number): void {
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    if ((head & HEAD_INFORMS) !== 0) {
      this.tally[TALLY_INFORMS]! += 1;
      const informed = this.#find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
      if (informed === 0) this.tally[TALLY_UNKNOWN_INFORMS]! += 1;
      if (book >= 0) this.#change(book, 1);
      else if (informed !== 0) this.#change(this.orders.words[(informed << 3) + ORDER_BOOK_SIDE]! >> 1, 1);
      return;
    }
    const full = (head & HEAD_FULL) !== 0;
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (!full && quantity <= 0) {
      this.#reject(REJECT_QUANTITY);
      return;
    }
    const slot = this.#find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      this.tally[TALLY_UNKNOWN_EXECUTE]! += 1;
      return;
    }
    if (full) this.#remove(slot);
    else this.#decrement(words, at, slot);
  }

  /** Takes the record's quantity (above zero) off an order; the order found last goes when nothing is left. */
  #decrement(words: Int32Array, at: number, slot: number): void {
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    const left = this.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]! - quantity;
    if (left <= 0) {
      if (left < 0) this.tally[TALLY_OVER_REDUCED]! += 1;
      this.#remove(slot);
      return;
    }
    this.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = left;
    const level = this.orders.words[(slot << 3) + ORDER_LEVEL]!;
    this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! -= quantity;
    this.#change(this.orders.words[(slot << 3) + ORDER_BOOK_SIDE]! >> 1, 1);
  }

  #delete(words: Int32Array, at: number, book: number, head: number): void {
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = this.#find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      this.tally[TALLY_UNKNOWN_DELETE]! += 1;
      return;
    }
    this.#remove(slot);
  }

  #level(words: Int32Array, at: number, head: number, book: number): void {
    if (book < 0) {
      this.#reject(REJECT_BOOK);
      return;
    }
    const bookSide = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity < 0) {
      this.#reject(REJECT_QUANTITY);
      return;
    }
    if (quantity > EXACT_MAX || !this.#readKey(words, at, bookSide)) {
      this.#rejectRange(book);
      return;
    }
    if (this.bookKind[book] === BOOK_OF_ORDERS) {
      if (this.#holdsLevels(book)) {
        this.#reject(REJECT_MIXED);
        return;
      }
      this.bookKind[book] = BOOK_OF_LEVELS;
    }
    if (quantity === 0) {
      const level = this.levels.find(bookSide);
      if (level === 0 || this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] === 0) return;
      this.levels.words[level * 8 + LEVEL_COUNT] = 0;
      this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = 0;
      this.levels.vacate(level);
      return;
    }
    const level = this.levels.at(bookSide);
    if (level === 0) {
      this.#rejectFull(book);
      return;
    }
    if (this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] === 0) this.levels.occupy(level);
    this.levels.words[level * 8 + LEVEL_COUNT] = words[at + WORD_ID]!;
    this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = quantity;
  }

  #clear(head: number, book: number): void {
    if (book < 0) {
      for (let each = 0; each < this.books; each += 1) this.#clearBook(each);
      return;
    }
    if ((head & HEAD_ONE_SIDE) !== 0) this.#clearSide((book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0));
    else this.#clearBook(book);
    // What follows is all that is in the book, by the word of an operator or of the feed.
    if ((head & HEAD_SNAPSHOT) !== 0 && (head & HEAD_ONE_SIDE) === 0) this.stale[book] = 0;
  }

  #clearBook(book: number): void {
    this.#clearSide(book << 1);
    this.#clearSide((book << 1) | 1);
    if (this.rules.clearRestores === true) {
      this.stale[book] = 0;
      this.#staleChannels.clear();
    }
  }

  #clearSide(bookSide: number): void {
    for (const level of this.levels.ladders[bookSide]!.fromBest()) {
      let slot = this.levels.words[level * 8 + LEVEL_HEAD]!;
      while (slot !== 0) {
        const order = slot << 3;
        const words = this.orders.words;
        const next = words[order + ORDER_NEXT]!;
        const tag = mix3(words[order + ORDER_ID_LOW]!, words[order + ORDER_ID_HIGH]!, bookSide & this.#scope);
        this.orderIndex.remove(tag, slot);
        this.orders.give(slot);
        this.#change(bookSide >> 1, 1);
        slot = next;
      }
      this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = 0;
    }
    this.levels.dropAll(bookSide);
  }

  /** Events of this channel are lost: its books, also those seen later, are stale. */
  #lose(channel: number): void {
    if (this.#rehomed !== this.dictionary.rehomed) this.#staleChannels.clear();
    this.#rehomed = this.dictionary.rehomed;
    if (this.#staleChannels.has(channel)) return;
    this.#lostChannels.add(channel);
    this.#staleChannels.add(channel);
    for (let book = 0; book < this.books; book += 1) {
      if (this.dictionary.books[book]?.channel === channel) this.stale[book] = 1;
    }
  }

  /** A new session of this channel: its books start empty and right. */
  #renew(channel: number): void {
    this.#lostChannels.delete(channel);
    for (let book = 0; book < this.books; book += 1) {
      if (this.dictionary.books[book]?.channel !== channel) continue;
      this.#clearBook(book);
      this.stale[book] = 0;
    }
    this.#staleChannels.clear();
  }

  /** Takes an order that `#find` has just found out of its queue, the index and the store. */
  #remove(slot: number): void {
    const level = this.orders.words[(slot << 3) + ORDER_LEVEL]!;
    this.orderIndex.removeAt(this.#at);
    const levels = this.levels;
    levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! -=
      this.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    this.#unlink(slot, level);
    this.#change(this.orders.words[(slot << 3) + ORDER_BOOK_SIDE]! >> 1, 1);
    this.orders.give(slot);
    if (levels.words[level * 8 + LEVEL_COUNT] === 0) this.levels.vacate(level);
  }

  #link(slot: number, level: number): void {
    const orders = this.orders.words;
    const levels = this.levels.words;
    const order = slot << 3;
    const at = level << 3;
    const tail = levels[at + LEVEL_TAIL]!;
    orders[order + ORDER_LEVEL] = level;
    orders[order + ORDER_PREVIOUS] = tail;
    orders[order + ORDER_NEXT] = 0;
    levels[at + LEVEL_TAIL] = slot;
    levels[at + LEVEL_COUNT]! += 1;
    if (tail !== 0) orders[(tail << 3) + ORDER_NEXT] = slot;
    else {
      levels[at + LEVEL_HEAD] = slot;
      this.levels.occupy(level);
    }
  }

  #unlink(slot: number, level: number): void {
    const orders = this.orders.words;
    const levels = this.levels.words;
    const order = slot << 3;
    const at = level << 3;
    const next = orders[order + ORDER_NEXT]!;
    const previous = orders[order + ORDER_PREVIOUS]!;
    if (previous === 0) levels[at + LEVEL_HEAD] = next;
    else orders[(previous << 3) + ORDER_NEXT] = next;
    if (next === 0) levels[at + LEVEL_TAIL] = previous;
    else orders[(next << 3) + ORDER_PREVIOUS] = previous;
    levels[at + LEVEL_COUNT]! -= 1;
  }

  /** Moves the order at the tail of its level before another one of the same level; elsewhere it stays. */
  #moveBefore(slot: number, successor: number): void {
    const orders = this.orders.words;
    const level = orders[(slot << 3) + ORDER_LEVEL]!;
    if (successor === 0 || successor === slot || orders[(successor << 3) + ORDER_LEVEL] !== level) return;
    this.#unlink(slot, level);
    const previous = orders[(successor << 3) + ORDER_PREVIOUS]!;
    orders[(slot << 3) + ORDER_PREVIOUS] = previous;
    orders[(slot << 3) + ORDER_NEXT] = successor;
    orders[(successor << 3) + ORDER_PREVIOUS] = slot;
    if (previous === 0) this.levels.words[level * 8 + LEVEL_HEAD] = slot;
    else orders[(previous << 3) + ORDER_NEXT] = slot;
    this.levels.words[level * 8 + LEVEL_COUNT]! += 1;
    const book = orders[(slot << 3) + ORDER_BOOK_SIDE]! >> 1;
    for (let behind = successor; behind !== 0; behind = orders[(behind << 3) + ORDER_NEXT]!) {
      this.#change(book, 2);
    }
  }

  #joinGroup(book: number): void {
    if (this.#groupMark[book] === this.#groupNumber) return;
    this.#groupMark[book] = this.#groupNumber;
    this.#group[this.#groupSize] = book;
    this.#groupSize += 1;
  }

  /** Judges the books that the group named besides the one of its last event. */
  #endGroup(book: number): void {
    const group = this.#group;
    for (let member = 0; member < this.#groupSize; member += 1) {
      const other = group[member]!;
      if (other !== book && this.levels.bestKey[other * 2]! + this.levels.bestKey[other * 2 + 1]! >= 0)
        this.#judge(other);
    }
    this.#groupSize = 0;
    this.#groupNumber = (this.#groupNumber + 1) | 0;
  }

  /** Counts a book as crossed or locked by its best limits; orders without a price take no part. */
  #judge(book: number): void {
    const sum = this.levels.bestLimitKey(book * 2) + this.levels.bestLimitKey(book * 2 + 1);
    if (sum > 0) this.tally[TALLY_CROSSED_AT_LAST]! += 1;
    else if (sum === 0) this.tally[TALLY_LOCKED_AT_LAST]! += 1;
  }

  #holdsLevels(book: number): boolean {
    return this.levels.bestLevel[book * 2] !== 0 || this.levels.bestLevel[book * 2 + 1] !== 0;
  }

  #reject(reason: number): void {
    this.tally[TALLY_REJECTED + reason]! += 1;
  }

  #rejectRange(book: number): void {
    this.#reject(REJECT_RANGE);
    this.stale[book] = 1;
  }

  #rejectFull(book: number): void {
    this.#reject(REJECT_FULL);
    this.stale[book] = 1;
  }

  /** Makes room for every book up to this number. */
  #reach(book: number): void {
    if (book === NO_BOOK) return;
    const capacity = this.bookKind.length;
    if (book >= capacity) {
      const wanted = Math.max(capacity * 2, book + 1);
      const bookKind = new Uint8Array(wanted);
      const stale = new Uint8Array(wanted);
      const bookChanges = new Float64Array(wanted);
      const group = new Int32Array(wanted);
      const groupMark = new Int32Array(wanted);
      bookKind.set(this.bookKind);
      stale.set(this.stale);
      bookChanges.set(this.bookChanges);
      group.set(this.#group);
      groupMark.set(this.#groupMark);
      this.bookKind = bookKind;
      this.stale = stale;
      this.bookChanges = bookChanges;
      this.#group = group;
      this.#groupMark = groupMark;
    }
    while (this.books <= book) {
      this.levels.addBook();
      const channel = this.dictionary.books[this.books]?.channel;
      if (channel !== undefined && this.#lostChannels.has(channel)) this.stale[this.books] = 1;
      this.books += 1;
    }
  }
}
