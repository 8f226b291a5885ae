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

/** The state of the exchange's own books as whoever follows its messages must arrive at it. */
export function trueState(simulation: Simulation): TrueState {
  const { instruments, books } = simulation.source;
  const { publisher } = simulation;
  const filled = [...instruments.keys()]
    .filter((index) => books.live[index].length > 0)
    .sort((left, right) => instruments[left].number - instruments[right].number);
  const version = publisher === 0 || filled.length === 0 ? 1 : 2;
  const factor = 10 ** (simulation.priceScale - simulation.source.priceScale);
  const fnv = new Fnv64();
  let levels = 0;
  fnv.u32(version);
  fnv.integer(filled.length);
  for (const index of filled) {
    const { number } = instruments[index];
    if (version === 1) fnv.u32(number);
    else {
      fnv.u16(publisher);
      fnv.integer(number);
      fnv.byte(KIND_ORDERS);
    }
    fnv.integer(books.live[index].length);
    for (const [ask, side] of SIDES.entries()) {
      let priceBefore = Number.NaN;
      for (const { id, price, quantity } of books.queue(index * 2 + ask)) {
        if (price !== priceBefore) levels += 1;
        priceBefore = price;
        fnv.u64(bigHigh(id), bigLow(id));
        fnv.integer(price * factor);
        fnv.integer(quantity);
        fnv.byte(side);
      }
    }
  }
  return {
    instruments: filled.length,
    orders: books.orders,
    levels,
    stateHash: formatHash(fnv.value),
    stateHashVersion: version,
  };
}
