import { bigHigh, bigLow } from '../binary/time.ts';
import {
  ACTION_ADD,
  ACTION_DELETE,
  ACTION_DIRECTORY,
  ACTION_EXECUTE,
  ACTION_MODIFY,
  Action,
  type ActionSource,
  type Instrument,
} from './action.ts';
import { PriceTimeBooks } from './price-time-books.ts';

/** One order of the public fixture. */
export interface FixtureOrder {
  /** Its place in the list of all orders, from 0. */
  readonly order: number;
  /** From 1. */
  readonly instrument: number;
  readonly ask: boolean;
  readonly price: number;
  readonly quantity: number;
}

/** One event; its quantity is the order's first one (add, delete), the new one (set), or what is executed. */
export interface FixtureEvent extends FixtureOrder {
  readonly kind: 'add' | 'set' | 'execute' | 'delete';
}

const SEED = 0x9e3779b97f4a7c15n;

/**
 * The public event fixture: all orders are added, then every 4th from 0 is set to its quantity + 17, every 5th from 1
 * executed for a quarter, every 7th from 2 deleted. Quantities are always those of the add.
 */
export function* fixtureEvents(instruments: number, ordersEach: number): Generator<FixtureEvent> {
  const total = instruments * ordersEach;
  for (let order = 0; order < total; order += 1) yield fixtureEvent('add', order, instruments);
  for (let order = 0; order < total; order += 4) yield fixtureEvent('set', order, instruments);
  for (let order = 1; order < total; order += 5) yield fixtureEvent('execute', order, instruments);
  for (let order = 2; order < total; order += 7) yield fixtureEvent('delete', order, instruments);
}

function fixtureEvent(kind: FixtureEvent['kind'], order: number, instruments: number): FixtureEvent {
  const added = fixtureOrder(order, instruments);
  if (kind === 'set') return { kind, ...added, quantity: added.quantity + 17 };
  if (kind === 'execute') return { kind, ...added, quantity: Math.max(1, Math.floor(added.quantity / 4)) };
  return { kind, ...added };
}

/** The order at a place of the list, as it is added. */
export function fixtureOrder(order: number, instruments: number): FixtureOrder {
  const instrument = (order % instruments) + 1;
  const local = Math.floor(order / instruments);
  const ask = (order + local) % 2 !== 0;
  const distance = Math.abs((local % 101) - 50);
  const mid = 1_000_000 + 100 * instrument;
  const quantity = 100 + Number((BigInt(17 * order) ^ SEED) % 900n);
  return { order, instrument, ask, price: ask ? mid + distance : mid - distance, quantity };
}

/** The order id of an event: the instrument in the upper 24 bits, the order's number within it, from 1, below. */
export function fixtureOrderId(event: FixtureEvent, instruments: number): bigint {
  return (BigInt(event.instrument) << 40n) + BigInt(Math.floor(event.order / instruments) + 1);
}

const OPEN_NS = 34_200_000_000_000;
const STEP_NS = 1000;

/**
 * The fixture as actions. A quantity that grows where it stands is more than most feeds can say: the order is
 * modified, which puts it last, and then the orders that stood behind it leave and enter again.
 */
export class Fixture implements ActionSource {
  readonly publisher = 0;
  readonly priceScale = 9;
  readonly instruments: readonly Instrument[];
  readonly books: PriceTimeBooks;
  readonly #ordersEach: number;
  readonly #slots: Int32Array;
  readonly #action: Action = new Action();
  readonly #actions: Generator<null>;
  #ended = false;

  constructor(instruments: number, ordersEach: number) {
    this.instruments = Array.from({ length: instruments }, (_, index) => ({
      number: index + 1,
      symbol: `FIX${index + 1}`,
    }));
    this.#ordersEach = ordersEach;
    this.#slots = new Int32Array(instruments * ordersEach);
    this.books = new PriceTimeBooks(instruments);
    this.#actions = this.#play();
  }

  next(action: Action): boolean {
    if (this.#ended || this.#actions.next().done === true) return false;
    Object.assign(action, this.#action);
    return true;
  }

  end(): void {
    this.#ended = true;
  }

  *#play(): Generator<null> {
    const action = this.#action;
    action.time = OPEN_NS;
    for (const { number } of this.instruments) {
      action.instrument = number - 1;
      yield* this.#tell(ACTION_DIRECTORY);
    }
    for (const event of fixtureEvents(this.instruments.length, this.#ordersEach)) yield* this.#perform(event);
  }

  *#perform(event: FixtureEvent): Generator<null> {
    const { books } = this;
    const action = this.#action;
    action.instrument = event.instrument - 1;
    action.ask = event.ask ? 1 : 0;
    action.price = event.price;
    if (event.kind === 'add') {
      const id = fixtureOrderId(event, this.instruments.length);
      action.idHigh = bigHigh(id);
      action.idLow = bigLow(id);
      action.quantity = event.quantity;
      const bookSide = action.instrument * 2 + action.ask;
      this.#slots[event.order] = books.add(
        bookSide,
        event.price,
        event.quantity,
        action.idHigh,
        action.idLow,
      );
      yield* this.#tell(ACTION_ADD);
      return;
    }
    const slot = this.#slots[event.order];
    this.#name(slot);
    action.quantity = event.quantity;
    if (event.kind === 'set') {
      books.resize(slot, event.quantity);
      yield* this.#tell(ACTION_MODIFY);
      for (let behind = books.behind(slot); behind !== 0; behind = books.behind(behind)) {
        this.#name(behind);
        yield* this.#tell(ACTION_DELETE);
        yield* this.#tell(ACTION_ADD);
      }
    } else if (event.kind === 'execute') {
      action.left = books.quantity(slot) - event.quantity;
      books.resize(slot, action.left);
      yield* this.#tell(ACTION_EXECUTE);
    } else {
      action.quantity = books.quantity(slot);
      books.remove(slot);
      yield* this.#tell(ACTION_DELETE);
    }
  }

  *#tell(kind: number): Generator<null> {
    this.#action.kind = kind;
    this.#action.time += STEP_NS;
    yield null;
  }

  #name(slot: number): void {
    const action = this.#action;
    action.idHigh = this.books.idHigh(slot);
    action.idLow = this.books.idLow(slot);
    action.quantity = this.books.quantity(slot);
  }
}
