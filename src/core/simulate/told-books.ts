import type { ActionSource } from './action.ts';

/** An order as a feed tells it: integers of the wire. */
export interface ToldOrder {
  /** The id that a reader of the feed gives it. */
  readonly id: bigint;
  /** What the feed itself names it by, where that is not the id. */
  readonly key?: bigint;
  /** Null for a market order. */
  readonly price: bigint | null;
  readonly quantity: bigint;
}

/** The exchange's books in the terms of a feed: the truth for whoever reads the feed. */
export interface ToldBooks {
  /** 0 where the wire has none. */
  readonly publisher: number;
  /** Decimal digits on the wire. */
  readonly priceScale: number;
  readonly quantityScale: number;
  /** The venue's number of an instrument, by its index. */
  instrument(index: number): bigint;
  /** Orders of both sides of an instrument's book. */
  orders(index: number): number;
  /** The orders of a side, `index × 2 + ask`: market orders, then best price first; oldest first. */
  queue(bookSide: number): Iterable<ToldOrder>;
}

/**
 * Books of a feed that has the exchange's own ids and numbers, and whole units. Its prices are those of the exchange times
 * `factor`: what the scales say, unless given.
 */
export class PlainBooks implements ToldBooks {
  readonly publisher: number;
  readonly priceScale: number;
  readonly quantityScale = 0;
  readonly #source: ActionSource;
  readonly #factor: bigint;

  constructor(source: ActionSource, priceScale: number, publisher: number, factor?: bigint) {
    this.#source = source;
    this.#factor = factor ?? 10n ** BigInt(priceScale - source.priceScale);
    this.priceScale = priceScale;
    this.publisher = publisher;
  }

  instrument(index: number): bigint {
    return BigInt(this.#source.instruments[index].number);
  }

  orders(index: number): number {
    return this.#source.books.live[index].length;
  }

  *queue(bookSide: number): Generator<ToldOrder> {
    for (const { id, price, quantity } of this.#source.books.queue(bookSide)) {
      yield { id, price: BigInt(price) * this.#factor, quantity: BigInt(quantity) };
    }
  }
}
