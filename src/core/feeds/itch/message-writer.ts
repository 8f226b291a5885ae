import { LENGTH_BY_TYPE, typeName } from './layout.ts';

/** Types that `OutgoingMessage` can be, by their character codes. */
export const TYPE_SYSTEM_EVENT = 0x53;
export const TYPE_TRADING_ACTION = 0x48;
export const TYPE_ADD = 0x41;
export const TYPE_ADD_WITH_MPID = 0x46;
export const TYPE_EXECUTED = 0x45;
export const TYPE_EXECUTED_WITH_PRICE = 0x43;
export const TYPE_CANCEL = 0x58;
export const TYPE_DELETE = 0x44;
export const TYPE_REPLACE = 0x55;
export const TYPE_TRADE = 0x50;
export const TYPE_CROSS_TRADE = 0x51;
export const TYPE_BROKEN_TRADE = 0x42;

export const BUY = 0x42;
export const SELL = 0x53;

const YES = 0x59;
const BLANK_WORD = 0x20202020;

/**
 * One message to be written: fill it and hand it over, again and again. Words are the low and high 32 bits of the
 * wire's integers, signed or unsigned. What a type does not have is not looked at.
 */
export class OutgoingMessage {
  /** One of TYPE_*. */
  type = 0;
  locate = 0;
  tracking = 0;
  /** ns since midnight: upper 16 and lower 32 bits. */
  timeHigh = 0;
  timeLow = 0;
  /** Order reference number; of a replace, that of the order which leaves. */
  orderLow = 0;
  orderHigh = 0;
  /** Replace: reference number of the order that enters. */
  newOrderLow = 0;
  newOrderHigh = 0;
  matchLow = 0;
  matchHigh = 0;
  /** BUY or SELL. */
  side: number = BUY;
  shares = 0;
  /** Upper half of the shares of a cross trade. */
  sharesHigh = 0;
  /** Of a C, the execution price. */
  price = 0;
  /** The eight characters of the symbol as two big-endian words: `setStock`. */
  stockFirst: number = BLANK_WORD;
  stockSecond: number = BLANK_WORD;
  /** The four characters of the MPID as one word, or of a trading action's reason: `textWord`. */
  text: number = BLANK_WORD;
  /** Character code: event code of S, trading state of H, printable of C, cross type of Q. */
  code: number = YES;

  /** Symbol, at most eight characters. */
  setStock(symbol: string): void {
    this.stockFirst = textWord(symbol, 0);
    this.stockSecond = textWord(symbol, 4);
  }

  /** ns since midnight; a safe integer. */
  setTime(ns: number): void {
    this.timeHigh = Math.floor(ns / 4294967296);
    this.timeLow = ns | 0;
  }
}

/** Four characters of a text from `start` on, padded with blanks, as one big-endian word. */
export function textWord(text: string, start: number): number {
  let word = 0;
  for (let at = start; at < start + 4; at += 1) {
    word = (word << 8) | (at < text.length ? text.charCodeAt(at) & 0xff : 0x20);
  }
  return word;
}

/**
 * Writes a message at `offset`; `view` has room for MESSAGE_BYTES_MAX. Allocates nothing.
 * @returns the bytes written. Throws RangeError for a type that OutgoingMessage cannot be.
 */
export function writeMessage(view: DataView, offset: number, message: OutgoingMessage): number {
  const { type } = message;
  view.setUint8(offset, type);
  view.setUint16(offset + 1, message.locate);
  view.setUint16(offset + 3, message.tracking);
  view.setUint16(offset + 5, message.timeHigh);
  view.setInt32(offset + 7, message.timeLow);
  // Most bodies begin with the order.
  view.setInt32(offset + 11, message.orderHigh);
  view.setInt32(offset + 15, message.orderLow);
  switch (type) {
    case TYPE_ADD:
    case TYPE_ADD_WITH_MPID:
    case TYPE_TRADE:
      view.setUint8(offset + 19, message.side);
      view.setInt32(offset + 20, message.shares);
      view.setInt32(offset + 24, message.stockFirst);
      view.setInt32(offset + 28, message.stockSecond);
      view.setInt32(offset + 32, message.price);
      if (type === TYPE_ADD_WITH_MPID) view.setInt32(offset + 36, message.text);
      else if (type === TYPE_TRADE) writeMatch(view, offset + 36, message);
      break;
    case TYPE_EXECUTED:
    case TYPE_EXECUTED_WITH_PRICE:
      view.setInt32(offset + 19, message.shares);
      writeMatch(view, offset + 23, message);
      if (type === TYPE_EXECUTED_WITH_PRICE) {
        view.setUint8(offset + 31, message.code);
        view.setInt32(offset + 32, message.price);
      }
      break;
    case TYPE_CANCEL:
      view.setInt32(offset + 19, message.shares);
      break;
    case TYPE_DELETE:
      break;
    case TYPE_REPLACE:
      view.setInt32(offset + 19, message.newOrderHigh);
      view.setInt32(offset + 23, message.newOrderLow);
      view.setInt32(offset + 27, message.shares);
      view.setInt32(offset + 31, message.price);
      break;
    case TYPE_CROSS_TRADE:
      view.setInt32(offset + 11, message.sharesHigh);
      view.setInt32(offset + 15, message.shares);
      view.setInt32(offset + 19, message.stockFirst);
      view.setInt32(offset + 23, message.stockSecond);
      view.setInt32(offset + 27, message.price);
      writeMatch(view, offset + 31, message);
      view.setUint8(offset + 39, message.code);
      break;
    case TYPE_BROKEN_TRADE:
      writeMatch(view, offset + 11, message);
      break;
    case TYPE_SYSTEM_EVENT:
      view.setUint8(offset + 11, message.code);
      break;
    case TYPE_TRADING_ACTION:
      view.setInt32(offset + 11, message.stockFirst);
      view.setInt32(offset + 15, message.stockSecond);
      view.setUint8(offset + 19, message.code);
      view.setUint8(offset + 20, 0x20);
      view.setInt32(offset + 21, message.text);
      break;
    default:
      throw new RangeError(`writing ITCH ${typeName(type)}: only encodeMessage writes this type`);
  }
  return LENGTH_BY_TYPE[type];
}

function writeMatch(view: DataView, offset: number, message: OutgoingMessage): void {
  view.setInt32(offset, message.matchHigh);
  view.setInt32(offset + 4, message.matchLow);
}
