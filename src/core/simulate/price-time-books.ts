import { toBigUint } from '../binary/time.ts';

/** An order in its queue, as the truth tells it. */
export interface RestingOrder {
  readonly id: bigint;
  readonly price: number;
  readonly quantity: number;
}

/** Orders of one price, oldest first, linked through the order columns. */
class Level {
  /** Grows towards the best price: the price of a bid, the negated price of an ask. */
  readonly key: number;
  head = 0;
  tail = 0;
  constructor(key: number) {
    this.key = key;
  }
}

const CAPACITY_FIRST = 4096;
const COLUMNS = 8;
const ID_HIGH = 0;
const ID_LOW = 1;
const PRICE = 2;
const QUANTITY = 3;
const NEXT = 4;
const PREVIOUS = 5;
const BOOK_SIDE = 6;
/** Index in the list of its book's orders. */
const PLACE = 7;
const FREE_NEXT = NEXT;

/**
 * The exchange's own books in price-time priority: sorted levels, linked queues, nothing more. They share no code
 * with src/core/book, which is compared with them. A side is named `book × 2 + ask`, an order by its slot from 1.
 */
export class PriceTimeBooks {
  /** Per book: the slots of its orders, in no order; for drawing one. */
  readonly live: number[][] = [];
  orders = 0;
  /** Per side: levels, best one last. */
  readonly #levels: Level[][] = [];
  #table: Int32Array = new Int32Array(CAPACITY_FIRST * COLUMNS);
  #used = 1;
  #free = 0;

  constructor(books: number) {
    for (let book = 0; book < books; book += 1) {
      this.live.push([]);
      this.#levels.push([], []);
    }
  }

  /** An order enters at the end of its queue. @returns its slot. */
  add(bookSide: number, price: number, quantity: number, idHigh: number, idLow: number): number {
    const slot = this.#take();
    const table = this.#table;
    const at = slot * COLUMNS;
    const live = this.live[bookSide >> 1];
    table[at + ID_HIGH] = idHigh;
    table[at + ID_LOW] = idLow;
    table[at + QUANTITY] = quantity;
    table[at + BOOK_SIDE] = bookSide;
    table[at + PLACE] = live.length;
    live.push(slot);
    this.orders += 1;
    this.#enqueue(slot, price);
    return slot;
  }

  remove(slot: number): void {
    const table = this.#table;
    const at = slot * COLUMNS;
    this.#dequeue(slot);
    const live = this.live[table[at + BOOK_SIDE] >> 1];
    const last = live.pop() as number;
    if (last !== slot) {
      const place = table[at + PLACE];
      live[place] = last;
      table[last * COLUMNS + PLACE] = place;
    }
    this.orders -= 1;
    table[at + FREE_NEXT] = this.#free;
    this.#free = slot;
  }

  /** Price and quantity change, the place in the queue is lost. */
  move(slot: number, price: number, quantity: number): void {
    this.#dequeue(slot);
    this.#table[slot * COLUMNS + QUANTITY] = quantity;
    this.#enqueue(slot, price);
  }

  /** Gives an order another id. */
  rename(slot: number, idHigh: number, idLow: number): void {
    this.#table[slot * COLUMNS + ID_HIGH] = idHigh;
    this.#table[slot * COLUMNS + ID_LOW] = idLow;
  }

  /** The quantity changes, everything else stays. */
  resize(slot: number, quantity: number): void {
    this.#table[slot * COLUMNS + QUANTITY] = quantity;
  }

  idHigh(slot: number): number {
    return this.#table[slot * COLUMNS + ID_HIGH];
  }

  idLow(slot: number): number {
    return this.#table[slot * COLUMNS + ID_LOW];
  }

  price(slot: number): number {
    return this.#table[slot * COLUMNS + PRICE];
  }

  quantity(slot: number): number {
    return this.#table[slot * COLUMNS + QUANTITY];
  }

  bookSide(slot: number): number {
    return this.#table[slot * COLUMNS + BOOK_SIDE];
  }

  /** The order behind this one in its queue, 0 = none. */
  behind(slot: number): number {
    return this.#table[slot * COLUMNS + NEXT];
  }

  /** First order of the best level, 0 = the side is empty. */
  head(bookSide: number): number {
    const levels = this.#levels[bookSide];
    return levels.length === 0 ? 0 : levels[levels.length - 1].head;
  }

  /** Best price of a side, 0 = it is empty. */
  best(bookSide: number): number {
    const slot = this.head(bookSide);
    return slot === 0 ? 0 : this.#table[slot * COLUMNS + PRICE];
  }

  /** The orders of a side, best price first, oldest first. */
  *queue(bookSide: number): Generator<RestingOrder> {
    for (const slot of this.slots(bookSide)) {
      yield {
        id: toBigUint(this.idHigh(slot), this.idLow(slot)),
        price: this.price(slot),
        quantity: this.quantity(slot),
      };
    }
  }

  /** The same, by their slots. */
  *slots(bookSide: number): Generator<number> {
    for (const level of this.#levels[bookSide].toReversed()) {
      for (let slot = level.head; slot !== 0; slot = this.behind(slot)) yield slot;
    }
  }

  #enqueue(slot: number, price: number): void {
    const at = slot * COLUMNS;
    const bookSide = this.#table[at + BOOK_SIDE];
    const levels = this.#levels[bookSide];
    const key = (bookSide & 1) !== 0 ? -price : price;
    const index = find(levels, key);
    let level = levels[index];
    if (level === undefined || level.key !== key) {
      level = new Level(key);
      levels.splice(index, 0, level);
    }
    const table = this.#table;
    const { tail } = level;
    table[at + PRICE] = price;
    table[at + NEXT] = 0;
    table[at + PREVIOUS] = tail;
    if (tail === 0) level.head = slot;
    else table[tail * COLUMNS + NEXT] = slot;
    level.tail = slot;
  }

  #dequeue(slot: number): void {
    const table = this.#table;
    const at = slot * COLUMNS;
    const bookSide = table[at + BOOK_SIDE];
    const next = table[at + NEXT];
    const previous = table[at + PREVIOUS];
    if (next !== 0) table[next * COLUMNS + PREVIOUS] = previous;
    if (previous !== 0) table[previous * COLUMNS + NEXT] = next;
    if (next !== 0 && previous !== 0) return;
    const levels = this.#levels[bookSide];
    const price = table[at + PRICE];
    const index = find(levels, (bookSide & 1) !== 0 ? -price : price);
    if (next === 0 && previous === 0) levels.splice(index, 1);
    else if (previous === 0) levels[index].head = next;
    else levels[index].tail = previous;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== 0) {
      this.#free = this.#table[slot * COLUMNS + FREE_NEXT];
      return slot;
    }
    if ((this.#used + 1) * COLUMNS > this.#table.length) {
      const grown = new Int32Array(this.#table.length * 2);
      grown.set(this.#table);
      this.#table = grown;
    }
    const fresh = this.#used;
    this.#used += 1;
    return fresh;
  }
}

/** Where the level of a key is, or has to be. */
function find(levels: readonly Level[], key: number): number {
  let from = 0;
  let to = levels.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (levels[middle].key < key) from = middle + 1;
    else to = middle;
  }
  return from;
}
