import { mix2 } from '../binary/hash-index.ts';
import { Random } from '../binary/random.ts';
import {
  ACTION_ADD,
  ACTION_BREAK,
  ACTION_CROSS,
  ACTION_DELETE,
  ACTION_DIRECTORY,
  ACTION_EXECUTE,
  ACTION_MODIFY,
  ACTION_REDUCE,
  ACTION_REPLACE,
  ACTION_STATE,
  ACTION_SYSTEM,
  ACTION_TRADE,
  type Action,
  type ActionSource,
  type Instrument,
} from './action.ts';
import { Chances, zipfWeights } from './chances.ts';
import { Clock } from './clock.ts';
import { MIX_NAMES, type Mix, type MixName } from './mix.ts';
import { type OrderIds, RandomIds } from './order-ids.ts';
import { PriceTimeBooks } from './price-time-books.ts';

export interface ExchangeOptions {
  readonly seed: number;
  readonly instruments: number;
  /** Actions between the open and the close. */
  readonly messages: number;
  /** Orders in all books together, once they have filled up. */
  readonly ordersLive: number;
  /** Exponent of the instruments' activity. */
  readonly zipf: number;
  readonly mix: Mix;
  /** Share of the actions that come in bursts. */
  readonly bursts: number;
  /** Actions per second. */
  readonly rate: number;
  /** Can the venue change an order under its id? If not, it gets a new one. */
  readonly keepsIds: boolean;
  /** Random ids of 64 bits unless given. */
  readonly ids?: OrderIds;
}

const NS_PER_SECOND = 1e9;
const OPEN: number = (9 * 3600 + 30 * 60) * NS_PER_SECOND;
const BEFORE_OPEN: number = OPEN - 3 * NS_PER_SECOND;
/** Prices have four digits, orders whole cents. */
const PRICE_SCALE = 4;
const TICK = 100;
const MID_TICKS_MIN = 1000;
const MID_TICKS_SPAN = 20_000;
const BUY_ANYWAY = 90;

const code = (character: string): number => character.charCodeAt(0);

/** One thing outside the trading phase: what, which instrument, when. */
interface Ceremony {
  readonly kind: number;
  readonly instrument: number;
  readonly code: number;
  readonly time: number;
}

/**
 * A day at a made-up exchange: system events and directory, an opening cross in which nothing trades, the trading
 * phase, the close. Books fill up to their share of the wanted orders and stay there; prices follow a random walk,
 * most orders stand near the touch, executions hit the oldest order of the best price, and no book is ever crossed.
 * The seed decides everything.
 */
export class Exchange implements ActionSource {
  readonly publisher = 1;
  readonly priceScale: number = PRICE_SCALE;
  readonly instruments: readonly Instrument[];
  readonly books: PriceTimeBooks;
  readonly #options: ExchangeOptions;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #activity: Chances;
  readonly #mix: Chances;
  /** Per instrument: wanted orders, and the price that new orders stand around. */
  readonly #wanted: Int32Array;
  readonly #mid: Int32Array;
  readonly #midMin: Int32Array;
  readonly #ids: OrderIds;
  #ceremonies: Iterator<Ceremony>;
  #left: number;
  #match = 0;
  #burstInstrument = 0;
  /** A large order that is still hitting: its instrument, the side it hits, what is left of it. */
  #sweepInstrument = 0;
  #sweepAsk = 0;
  #sweepLeft = 0;
  #closed = false;

  constructor(options: ExchangeOptions) {
    const { seed, instruments, ordersLive } = options;
    this.#options = options;
    this.#random = new Random(mix2(seed, code('X')));
    this.#ids = options.ids ?? new RandomIds(seed);
    this.instruments = Array.from({ length: instruments }, (_, index) => ({
      number: index + 1,
      symbol: symbolOf(index),
    }));
    this.books = new PriceTimeBooks(instruments);
    this.#clock = new Clock(
      new Random(mix2(seed, code('T'))),
      OPEN,
      NS_PER_SECOND / options.rate,
      options.bursts,
    );
    const weights = zipfWeights(instruments, options.zipf);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#activity = new Chances(weights);
    this.#mix = new Chances(MIX_NAMES.map((name) => options.mix[name]));
    this.#wanted = Int32Array.from(weights, (weight) =>
      Math.max(2, Math.round((ordersLive * weight) / total)),
    );
    this.#mid = Int32Array.from(weights, () => MID_TICKS_MIN + this.#random.below(MID_TICKS_SPAN));
    this.#midMin = this.#mid.map((mid) => mid >> 1);
    this.#left = options.messages;
    this.#ceremonies = this.#opening();
  }

  next(action: Action): boolean {
    const ceremony = this.#ceremonies.next();
    if (ceremony.done !== true) {
      Object.assign(action, ceremony.value);
      this.#describe(action);
      return true;
    }
    if (this.#left > 0) {
      this.#left -= 1;
      this.#trade(action);
      return true;
    }
    if (this.#closed) return false;
    this.#closed = true;
    this.#ceremonies = this.#closing();
    return this.next(action);
  }

  end(): void {
    this.#left = 0;
  }

  *#opening(): Generator<Ceremony> {
    let time = BEFORE_OPEN;
    yield { kind: ACTION_SYSTEM, instrument: -1, code: code('O'), time };
    for (const kind of [ACTION_DIRECTORY, ACTION_STATE]) {
      for (const { number } of this.instruments) {
        time += 1000;
        yield { kind, instrument: number - 1, code: code('T'), time };
      }
    }
    yield { kind: ACTION_SYSTEM, instrument: -1, code: code('S'), time: time + 1000 };
    yield { kind: ACTION_SYSTEM, instrument: -1, code: code('Q'), time: OPEN };
    for (const { number } of this.instruments) {
      this.#clock.time += 1000;
      yield { kind: ACTION_CROSS, instrument: number - 1, code: code('O'), time: this.#clock.time };
    }
  }

  *#closing(): Generator<Ceremony> {
    const { time } = this.#clock;
    for (const [at, character] of ['M', 'E', 'C'].entries()) {
      yield {
        kind: ACTION_SYSTEM,
        instrument: -1,
        code: code(character),
        time: time + 1_000_000 + at * NS_PER_SECOND * 1.5,
      };
    }
  }

  /** Fills in what a ceremony leaves open. */
  #describe(action: Action): void {
    action.quantity = 0;
    action.price = 0;
    if (action.kind === ACTION_CROSS) {
      this.#match += 1;
      action.match = this.#match;
    }
  }

  #trade(action: Action): void {
    if (this.#sweepLeft > 0 && this.books.head(this.#sweepInstrument * 2 + this.#sweepAsk) !== 0) {
      this.#hit(action);
      return;
    }
    this.#sweepLeft = 0;
    const clock = this.#clock;
    const random = this.#random;
    if (clock.advance()) this.#burstInstrument = this.#activity.draw(random);
    const instrument =
      clock.burst > 0 && random.below(2) === 0 ? this.#burstInstrument : this.#activity.draw(random);
    action.time = clock.time;
    action.instrument = instrument;
    this.#walk(instrument);
    this.#perform(action, this.#choose(instrument));
  }

  /** What happens next in an instrument: drawn from the mix, bent so that its orders stay as many as wanted. */
  #choose(instrument: number): MixName {
    const name = MIX_NAMES[this.#mix.draw(this.#random)];
    const orders = this.books.live[instrument].length;
    const wanted = this.#wanted[instrument];
    if (orders === 0) return 'add';
    if (name === 'delete' && orders < wanted) return 'add';
    if (name === 'add' && orders > wanted + (wanted >> 5)) return 'delete';
    return name;
  }

  #perform(action: Action, name: MixName): void {
    switch (name) {
      case 'add':
        this.#add(action);
        break;
      case 'delete':
        this.#delete(action, this.#pick(action.instrument));
        break;
      case 'replace':
        this.#replace(action, false);
        break;
      case 'modify':
        this.#replace(action, this.#options.keepsIds);
        break;
      case 'reduce':
        this.#reduce(action);
        break;
      case 'execute':
        this.#execute(action);
        break;
      case 'trade':
        this.#print(action);
        break;
      case 'break':
        this.#break(action);
    }
  }

  #add(action: Action): void {
    const { books } = this;
    const { instrument } = action;
    const random = this.#random;
    const ask = this.#sideOf(instrument);
    this.#ids.draw(action.time);
    action.kind = ACTION_ADD;
    action.ask = ask;
    action.idHigh = this.#ids.high;
    action.idLow = this.#ids.low;
    action.price = this.#priceFor(instrument, ask) * TICK;
    action.quantity = this.#quantity();
    action.attribution = random.below(16) === 0 ? ATTRIBUTIONS[random.below(ATTRIBUTIONS.length)] : 0;
    books.add(instrument * 2 + ask, action.price, action.quantity, action.idHigh, action.idLow);
  }

  #delete(action: Action, slot: number): void {
    this.#name(action, slot);
    action.kind = ACTION_DELETE;
    action.quantity = this.books.quantity(slot);
    action.price = this.books.price(slot);
    this.books.remove(slot);
  }

  /** Another price or a larger quantity, so that the place in the queue is lost by the rules of every venue. */
  #replace(action: Action, keepsId: boolean): void {
    const { books } = this;
    const slot = this.#pick(action.instrument);
    this.#name(action, slot);
    const price = this.#priceFor(action.instrument, action.ask) * TICK;
    const quantity = price === books.price(slot) ? books.quantity(slot) + 100 : this.#quantity();
    this.#ids.draw(action.time);
    action.kind = keepsId ? ACTION_MODIFY : ACTION_REPLACE;
    action.oldPrice = books.price(slot);
    action.oldQuantity = books.quantity(slot);
    action.price = price;
    action.quantity = quantity;
    action.newIdHigh = this.#ids.high;
    action.newIdLow = this.#ids.low;
    books.move(slot, price, quantity);
    if (!keepsId) books.rename(slot, this.#ids.high, this.#ids.low);
  }

  #reduce(action: Action): void {
    const { books } = this;
    const slot = this.#pick(action.instrument);
    const quantity = books.quantity(slot);
    if (quantity === 1) {
      this.#delete(action, slot);
      return;
    }
    this.#name(action, slot);
    action.kind = ACTION_REDUCE;
    action.quantity = 1 + this.#random.below(quantity - 1);
    action.left = quantity - action.quantity;
    action.price = books.price(slot);
    books.resize(slot, action.left);
  }

  #execute(action: Action): void {
    const { instrument } = action;
    const { books } = this;
    const random = this.#random;
    const mid = this.#mid[instrument] * TICK;
    const bid = books.best(instrument * 2);
    const ask = books.best(instrument * 2 + 1);
    // A price that has left the spread pulls the book after it.
    const buys = ask !== 0 && mid > ask ? BUY_ANYWAY : bid !== 0 && mid < bid ? 100 - BUY_ANYWAY : 50;
    this.#sweepAsk = random.below(100) < buys ? 1 : 0;
    this.#sweepInstrument = instrument;
    const head = books.head(instrument * 2 + this.#sweepAsk);
    if (head === 0) {
      this.#add(action);
      return;
    }
    const quantity = books.quantity(head);
    const draw = random.below(100);
    if (draw < 45) this.#sweepLeft = quantity;
    else if (draw < 75) this.#sweepLeft = 1 + random.below(quantity);
    else this.#sweepLeft = quantity + 100 * (1 + random.below(8));
    this.#hit(action);
  }

  /** One fill of the order that is hitting. */
  #hit(action: Action): void {
    const { books } = this;
    const random = this.#random;
    const slot = books.head(this.#sweepInstrument * 2 + this.#sweepAsk);
    const resting = books.quantity(slot);
    const quantity = Math.min(resting, this.#sweepLeft);
    this.#sweepLeft -= quantity;
    this.#match += 1;
    action.time = this.#clock.time;
    action.instrument = this.#sweepInstrument;
    this.#name(action, slot);
    action.kind = ACTION_EXECUTE;
    action.quantity = quantity;
    action.left = resting - quantity;
    action.price = books.price(slot);
    action.match = this.#match;
    action.executionPrice = 0;
    if (random.below(32) === 0) {
      action.executionPrice = action.price + (action.ask === 1 ? -TICK / 2 : TICK / 2);
      action.code = random.below(4) === 0 ? code('N') : code('Y');
    }
    if (action.left === 0) books.remove(slot);
    else books.resize(slot, action.left);
  }

  #print(action: Action): void {
    this.#match += 1;
    action.kind = ACTION_TRADE;
    action.ask = 0;
    action.idHigh = 0;
    action.idLow = 0;
    action.price = this.#mid[action.instrument] * TICK;
    action.quantity = this.#quantity();
    action.match = this.#match;
  }

  #break(action: Action): void {
    action.kind = ACTION_BREAK;
    action.match = 1 + this.#random.below(Math.max(1, this.#match));
  }

  /** A live order of an instrument: half of the time one of the latest. */
  #pick(instrument: number): number {
    const live = this.books.live[instrument];
    const random = this.#random;
    const recent = random.below(2) === 0 && live.length > 16;
    return live[recent ? live.length - 1 - random.below(16) : random.below(live.length)];
  }

  #name(action: Action, slot: number): void {
    action.idHigh = this.books.idHigh(slot);
    action.idLow = this.books.idLow(slot);
    action.ask = this.books.bookSide(slot) & 1;
  }

  #sideOf(instrument: number): number {
    if (this.books.head(instrument * 2) === 0) return 0;
    if (this.books.head(instrument * 2 + 1) === 0) return 1;
    return this.#random.below(2);
  }

  /** A price in ticks that crosses nothing, most often near the touch. */
  #priceFor(instrument: number, ask: number): number {
    const random = this.#random;
    let distance = 1 + Math.floor(random.unit() * random.unit() * 40);
    if (random.below(64) === 0) distance += random.below(400);
    const mid = this.#mid[instrument];
    const opposite = this.books.best(instrument * 2 + 1 - ask) / TICK;
    if (ask === 1) return Math.max(mid + distance, opposite + 1);
    const price = Math.max(1, mid - distance);
    return opposite === 0 ? price : Math.min(price, opposite - 1);
  }

  #quantity(): number {
    const random = this.#random;
    return random.below(5) === 0 ? 1 + random.below(99) : 100 * (1 + random.below(10));
  }

  #walk(instrument: number): void {
    const draw = this.#random.below(16);
    if (draw > 1) return;
    const mid = this.#mid[instrument] + draw * 2 - 1;
    const min = this.#midMin[instrument];
    if (mid > min && mid < min * 4) this.#mid[instrument] = mid;
  }
}

/** MPIDs of those who show themselves. */
const ATTRIBUTIONS: readonly number[] = ['MDXA', 'MDXB', 'MDXC'].map((text) =>
  [...text].reduce((word, character) => (word << 8) | code(character), 0),
);

/** AAA, AAB, … and longer where three letters do not suffice. */
function symbolOf(index: number): string {
  let text = '';
  let rest = index;
  while (rest > 0 || text.length < 3) {
    text = String.fromCharCode(65 + (rest % 26)) + text;
    rest = Math.floor(rest / 26);
  }
  return text;
}
