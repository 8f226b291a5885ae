import { Fnv64, formatHash } from '../binary/fnv64.ts';
import { bigHigh, bigLow } from '../binary/time.ts';
import type { Simulation } from './simulation.ts';

/** What all books of the exchange amount to, named as in the `book` part of a replay's report. */
export interface TrueState {
  /** Books with at least one order. */
  readonly instruments: number;
  readonly orders: number;
  readonly levels: number;
  readonly stateHash: string;
  readonly stateHashVersion: 1 | 2;
}

const SIDES = [1, 2] as const;
const KIND_ORDERS = 0;
const NO_PRICE: bigint = -(1n << 63n);

/** The state of the exchange's own books as whoever follows its messages must arrive at it. */
export function trueState({ source, books }: Simulation): TrueState {
  const { publisher } = books;
  const filled = [...source.instruments.keys()]
    .filter((index) => books.orders(index) > 0)
    .map((index) => ({ index, instrument: books.instrument(index) }))
    .sort((left, right) => (left.instrument < right.instrument ? -1 : 1));
  const isPlain = publisher === 0 && filled.every(({ instrument }) => instrument <= 0xffffffffn);
  const version = isPlain || filled.length === 0 ? 1 : 2;
  const fnv = new Fnv64();
  const put = (value: bigint): void => fnv.u64(bigHigh(value), bigLow(value));
  let levels = 0;
  let orders = 0;
  fnv.u32(version);
  fnv.integer(filled.length);
  for (const { index, instrument } of filled) {
    if (version === 1) fnv.u32(bigLow(instrument));
    else {
      fnv.u16(publisher);
      put(instrument);
      fnv.byte(KIND_ORDERS);
    }
    orders += books.orders(index);
    fnv.integer(books.orders(index));
    for (const [ask, side] of SIDES.entries()) {
      let priceBefore: bigint | null | undefined;
      for (const { id, price, quantity } of books.queue(index * 2 + ask)) {
        if (price !== priceBefore) levels += 1;
        priceBefore = price;
        put(id);
        put(price ?? NO_PRICE);
        put(quantity);
        fnv.byte(side);
      }
    }
  }
  return {
    instruments: filled.length,
    orders,
    levels,
    stateHash: formatHash(fnv.value),
    stateHashVersion: version,
  };
}
