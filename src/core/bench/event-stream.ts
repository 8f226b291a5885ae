import { Random } from '../binary/random.ts';
import { EventBatch } from '../event/batch.ts';
import {
  FLAG_ASK,
  FLAG_LAST,
  KIND_ADD,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_MODIFY,
  KIND_REDUCE,
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

export interface EventStreamOptions {
  readonly instruments: number;
  /** Live orders, reached before the measured part begins. */
  readonly live: number;
  readonly events: number;
  readonly seed: number;
  readonly shape: Shape;
}

/** Event records ready to be applied: a part that fills the books, and a part that is measured. */
export interface EventStream {
  readonly fill: readonly EventBatch[];
  readonly steady: readonly EventBatch[];
}

const RECORDS_PER_BATCH = 1024;
const TICK = 100;

/**
 * Makes a synthetic stream with random order ids: 45 % add, 40 % delete, 10 % modify, 5 % execute, each event a
 * group of its own; at the target of live orders, adds and deletes take turns so that the number stays.
 */
export function makeEventStream(options: EventStreamOptions): EventStream {
  const maker = new StreamMaker(options);
  const fill = maker.run(options.live, true);
  const steady = maker.run(options.events, false);
  return { fill, steady };
}

/** Live orders as parallel arrays: id halves, book, side, price, quantity. */
class StreamMaker {
  readonly #options: EventStreamOptions;
  readonly #random: Random;
  readonly #idLow: Int32Array;
  readonly #idHigh: Int32Array;
  readonly #bookSide: Int32Array;
  readonly #price: Int32Array;
  readonly #quantity: Int32Array;
  #live = 0;
  #turn = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const room = options.live + options.live / 2 + 1024;
    this.#idLow = new Int32Array(room);
    this.#idHigh = new Int32Array(room);
    this.#bookSide = new Int32Array(room);
    this.#price = new Int32Array(room);
    this.#quantity = new Int32Array(room);
  }

  run(events: number, filling: boolean): EventBatch[] {
    const batches: EventBatch[] = [];
    let batch = new EventBatch(RECORDS_PER_BATCH);
    for (let count = 0; count < events; count += 1) {
      if (batch.count === RECORDS_PER_BATCH) {
        batches.push(batch);
        batch = new EventBatch(RECORDS_PER_BATCH);
      }
      if (filling) this.#add(batch);
      else if (this.#options.shape === 'churn') this.#churn(batch);
      else this.#step(batch);
    }
    batches.push(batch);
    return batches;
  }

  #step(batch: EventBatch): void {
    const draw = this.#random.below(100);
    const target = this.#options.live;
    if (draw < 85) {
      // Equal chances of add and delete around the target keep it there.
      const adds = this.#live < target ? draw < 50 : draw < 38;
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
      this.#write(batch, KIND_DELETE, order, 0);
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
    this.#write(batch, KIND_DELETE, order, 0);
    this.#drop(order);
  }

  #modify(batch: EventBatch, order: number): void {
    const random = this.#random;
    this.#price[order] = this.#priceOf(this.#bookSide[order]! >> 1, this.#bookSide[order]! & 1);
    this.#quantity[order] = 100 * (1 + random.below(10));
    this.#write(batch, KIND_MODIFY, order, this.#quantity[order]!);
  }

  #execute(batch: EventBatch, order: number): void {
    const quantity = this.#quantity[order]!;
    const executed = quantity > 100 && this.#random.below(2) === 0 ? 100 : quantity;
    this.#write(batch, executed === quantity ? KIND_EXECUTE : KIND_REDUCE, order, executed);
    if (executed === quantity) this.#drop(order);
    else this.#quantity[order] = quantity - executed;
  }

  #drop(order: number): void {
    const last = this.#live - 1;
    for (const field of [this.#idLow, this.#idHigh, this.#bookSide, this.#price, this.#quantity]) {
      field[order] = field[last]!;
    }
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
