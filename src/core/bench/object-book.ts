import { Fnv64 } from '../binary/fnv64.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import type { EventBatch } from '../event/batch.ts';
import {
  EXT_WORD_RELATED_ID,
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_LAST,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_QUANTITY,
} from '../event/record.ts';
import type { Checksum } from './workload.ts';

const TWO_32 = 4294967296;
const HEAD_ASK: number = FLAG_ASK << 8;
const HEAD_QUANTITY_ONLY: number = FLAG_QUANTITY_ONLY << 8;
const HEAD_LAST: number = FLAG_LAST << 8;
const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

interface Order {
  readonly id: bigint;
  quantity: number;
  level: Level;
  next: Order | null;
  previous: Order | null;
}

/** One price: its orders as a list, oldest first. */
interface Level {
  readonly price: number;
  readonly side: Side;
  quantity: number;
  count: number;
  head: Order | null;
  tail: Order | null;
}

interface Side {
  readonly ask: boolean;
  readonly book: Book;
  readonly byPrice: Map<number, Level>;
  /** Best level last, so that the touch is changed without moving the others. */
  readonly sorted: Level[];
}

interface Book {
  readonly bid: Side;
  readonly ask: Side;
}

/**
 * The book that one would write first: a Map from id to order object, orders linked within their level, levels in a
 * Map by price and in a sorted array. What `Market` is compared with, in speed and, on the same events, in content.
 *
 * Knows the events of `EventSource` only, and like most such books trusts them: an id is not live twice, quantities
 * are positive. Events of unknown orders are passed over.
 */
export class ObjectBook {
  /** Groups after which the book of their event was crossed. */
  crossed = 0;
  readonly #orders: Map<bigint, Order> = new Map();
  readonly #books: Book[] = [];

  /** Applies the records `from` … `to − 1` of a batch. */
  apply(batch: EventBatch, from: number = 0, to: number = batch.count): void {
    const { words } = batch;
    // Each id as one load.
    const ids = new BigUint64Array(words.buffer);
    for (let record = from; record < to; ) {
      const at = record * RECORD_WORDS;
      const head = words[at]!;
      const id = ids[(at + WORD_ID) >> 1]!;
      const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
      const price = words[at + WORD_PRICE + 1]! * TWO_32 + (words[at + WORD_PRICE]! >>> 0);
      const book = this.#book(words[at + WORD_BOOK]!);
      switch (head & 255) {
        case KIND_ADD:
          this.#add(id, (head & HEAD_ASK) !== 0 ? book.ask : book.bid, price, quantity);
          break;
        case KIND_DELETE: {
          const order = this.#orders.get(id);
          if (order !== undefined) this.#remove(order);
          break;
        }
        case KIND_EXECUTE:
        case KIND_REDUCE: {
          const order = this.#orders.get(id);
          if (order !== undefined) this.#reduce(order, quantity);
          break;
        }
        case KIND_MODIFY: {
          const order = this.#orders.get(id);
          if (order === undefined) break;
          if ((head & HEAD_QUANTITY_ONLY) !== 0) this.#resize(order, quantity);
          else this.#modify(order, price, quantity);
          break;
        }
        case KIND_REPLACE: {
          const order = this.#orders.get(ids[(at + RECORD_WORDS + EXT_WORD_RELATED_ID) >> 1]!);
          if (order === undefined) break;
          this.#remove(order);
          this.#add(id, order.level.side, price, quantity);
          break;
        }
        default:
          break;
      }
      if ((head & HEAD_LAST) !== 0 && isCrossed(book)) this.crossed += 1;
      record += (head & HEAD_EXTENDED) !== 0 ? 2 : 1;
    }
  }

  /** What the books hold: the canonical state hash, version 1, where the instrument of book n is n. */
  checksum(): Checksum {
    const fnv = new Fnv64();
    const books = [...this.#books.entries()].filter(
      ([, book]) => book.bid.sorted.length + book.ask.sorted.length > 0,
    );
    let levels = 0;
    fnv.u32(1);
    fnv.integer(books.length);
    for (const [instrument, { bid, ask }] of books) {
      fnv.u32(instrument);
      fnv.integer(ordersOn(bid) + ordersOn(ask));
      for (const side of [bid, ask]) {
        levels += side.sorted.length;
        for (const level of side.sorted.toReversed()) {
          for (let order = level.head; order !== null; order = order.next) {
            fnv.u64(bigHigh(order.id), bigLow(order.id));
            fnv.integer(level.price);
            fnv.integer(order.quantity);
            fnv.byte(side.ask ? 2 : 1);
          }
        }
      }
    }
    return { orders: this.#orders.size, levels, crossed: this.crossed, hash: fnv.value };
  }

  #book(number: number): Book {
    for (let next = this.#books.length; next <= number; next += 1) {
      const book = {} as { bid: Side; ask: Side };
      book.bid = { ask: false, book, byPrice: new Map(), sorted: [] };
      book.ask = { ask: true, book, byPrice: new Map(), sorted: [] };
      this.#books.push(book);
    }
    return this.#books[number]!;
  }

  #add(id: bigint, side: Side, price: number, quantity: number): void {
    const level = levelOf(side, price);
    const order: Order = { id, quantity, level, next: null, previous: null };
    this.#orders.set(id, order);
    append(order, level);
  }

  #remove(order: Order): void {
    this.#orders.delete(order.id);
    take(order);
  }

  #reduce(order: Order, quantity: number): void {
    if (quantity >= order.quantity) {
      this.#remove(order);
      return;
    }
    order.quantity -= quantity;
    order.level.quantity -= quantity;
  }

  /** A changed order goes to the back of its queue. */
  #resize(order: Order, quantity: number): void {
    order.level.quantity += quantity - order.quantity;
    order.quantity = quantity;
  }

  #modify(order: Order, price: number, quantity: number): void {
    const { side } = order.level;
    take(order);
    order.quantity = quantity;
    order.level = levelOf(side, price);
    append(order, order.level);
  }
}

function isCrossed({ bid, ask }: Book): boolean {
  const bestBid = bid.sorted[bid.sorted.length - 1];
  const bestAsk = ask.sorted[ask.sorted.length - 1];
  return bestBid !== undefined && bestAsk !== undefined && bestBid.price > bestAsk.price;
}

function ordersOn(side: Side): number {
  return side.sorted.reduce((sum, level) => sum + level.count, 0);
}

function levelOf(side: Side, price: number): Level {
  const known = side.byPrice.get(price);
  if (known !== undefined) return known;
  const level: Level = { price, side, quantity: 0, count: 0, head: null, tail: null };
  side.byPrice.set(price, level);
  side.sorted.splice(placeOf(side, price), 0, level);
  return level;
}

/** Where a price stands, or would stand, in the levels of its side. */
function placeOf({ sorted, ask }: Side, price: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const worse = ask ? sorted[middle]!.price > price : sorted[middle]!.price < price;
    if (worse) low = middle + 1;
    else high = middle;
  }
  return low;
}

function append(order: Order, level: Level): void {
  order.previous = level.tail;
  order.next = null;
  if (level.tail === null) level.head = order;
  else level.tail.next = order;
  level.tail = order;
  level.count += 1;
  level.quantity += order.quantity;
}

/** Takes an order out of its level, and the level out of its side when it was the last. */
function take(order: Order): void {
  const { level, next, previous } = order;
  if (previous === null) level.head = next;
  else previous.next = next;
  if (next === null) level.tail = previous;
  else next.previous = previous;
  level.count -= 1;
  level.quantity -= order.quantity;
  if (level.count > 0) return;
  const { side } = level;
  side.byPrice.delete(level.price);
  side.sorted.splice(placeOf(side, level.price), 1);
}
