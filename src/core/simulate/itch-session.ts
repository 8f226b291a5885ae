import type { FieldValue } from '../feeds/itch/fields.ts';
import { PRICE_SCALE, TYPE_COUNT } from '../feeds/itch/layout.ts';
import {
  BUY,
  OutgoingMessage,
  SELL,
  TYPE_ADD,
  TYPE_ADD_WITH_MPID,
  TYPE_BROKEN_TRADE,
  TYPE_CANCEL,
  TYPE_CROSS_TRADE,
  TYPE_DELETE,
  TYPE_EXECUTED,
  TYPE_EXECUTED_WITH_PRICE,
  TYPE_REPLACE,
  TYPE_SYSTEM_EVENT,
  TYPE_TRADE,
  TYPE_TRADING_ACTION,
  textWord,
} from '../feeds/itch/message-writer.ts';
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
  ACTION_RESIZE,
  ACTION_STATE,
  ACTION_SYSTEM,
  ACTION_TRADE,
  type Action,
  type ActionSource,
  type Instrument,
} from './action.ts';
import type { FeedSession } from './feed-session.ts';
import { MOLD_SHAPE, type MoldLine } from './mold-line.ts';
import { countsByName } from './packet-shape.ts';
import { PlainBooks, type ToldBooks } from './told-books.ts';

const TYPE_DIRECTORY = 0x52;
const TWO_32 = 4294967296;

/** ITCH's message type of each action; executions with a price and adds with a name have their own. */
const TYPE_OF: readonly number[] = (() => {
  const types: number[] = [];
  types[ACTION_SYSTEM] = TYPE_SYSTEM_EVENT;
  types[ACTION_DIRECTORY] = TYPE_DIRECTORY;
  types[ACTION_STATE] = TYPE_TRADING_ACTION;
  types[ACTION_ADD] = TYPE_ADD;
  types[ACTION_REPLACE] = TYPE_REPLACE;
  types[ACTION_REDUCE] = TYPE_CANCEL;
  types[ACTION_DELETE] = TYPE_DELETE;
  types[ACTION_EXECUTE] = TYPE_EXECUTED;
  types[ACTION_TRADE] = TYPE_TRADE;
  types[ACTION_CROSS] = TYPE_CROSS_TRADE;
  types[ACTION_BREAK] = TYPE_BROKEN_TRADE;
  return types;
})();

/** Writes actions as ITCH 5.0 messages, the same ones on each line. */
export class ItchSession implements FeedSession {
  readonly lines: readonly MoldLine[];
  readonly session: string;
  readonly books: ToldBooks;
  readonly byType: Float64Array = new Float64Array(TYPE_COUNT);
  readonly #instruments: readonly Instrument[];
  readonly #stocks: Int32Array;
  readonly #message: OutgoingMessage = new OutgoingMessage();

  /** Throws RangeError for a source whose prices have more digits than those of ITCH. */
  constructor(source: ActionSource, lines: readonly MoldLine[], session: string) {
    const { instruments } = source;
    if (source.priceScale > PRICE_SCALE) throw new RangeError('ITCH prices have four decimal digits');
    this.lines = lines;
    this.session = session;
    this.books = new PlainBooks(source, PRICE_SCALE, 0);
    this.#instruments = instruments;
    this.#stocks = Int32Array.from(
      instruments.flatMap(({ symbol }) => [textWord(symbol, 0), textWord(symbol, 4)]),
    );
  }

  take(action: Action): void {
    const message = this.#message;
    const { kind, instrument, time } = action;
    if (kind === ACTION_MODIFY || kind === ACTION_RESIZE)
      throw new RangeError('ITCH has no message that changes an order under its id');
    if (kind === ACTION_DIRECTORY) {
      this.#directory(action);
      return;
    }
    let type = TYPE_OF[kind];
    message.locate = instrument < 0 ? 0 : this.#instruments[instrument].number;
    message.setTime(time);
    message.orderHigh = action.idHigh;
    message.orderLow = action.idLow;
    message.side = action.ask === 1 ? SELL : BUY;
    message.shares = action.quantity;
    message.price = action.price;
    message.code = action.code;
    if (instrument >= 0) {
      message.stockFirst = this.#stocks[instrument * 2];
      message.stockSecond = this.#stocks[instrument * 2 + 1];
    }
    if (kind === ACTION_REPLACE) {
      message.newOrderHigh = action.newIdHigh;
      message.newOrderLow = action.newIdLow;
    } else if (kind === ACTION_ADD && action.attribution !== 0) {
      type = TYPE_ADD_WITH_MPID;
      message.text = action.attribution;
    } else if (kind === ACTION_STATE) message.text = textWord('', 0);
    else if (kind >= ACTION_EXECUTE) {
      message.matchHigh = Math.floor(action.match / TWO_32);
      message.matchLow = action.match | 0;
      if (kind === ACTION_EXECUTE && action.executionPrice !== 0) {
        type = TYPE_EXECUTED_WITH_PRICE;
        message.price = action.executionPrice;
      }
    }
    message.type = type;
    this.byType[type] += 1;
    for (const line of this.lines) line.append(message, time);
  }

  finish(time: number): void {
    for (const line of this.lines) line.finish(time);
  }

  messagesByType(): Record<string, number> {
    return countsByName(MOLD_SHAPE, this.byType);
  }

  #directory(action: Action): void {
    const { number, symbol } = this.#instruments[action.instrument];
    const fields: Record<string, FieldValue> = {
      stockLocate: number,
      timestamp: BigInt(action.time),
      stock: symbol,
      marketCategory: 'Q',
      financialStatusIndicator: 'N',
      roundLotSize: 100,
      roundLotsOnly: 'N',
      issueClassification: 'C',
      issueSubType: 'Z',
      authenticity: 'T',
      shortSaleThresholdIndicator: 'N',
      ipoFlag: 'N',
      luldReferencePriceTier: '1',
      etpFlag: 'N',
      inverseIndicator: 'N',
    };
    this.byType[TYPE_DIRECTORY] += 1;
    for (const line of this.lines) line.appendFields('R', fields, action.time);
  }
}
