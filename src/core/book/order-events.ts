import * as record from '../event/record.ts';
import { NO_BOOK } from '../event/record.ts';
import type { BookRules } from '../event/rules.ts';
import { BOOK_OF_ORDERS, type BookStates } from './book-states.ts';
import { readKey } from './level-events.ts';
import type { OrderQueues } from './order-queues.ts';
import * as store from './store.ts';
import {
  REJECT_BOOK,
  REJECT_MIXED,
  REJECT_QUANTITY,
  REJECT_SIDE,
  TALLY_DUPLICATE_ORDER,
  TALLY_INFORMS,
  TALLY_OVER_REDUCED,
  TALLY_UNKNOWN_DELETE,
  TALLY_UNKNOWN_EXECUTE,
  TALLY_UNKNOWN_INFORMS,
  TALLY_UNKNOWN_MODIFY,
  TALLY_UNKNOWN_REDUCE,
  TALLY_UNKNOWN_REPLACE,
} from './tally.ts';

// V8 folds a module's own constants into its code and loads imported ones each time, so the hot ones are taken over.
const EXT_WORD_RELATED_ID = record.EXT_WORD_RELATED_ID;
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_ID = record.WORD_ID;
const WORD_QUANTITY = record.WORD_QUANTITY;
const LEVEL_COUNT = store.LEVEL_COUNT;
const LEVEL_KEY_DOUBLE = store.LEVEL_KEY_DOUBLE;
const LEVEL_QUANTITY_DOUBLE = store.LEVEL_QUANTITY_DOUBLE;
const LEVEL_TAIL = store.LEVEL_TAIL;
const ORDER_BOOK_SIDE = store.ORDER_BOOK_SIDE;
const ORDER_LEVEL = store.ORDER_LEVEL;
const ORDER_NEXT = store.ORDER_NEXT;
const ORDER_QUANTITY_DOUBLE = store.ORDER_QUANTITY_DOUBLE;

const TWO_32 = 4294967296;
const EXACT_MAX: number = Number.MAX_SAFE_INTEGER;

// Flags where they stand in word 0 of a record.
const HEAD_ASK: number = record.FLAG_ASK << 8;
const HEAD_KEEP: number = record.FLAG_KEEP_PRIORITY << 8;
const HEAD_INFORMS: number = record.FLAG_INFORMS << 8;
const HEAD_BEFORE: number = record.FLAG_BEFORE << 8;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const HEAD_QUANTITY_ONLY: number = record.FLAG_QUANTITY_ONLY << 8;
const HEAD_FULL: number = record.FLAG_FULL << 8;

/**
 * Applies events of orders by the rules of their feed, each a record at word `at` of `words` that begins with `head`. What is
 * unknown, double or out of range is counted and never repaired.
 *
 * Doubles are kept in typed arrays and never passed through calls (they would be boxed): `#key` carries them.
 */
export class OrderEvents {
  readonly #queues: OrderQueues;
  readonly #states: BookStates;
  readonly #addsUnknownModify: boolean;
  readonly #addsUnknownReplace: boolean;
  readonly #keepsUnlessBetter: boolean;
  readonly #modifyNamesSide: boolean;
  /** Key of the level in question: the one of the levels. */
  readonly #key: Float64Array;

  constructor(rules: BookRules, queues: OrderQueues, states: BookStates) {
    this.#queues = queues;
    this.#states = states;
    this.#key = queues.levels.key;
    this.#addsUnknownModify = rules.modifyUnknown === 'add';
    this.#addsUnknownReplace = rules.replaceUnknown === 'add';
    this.#keepsUnlessBetter = rules.modifyPriority === 'keptUnlessBetter';
    this.#modifyNamesSide = rules.modifyIsSideless !== true;
  }

  add(words: Int32Array, at: number, head: number, book: number): void {
    if (book < 0) {
      this.#states.reject(REJECT_BOOK);
      return;
    }
    const bookSide = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    if (this.#checkEntry(words, at, bookSide)) this.#enter(words, at, head, bookSide);
  }

  modify(words: Int32Array, at: number, head: number, book: number): void {
    const states = this.#states;
    const queues = this.#queues;
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = queues.find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      states.tally[TALLY_UNKNOWN_MODIFY]! += 1;
      // FLAG_BEFORE is an add's: what a modify makes of an unknown order goes to the back.
      if (this.#addsUnknownModify) this.add(words, at, head & ~HEAD_BEFORE, book);
      return;
    }
    const orders = queues.orders;
    const order = slot << 3;
    const bookSide = orders.words[order + ORDER_BOOK_SIDE]!;
    // What names no book names no side either.
    if (((bookSide ^ wanted) & 1) !== 0 && book !== NO_BOOK && this.#modifyNamesSide) {
      states.reject(REJECT_SIDE);
      return;
    }
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity <= 0) {
      if (quantity < 0) states.reject(REJECT_QUANTITY);
      else this.#remove(slot);
      return;
    }
    const levels = queues.levels;
    const quantityOnly = (head & HEAD_QUANTITY_ONLY) !== 0;
    if (quantity > EXACT_MAX || (!quantityOnly && !readKey(levels, words, at, bookSide))) {
      states.rejectRange(bookSide >> 1);
      return;
    }
    const level = orders.words[order + ORDER_LEVEL]!;
    const before = orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    if (quantityOnly || levels.doubles[level * 4 + LEVEL_KEY_DOUBLE] === this.#key[0]) {
      const total = levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! - before + quantity;
      if (total > EXACT_MAX) {
        states.rejectRange(bookSide >> 1);
        return;
      }
      orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = quantity;
      levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = total;
      const keeps =
        quantityOnly || (head & HEAD_KEEP) !== 0 || (this.#keepsUnlessBetter && quantity <= before);
      if (keeps || levels.words[level * 8 + LEVEL_TAIL] === slot) {
        states.observer?.resized(slot);
        states.change(bookSide >> 1, 1);
        return;
      }
      queues.unlink(slot, level);
      queues.link(slot, level);
      states.observer?.moved(slot);
      states.change(bookSide >> 1, 2);
      return;
    }
    // `levels.at` may grow the level store, so nothing of it is kept in locals across the call.
    const target = levels.at(bookSide);
    if (target === 0) {
      states.rejectFull(bookSide >> 1);
      return;
    }
    const total = levels.doubles[target * 4 + LEVEL_QUANTITY_DOUBLE]! + quantity;
    if (total > EXACT_MAX) {
      states.rejectRange(bookSide >> 1);
      return;
    }
    levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! -= before;
    queues.unlink(slot, level);
    queues.link(slot, target);
    orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = quantity;
    levels.doubles[target * 4 + LEVEL_QUANTITY_DOUBLE] = total;
    if (levels.words[level * 8 + LEVEL_COUNT] === 0) levels.vacate(level);
    states.observer?.moved(slot);
    states.change(bookSide >> 1, 2);
  }

  replace(words: Int32Array, at: number, head: number, book: number): void {
    const queues = this.#queues;
    const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = (head & HEAD_EXTENDED) === 0 ? 0 : queues.find(words[related]!, words[related + 1]!, wanted);
    if (slot === 0) {
      this.#states.tally[TALLY_UNKNOWN_REPLACE]! += 1;
      if (this.#addsUnknownReplace) this.add(words, at, head, book);
      return;
    }
    const bookSide = queues.orders.words[(slot << 3) + ORDER_BOOK_SIDE]!;
    this.#remove(slot);
    if (this.#checkEntry(words, at, bookSide)) this.#enter(words, at, head, bookSide);
  }

  reduce(words: Int32Array, at: number, head: number, book: number): void {
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity <= 0) {
      this.#states.reject(REJECT_QUANTITY);
      return;
    }
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = this.#queues.find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      this.#states.tally[TALLY_UNKNOWN_REDUCE]! += 1;
      return;
    }
    this.#decrement(words, at, slot, false);
  }

  execute(words: Int32Array, at: number, head: number, book: number): void {
    if ((head & HEAD_INFORMS) !== 0) {
      this.#inform(words, at, head, book);
      return;
    }
    const full = (head & HEAD_FULL) !== 0;
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (!full && quantity <= 0) {
      this.#states.reject(REJECT_QUANTITY);
      return;
    }
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = this.#queues.find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      this.#states.tally[TALLY_UNKNOWN_EXECUTE]! += 1;
      return;
    }
    this.#states.observer?.executes(words, at, slot);
    if (full) this.#drop(slot);
    else this.#decrement(words, at, slot, true);
  }

  delete(words: Int32Array, at: number, head: number, book: number): void {
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const slot = this.#queues.find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (slot === 0) {
      this.#states.tally[TALLY_UNKNOWN_DELETE]! += 1;
      return;
    }
    this.#remove(slot);
  }

  /** An execution that is only told of: other events change the book. */
  #inform(words: Int32Array, at: number, head: number, book: number): void {
    const states = this.#states;
    const queues = this.#queues;
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    states.tally[TALLY_INFORMS]! += 1;
    const informed = queues.find(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, wanted);
    if (informed === 0) states.tally[TALLY_UNKNOWN_INFORMS]! += 1;
    const ofOrder = informed === 0 ? NO_BOOK : queues.orders.words[(informed << 3) + ORDER_BOOK_SIDE]! >> 1;
    const concerned = book >= 0 ? book : ofOrder;
    if (concerned < 0) return;
    states.observer?.printed(words, at, concerned, informed);
    states.change(concerned, 1);
  }

  /** Judges quantity and price of an order that wants to enter; leaves its key in `#key`. */
  #checkEntry(words: Int32Array, at: number, bookSide: number): boolean {
    const states = this.#states;
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity <= 0) {
      states.reject(REJECT_QUANTITY);
      return false;
    }
    if (quantity > EXACT_MAX || !readKey(this.#queues.levels, words, at, bookSide)) {
      states.rejectRange(bookSide >> 1);
      return false;
    }
    const book = bookSide >> 1;
    if (states.kind[book] !== BOOK_OF_ORDERS) {
      if (this.#queues.levels.holds(book)) {
        states.reject(REJECT_MIXED);
        return false;
      }
      states.kind[book] = BOOK_OF_ORDERS;
    }
    return true;
  }

  /** Lets a judged order in (key in `#key`): at the back of its level, or before the related order. */
  #enter(words: Int32Array, at: number, head: number, bookSide: number): void {
    const queues = this.#queues;
    const states = this.#states;
    const levels = queues.levels;
    const idLow = words[at + WORD_ID]!;
    const idHigh = words[at + WORD_ID + 1]!;
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    queues.index.reserve();
    const twin = queues.find(idLow, idHigh, bookSide);
    if (twin !== 0) {
      states.tally[TALLY_DUPLICATE_ORDER]! += 1;
      const key = this.#key[0]!;
      this.#remove(twin);
      queues.find(idLow, idHigh, bookSide);
      this.#key[0] = key;
    }
    const level = levels.at(bookSide);
    if (level === 0) {
      states.rejectFull(bookSide >> 1);
      return;
    }
    const total = levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! + quantity;
    if (total > EXACT_MAX) {
      states.rejectRange(bookSide >> 1);
      return;
    }
    const slot = queues.insert(idLow, idHigh, bookSide, level);
    if (slot === 0) {
      states.rejectFull(bookSide >> 1);
      return;
    }
    queues.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = quantity;
    levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = total;
    states.observer?.entered(words, at, slot);
    states.change(bookSide >> 1, 1);
    if ((head & HEAD_BEFORE) !== 0 && (head & HEAD_EXTENDED) !== 0)
      this.#moveBefore(words, at, bookSide, slot);
  }

  /** Moves the order at the back in front of the related one; who is behind it then, leaves and enters. */
  #moveBefore(words: Int32Array, at: number, bookSide: number, slot: number): void {
    const queues = this.#queues;
    const states = this.#states;
    const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
    let behind = queues.moveBefore(slot, queues.find(words[related]!, words[related + 1]!, bookSide));
    for (let moved = slot; behind > 0; behind -= 1) {
      moved = queues.orders.words[(moved << 3) + ORDER_NEXT]!;
      states.observer?.moved(moved);
      states.change(bookSide >> 1, 2);
    }
  }

  /**
   * Takes the record's quantity (above zero) off an order; the order found last goes when nothing is left.
   * @param isTold has the observer been told?
   */
  #decrement(words: Int32Array, at: number, slot: number, isTold: boolean): void {
    const { orders, levels } = this.#queues;
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    const left = orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]! - quantity;
    if (left <= 0) {
      if (left < 0) this.#states.tally[TALLY_OVER_REDUCED]! += 1;
      if (isTold) this.#drop(slot);
      else this.#remove(slot);
      return;
    }
    orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE] = left;
    const level = orders.words[(slot << 3) + ORDER_LEVEL]!;
    levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! -= quantity;
    if (!isTold) this.#states.observer?.resized(slot);
    this.#states.change(orders.words[(slot << 3) + ORDER_BOOK_SIDE]! >> 1, 1);
  }

  /** Takes away the order that was found last. */
  #remove(slot: number): void {
    this.#states.observer?.leaves(slot);
    this.#drop(slot);
  }

  /** The same, where the observer has been told. */
  #drop(slot: number): void {
    this.#states.change(this.#queues.orders.words[(slot << 3) + ORDER_BOOK_SIDE]! >> 1, 1);
    this.#queues.remove(slot);
  }
}
