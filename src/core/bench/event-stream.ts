import { Random } from '../binary/random.ts';
import { EventBatch } from '../event/batch.ts';
import {
  EXT_WORD_RELATED_ID,
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_QUANTITY_ONLY,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  RECORD_WORDS,
} from '../event/record.ts';

/** Where new orders are put. */
export type Shape =
  /** Around a mid price, most near the touch. */
  | 'touch'
  /** Only the best level of each side, emptied and made again all the time. */
  | 'churn'
  /** Two price clusters a million ticks apart, taking turns. */
  | 'clusters';

/**
 * How orders change: price and quantity, and the id stays; price and quantity under a new id; the quantity alone, which
 * then also tells executions.
 */
export const CHANGES = ['modify', 'replace', 'quantity'] as const;
export type Changes = (typeof CHANGES)[number];

export interface EventSourceOptions {
  readonly instruments: number;
  /** Live orders, reached before the measured part begins. */
  readonly live: number;
  readonly seed: number;
  readonly shape: Shape;
  /** How orders change; usually `modify`. */
  readonly changes?: Changes;
}

export interface EventStreamOptions extends EventSourceOptions {
  readonly events: number;
}

/** Event records ready to be applied: a part that fills the books, and a part that is measured. */
export interface EventStream {
  readonly fill: readonly EventBatch[];
  readonly steady: readonly EventBatch[];
}

const RECORDS_PER_BATCH = 1024;
const TICK = 100;

/** A whole stream in memory. */
export function makeEventStream(options: EventStreamOptions): EventStream {
  const source = new EventSource(options);
  const run = (events: number, write: (batch: EventBatch, events: number) => number): EventBatch[] => {
    const batches: EventBatch[] = [];
    for (let left = events; left > 0; ) {
      const batch = new EventBatch(RECORDS_PER_BATCH);
      left -= write(batch, left);
      batches.push(batch);
    }
    return batches;
  };
  const fill = run(options.live, (batch, events) => source.fill(batch, events));
  const steady = run(options.events, (batch, events) => source.steady(batch, events));
  return { fill, steady };
}

/**
 * Makes a synthetic stream with random order ids: 45 % add, 40 % delete, 10 % modify, 5 % execute, each event a
 * group of its own; at the target of live orders, adds and deletes take turns so that the number stays. The same
 * seed gives the same stream, however it is cut into batches. Writing allocates nothing.
 *
 * The live orders are parallel arrays: id halves, book side, price, quantity.
 */
export class EventSource {
  readonly #options: EventSourceOptions;
  readonly #random: Random;
  readonly #idLow: Int32Array;
  readonly #idHigh: Int32Array;
  readonly #bookSide: Int32Array;
  readonly #price: Int32Array;
  readonly #quantity: Int32Array;
  #live = 0;
  #turn = 0;

  constructor(options: EventSourceOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const room = options.live + options.live / 2 + 1024;
    this.#idLow = new Int32Array(room);
    this.#idHigh = new Int32Array(room);
    this.#bookSide = new Int32Array(room);
    this.#price = new Int32Array(room);
    this.#quantity = new Int32Array(room);
  }

  /** Appends at most `events` adds, as many as there is room for. @returns how many. */
  fill(batch: EventBatch, events: number): number {
    let made = 0;
    for (; made < events && batch.count < batch.capacity; made += 1) this.#add(batch);
    return made;
  }

  /** Appends at most `events` events of the mix, as many as there is room for. @returns how many. */
  steady(batch: EventBatch, events: number): number {
    const room = batch.capacity - 1;
    const churns = this.#options.shape === 'churn';
    let made = 0;
    // An event may need two records.
    for (; made < events && batch.count < room; made += 1) {
      if (churns) this.#churn(batch);
      else this.#step(batch);
    }
    return made;
  }

  #step(batch: EventBatch): void {
    const draw = this.#random.below(100);
    const target = this.#options.live;
    if (draw < 85 || this.#live === 0) {
      // Equal chances of add and delete around the target keep it there.
      const adds = this.#live === 0 || (this.#live < target ? draw < 50 : draw < 38);
      if (adds) this.#add(batch);
      else this.#delete(batch, this.#random.below(this.#live));
    } else if (draw < 95) this.#modify(batch, this.#random.below(this.#live));
    else this.#execute(batch, this.#random.below(this.#live));
  }

  #add(batch: EventBatch): void {
    const random = this.#random;
    const order = this.#live;
    this.#idLow[order] = random.word();
    this.#idHigh[order] = random.word() & 0x7fffffff;
    const book = random.below(this.#options.instruments);
    const ask = random.below(2);
    this.#bookSide[order] = book * 2 + ask;
    this.#price[order] = this.#priceOf(book, ask);
    this.#quantity[order] = 100 * (1 + random.below(10));
    this.#live += 1;
    this.#write(batch, KIND_ADD, order, this.#quantity[order]!);
  }

  #priceOf(book: number, ask: number): number {
    const random = this.#random;
    const mid = 1_000_000 + book * 10_000;
    // The product of two uniform numbers crowds the touch and leaves a long tail.
    let distance = 1 + Math.floor(random.unit() * random.unit() * 60);
    if (this.#options.shape === 'clusters') {
      this.#turn ^= 1;
      if (this.#turn === 1) distance += 1_000_000;
    }
    return ask === 1 ? mid + distance * TICK : mid - distance * TICK;
  }

  /** One order alone at a new touch of a random book-side; the next event takes it away. */
  #churn(batch: EventBatch): void {
    const order = this.#live;
    if (this.#turn === 1) {
      this.#turn = 0;
      this.#write(batch, KIND_DELETE, order, this.#quantity[order]!);
      return;
    }
    this.#turn = 1;
    const random = this.#random;
    this.#idLow[order] = random.word();
    this.#idHigh[order] = random.word() & 0x7fffffff;
    const book = random.below(this.#options.instruments);
    const ask = random.below(2);
    this.#bookSide[order] = book * 2 + ask;
    this.#price[order] = 1_000_000 + book * 10_000;
    this.#quantity[order] = 100;
    this.#write(batch, KIND_ADD, order, 100);
  }

  #delete(batch: EventBatch, order: number): void {
    this.#write(batch, KIND_DELETE, order, this.#quantity[order]!);
    this.#drop(order);
  }

  #modify(batch: EventBatch, order: number): void {
    const random = this.#random;
    const { changes } = this.#options;
    if (changes !== 'quantity')
      this.#price[order] = this.#priceOf(this.#bookSide[order]! >> 1, this.#bookSide[order]! & 1);
    this.#quantity[order] = 100 * (1 + random.below(10));
    if (changes === 'quantity') {
      this.#resize(batch, order);
      return;
    }
    if (changes !== 'replace') {
      this.#write(batch, KIND_MODIFY, order, this.#quantity[order]!);
      return;
    }
    const at = batch.count * RECORD_WORDS;
    const oldLow = this.#idLow[order]!;
    const oldHigh = this.#idHigh[order]!;
    this.#idLow[order] = random.word();
    this.#idHigh[order] = random.word() & 0x7fffffff;
    this.#write(batch, KIND_REPLACE, order, this.#quantity[order]!);
    const words = batch.words;
    words[at]! |= FLAG_EXTENDED << 8;
    const extension = at + RECORD_WORDS;
    words.fill(0, extension, extension + RECORD_WORDS);
    words[extension] = KIND_EXTENSION;
    words[extension + EXT_WORD_RELATED_ID] = oldLow;
    words[extension + EXT_WORD_RELATED_ID + 1] = oldHigh;
    batch.count += 1;
  }

  /** Tells the quantity of an order. */
  #resize(batch: EventBatch, order: number): void {
    const at = batch.count * RECORD_WORDS;
    this.#write(batch, KIND_MODIFY, order, this.#quantity[order]!);
    batch.words[at]! |= (FLAG_QUANTITY_ONLY | FLAG_KEEP_PRIORITY) << 8;
  }

  #execute(batch: EventBatch, order: number): void {
    const quantity = this.#quantity[order]!;
    const executed = quantity > 100 && this.#random.below(2) === 0 ? 100 : quantity;
    if (this.#options.changes === 'quantity') {
      this.#quantity[order] = quantity - executed;
      if (executed === quantity) this.#delete(batch, order);
      else this.#resize(batch, order);
      return;
    }
    this.#write(batch, executed === quantity ? KIND_EXECUTE : KIND_REDUCE, order, executed);
    if (executed === quantity) this.#drop(order);
    else this.#quantity[order] = quantity - executed;
  }

  #drop(order: number): void {
    const last = this.#live - 1;
    this.#idLow[order] = this.#idLow[last]!;
    this.#idHigh[order] = this.#idHigh[last]!;
    this.#bookSide[order] = this.#bookSide[last]!;
    this.#price[order] = this.#price[last]!;
    this.#quantity[order] = this.#quantity[last]!;
    this.#live = last;
  }

  #write(batch: EventBatch, kind: number, order: number, quantity: number): void {
    const words = batch.words;
    const at = batch.count * RECORD_WORDS;
    const bookSide = this.#bookSide[order]!;
    words[at] = kind | ((FLAG_LAST | ((bookSide & 1) !== 0 ? FLAG_ASK : 0)) << 8);
    words[at + 1] = bookSide >> 1;
    words[at + 2] = this.#idLow[order]!;
    words[at + 3] = this.#idHigh[order]!;
    words[at + 4] = this.#price[order]!;
    words[at + 5] = 0;
    words[at + 6] = quantity;
    words[at + 7] = 0;
    batch.count += 1;
  }
}
