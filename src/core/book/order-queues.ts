import { HashIndex, mix3 } from '../binary/hash-index.ts';
import { PriceLevels } from './price-levels.ts';
import * as store from './store.ts';
import { RecordStore } from './store.ts';

// V8 folds a module's own constants into its code and loads imported ones each time, so the hot ones are taken over.
const LEVEL_COUNT = store.LEVEL_COUNT;
const LEVEL_HEAD = store.LEVEL_HEAD;
const LEVEL_QUANTITY_DOUBLE = store.LEVEL_QUANTITY_DOUBLE;
const LEVEL_TAIL = store.LEVEL_TAIL;
const ORDER_BOOK_SIDE = store.ORDER_BOOK_SIDE;
const ORDER_ID_HIGH = store.ORDER_ID_HIGH;
const ORDER_ID_LOW = store.ORDER_ID_LOW;
const ORDER_LEVEL = store.ORDER_LEVEL;
const ORDER_NEXT = store.ORDER_NEXT;
const ORDER_PREVIOUS = store.ORDER_PREVIOUS;
const ORDER_QUANTITY_DOUBLE = store.ORDER_QUANTITY_DOUBLE;

const ORDERS_AT_START = 1 << 12;

/**
 * The orders of all books in their queues. A hash index finds an order by its id, `levels` a level by book-side and price;
 * an order knows its level and its neighbours in the queue.
 */
export class OrderQueues {
  readonly orders: RecordStore = new RecordStore(ORDERS_AT_START, ORDER_NEXT);
  readonly levels: PriceLevels = new PriceLevels();
  readonly index: HashIndex = new HashIndex(ORDERS_AT_START);
  /** Bits of a book-side that belong to an order's identity. */
  readonly scope: number;
  /** Where `find` found its order in the index, or the place and the tag that it would have there. */
  #at = -1;
  #tag = 0;

  constructor(scope: number) {
    this.scope = scope;
  }

  /** Slot of a live order, or 0. For a scope narrower than the source, `bookSide` must be the order's. */
  find(idLow: number, idHigh: number, bookSide: number): number {
    const scope = this.scope;
    const tag = mix3(idLow, idHigh, bookSide & scope);
    const index = this.index;
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

  /**
   * Puts an order whose id `find` has just not found at the back of a level; the index had room for it then. Its quantity
   * is the caller's to set. @returns its slot, 0 when the store is full.
   */
  insert(idLow: number, idHigh: number, bookSide: number, level: number): number {
    const slot = this.orders.take();
    if (slot === 0) return 0;
    const order = slot << 3;
    const orders = this.orders.words;
    orders[order + ORDER_ID_LOW] = idLow;
    orders[order + ORDER_ID_HIGH] = idHigh;
    orders[order + ORDER_BOOK_SIDE] = bookSide;
    this.index.insertAt(this.#at, this.#tag, slot);
    this.link(slot, level);
    return slot;
  }

  /** Takes an order that `find` has just found out of its queue, the index and the store. */
  remove(slot: number): void {
    const level = this.orders.words[(slot << 3) + ORDER_LEVEL]!;
    this.index.removeAt(this.#at);
    const levels = this.levels;
    levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]! -=
      this.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    this.unlink(slot, level);
    this.orders.give(slot);
    if (levels.words[level * 8 + LEVEL_COUNT] === 0) levels.vacate(level);
  }

  /** Puts an order at the back of the queue of a level, whose quantity is the caller's to set. */
  link(slot: number, level: number): void {
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

  unlink(slot: number, level: number): void {
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

  /**
   * Moves the order at the tail of its level before another one of the same level; elsewhere it stays.
   * @returns how many orders it was moved in front of.
   */
  moveBefore(slot: number, successor: number): number {
    const orders = this.orders.words;
    const level = orders[(slot << 3) + ORDER_LEVEL]!;
    if (successor === 0 || successor === slot || orders[(successor << 3) + ORDER_LEVEL] !== level) return 0;
    this.unlink(slot, level);
    const previous = orders[(successor << 3) + ORDER_PREVIOUS]!;
    orders[(slot << 3) + ORDER_PREVIOUS] = previous;
    orders[(slot << 3) + ORDER_NEXT] = successor;
    orders[(successor << 3) + ORDER_PREVIOUS] = slot;
    if (previous === 0) this.levels.words[level * 8 + LEVEL_HEAD] = slot;
    else orders[(previous << 3) + ORDER_NEXT] = slot;
    this.levels.words[level * 8 + LEVEL_COUNT]! += 1;
    let behind = 0;
    for (let next = successor; next !== 0; next = orders[(next << 3) + ORDER_NEXT]!) behind += 1;
    return behind;
  }

  /** Empties a side of a book. @returns how many orders left. */
  clearSide(bookSide: number): number {
    let removed = 0;
    for (const level of this.levels.ladders[bookSide]!.fromBest()) {
      let slot = this.levels.words[level * 8 + LEVEL_HEAD]!;
      while (slot !== 0) {
        const order = slot << 3;
        const words = this.orders.words;
        const next = words[order + ORDER_NEXT]!;
        const tag = mix3(words[order + ORDER_ID_LOW]!, words[order + ORDER_ID_HIGH]!, bookSide & this.scope);
        this.index.remove(tag, slot);
        this.orders.give(slot);
        removed += 1;
        slot = next;
      }
      this.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = 0;
    }
    this.levels.dropAll(bookSide);
    return removed;
  }
}
