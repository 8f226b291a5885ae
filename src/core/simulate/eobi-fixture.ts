import {
  ACTION_ADD,
  ACTION_DELETE,
  ACTION_EXECUTE,
  ACTION_RESIZE,
  type Action,
  type ActionSource,
  type Instrument,
} from './action.ts';
import { type FixtureOrder, fixtureOrder } from './fixture.ts';
import { PriceTimeBooks } from './price-time-books.ts';

/** Messages of a packet of the fixture. */
export const FIXTURE_PACKET_MESSAGES = 4;
/** Time priority of the first order; the others follow one by one. */
const FIRST_PRIORITY = 10_000_000;
/** What a modified order gets more than it was added with. */
const MODIFIED_BY = 11;
const OPEN_NS = 34_200_000_000_000;
const STEP_NS = 1000;
const PRICE_SCALE = 8;

/**
 * The public EOBI fixture: four messages a packet. All orders are added; half as many messages again modify, execute
 * and delete the first half of them in turns; then all begins anew, so that orders are added that are there already.
 */
export class EobiFixture implements ActionSource {
  readonly publisher = 0;
  readonly priceScale: number = PRICE_SCALE;
  readonly instruments: readonly Instrument[];
  readonly books: PriceTimeBooks;
  readonly #orders: number;
  readonly #messages: number;
  /** Per order: where it is in the books, 0 = nowhere. */
  readonly #slots: Int32Array;
  #next = 0;
  #ended = false;

  constructor(instruments: number, ordersEach: number, packets: number) {
    this.instruments = Array.from({ length: instruments }, (_, index) => ({
      number: index + 1,
      symbol: `FIX${index + 1}`,
    }));
    this.#orders = instruments * ordersEach;
    this.#messages = packets * FIXTURE_PACKET_MESSAGES;
    this.#slots = new Int32Array(this.#orders);
    this.books = new PriceTimeBooks(instruments);
  }

  next(action: Action): boolean {
    if (this.#ended || this.#next === this.#messages) return false;
    const place = this.#next % (this.#orders * 1.5);
    const order = fixtureOrder(place % this.#orders, this.instruments.length);
    this.#next += 1;
    action.time = OPEN_NS + this.#next * STEP_NS;
    action.instrument = order.instrument - 1;
    action.ask = order.ask ? 1 : 0;
    action.price = order.price;
    action.idHigh = 0;
    action.idLow = FIRST_PRIORITY + order.order;
    action.executionPrice = 0;
    action.match = this.#next;
    if (place < this.#orders) this.#add(action, order);
    else this.#change(action, order, place % 3);
    return true;
  }

  end(): void {
    this.#ended = true;
  }

  #add(action: Action, order: FixtureOrder): void {
    const { books } = this;
    const slot = this.#slots[order.order];
    if (slot !== 0) books.remove(slot);
    action.kind = ACTION_ADD;
    action.quantity = order.quantity;
    const bookSide = action.instrument * 2 + action.ask;
    this.#slots[order.order] = books.add(bookSide, order.price, order.quantity, 0, action.idLow);
  }

  #change(action: Action, order: FixtureOrder, turn: number): void {
    const { books } = this;
    const slot = this.#slots[order.order];
    action.oldQuantity = books.quantity(slot);
    if (turn === 0) {
      action.kind = ACTION_RESIZE;
      action.quantity = order.quantity + MODIFIED_BY;
      books.resize(slot, action.quantity);
    } else if (turn === 1) {
      action.kind = ACTION_EXECUTE;
      action.quantity = Math.floor(order.quantity / 4);
      action.left = action.oldQuantity - action.quantity;
      books.resize(slot, action.left);
    } else {
      action.kind = ACTION_DELETE;
      action.quantity = action.oldQuantity;
      books.remove(slot);
      this.#slots[order.order] = 0;
    }
  }
}
