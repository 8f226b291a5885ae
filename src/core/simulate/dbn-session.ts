import type { DbnMboEncoder } from '../feeds/dbn/encoder.ts';
import {
  ACTION_ADD as ADD,
  ACTION_CANCEL as CANCEL,
  ACTION_CLEAR as CLEAR,
  F_LAST,
  ACTION_FILL as FILL,
  ACTION_MODIFY as MODIFY,
  PRICE_SCALE,
  SIDE_CHAR_ASK,
  SIDE_CHAR_BID,
  SIDE_CHAR_NONE,
  ACTION_TRADE as TRADE,
  UNDEFINED_PRICE_HIGH,
  UNDEFINED_PRICE_LOW,
} from '../feeds/dbn/layout.ts';
import { MboRecord } from '../feeds/dbn/mbo.ts';
import {
  ACTION_ADD,
  ACTION_DELETE,
  ACTION_DIRECTORY,
  ACTION_EXECUTE,
  ACTION_MODIFY,
  ACTION_REDUCE,
  ACTION_REPLACE,
  ACTION_RESIZE,
  ACTION_TRADE,
  type Action,
  type ActionSource,
} from './action.ts';
import type { FeedSession } from './feed-session.ts';
import type { Line } from './line.ts';
import { PlainBooks, type ToldBooks } from './told-books.ts';
import { UnixTime } from './unix-time.ts';

const TWO_32 = 4294967296;
/** From the matching engine to the sender, and from there to the receiver. */
const ENGINE_NS = 12_000;
const TRAVEL_NS = 3_000;

/**
 * Writes actions as DBN mbo records. An execution is what CME's feed makes of it: the trade, the fill of the resting
 * order, and then the change of the book, a cancel of all or a modify to what is left. A replace is a cancel and an
 * add in one event; a directory entry clears its book. What mbo has no record for is left out.
 */
export class DbnSession implements FeedSession {
  readonly lines: readonly Line[] = [];
  readonly session = null;
  readonly books: ToldBooks;
  readonly #encoder: DbnMboEncoder;
  readonly #source: ActionSource;
  readonly #record: MboRecord = new MboRecord();
  readonly #time: UnixTime;
  readonly #priceFactor: number;
  readonly #byAction: Float64Array = new Float64Array(256);

  /** @param midnight ns since 1970 of the midnight that times count from. */
  constructor(encoder: DbnMboEncoder, source: ActionSource, midnight: bigint) {
    this.#encoder = encoder;
    this.#source = source;
    this.books = new PlainBooks(source, PRICE_SCALE, source.publisher);
    this.#time = new UnixTime(midnight);
    this.#priceFactor = 10 ** (PRICE_SCALE - source.priceScale);
    const record = this.#record;
    record.publisher = source.publisher;
    record.channel = 1;
    record.inDelta = TRAVEL_NS;
  }

  take(action: Action): void {
    const record = this.#record;
    switch (action.kind) {
      case ACTION_DIRECTORY:
        this.#begin(action, SIDE_CHAR_NONE);
        this.#name(0, 0);
        record.priceHigh = UNDEFINED_PRICE_HIGH;
        record.priceLow = UNDEFINED_PRICE_LOW;
        this.#write(CLEAR, 0, F_LAST);
        break;
      case ACTION_ADD:
        this.#begin(action, sideOf(action.ask));
        this.#write(ADD, action.quantity, F_LAST);
        break;
      case ACTION_MODIFY:
        this.#begin(action, sideOf(action.ask));
        this.#write(MODIFY, action.quantity, F_LAST);
        break;
      case ACTION_REDUCE:
      case ACTION_DELETE:
        this.#begin(action, sideOf(action.ask));
        this.#write(CANCEL, action.quantity, F_LAST);
        break;
      case ACTION_REPLACE:
        this.#begin(action, sideOf(action.ask));
        this.#setPrice(action.oldPrice);
        this.#write(CANCEL, action.oldQuantity, 0);
        this.#name(action.newIdHigh, action.newIdLow);
        this.#setPrice(action.price);
        this.#write(ADD, action.quantity, F_LAST);
        break;
      case ACTION_EXECUTE:
        this.#execute(action);
        break;
      case ACTION_TRADE:
        this.#begin(action, SIDE_CHAR_NONE);
        this.#write(TRADE, action.quantity, F_LAST);
        break;
      case ACTION_RESIZE:
        throw new RangeError('DBN cannot say that an order changed and kept its place');
    }
  }

  finish(): void {
    this.#encoder.flush();
  }

  messagesByType(): Record<string, number> {
    const named: Record<string, number> = {};
    for (const [code, count] of this.#byAction.entries()) {
      if (count > 0) named[`mbo:${String.fromCharCode(code)}`] = count;
    }
    return named;
  }

  #execute(action: Action): void {
    const { executionPrice, price, quantity, left } = action;
    this.#begin(action, sideOf(1 - action.ask));
    this.#setPrice(executionPrice === 0 ? price : executionPrice);
    this.#name(0, 0);
    this.#write(TRADE, quantity, 0);
    this.#record.side = sideOf(action.ask);
    this.#name(action.idHigh, action.idLow);
    this.#write(FILL, quantity, 0);
    this.#setPrice(price);
    if (left === 0) this.#write(CANCEL, quantity, F_LAST);
    else this.#write(MODIFY, left, F_LAST);
  }

  /** Sets what the records of one action have in common. */
  #begin(action: Action, side: number): void {
    const record = this.#record;
    record.instrument = this.#source.instruments[action.instrument].number;
    record.side = side;
    record.sequence = (record.sequence + 1) >>> 0;
    this.#name(action.idHigh, action.idLow);
    this.#setPrice(action.price);
    this.#time.set(action.time);
    record.eventTimeHigh = this.#time.high;
    record.eventTimeLow = this.#time.low;
    this.#time.set(action.time + ENGINE_NS + TRAVEL_NS);
    record.receiveTimeHigh = this.#time.high;
    record.receiveTimeLow = this.#time.low;
  }

  #name(idHigh: number, idLow: number): void {
    this.#record.orderIdHigh = idHigh;
    this.#record.orderIdLow = idLow;
  }

  #setPrice(price: number): void {
    const value = price * this.#priceFactor;
    this.#record.priceHigh = Math.floor(value / TWO_32);
    this.#record.priceLow = value | 0;
  }

  #write(action: number, size: number, flags: number): void {
    const record = this.#record;
    record.action = action;
    record.size = size;
    record.flags = flags;
    this.#byAction[action] += 1;
    this.#encoder.record(record);
  }
}

function sideOf(ask: number): number {
  return ask === 1 ? SIDE_CHAR_ASK : SIDE_CHAR_BID;
}
