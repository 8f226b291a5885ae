import type { PriceTimeBooks } from './price-time-books.ts';

/** System event: `code` is the character of ITCH's event code. */
export const ACTION_SYSTEM = 1;
/** An instrument is announced; its book is empty. */
export const ACTION_DIRECTORY = 2;
/** `code` is the trading state's character. */
export const ACTION_STATE = 3;
export const ACTION_ADD = 4;
/** The order `id` leaves, `newId` enters at price and quantity, at the end of its queue. */
export const ACTION_REPLACE = 5;
/** The order keeps its id and gets price and quantity. */
export const ACTION_MODIFY = 6;
/** `quantity` is taken off, the order keeps its place. */
export const ACTION_REDUCE = 7;
export const ACTION_DELETE = 8;
/** The order at the head of the best level is hit for `quantity`; `left` stays. */
export const ACTION_EXECUTE = 9;
/** A print against interest that was not displayed. */
export const ACTION_TRADE = 10;
/** `code` is the character of the cross type. */
export const ACTION_CROSS = 11;
/** The trade `match` is taken back; books do not change. */
export const ACTION_BREAK = 12;
/** The order's quantity becomes `quantity`, whatever it was (`oldQuantity`), and the order keeps its place. */
export const ACTION_RESIZE = 13;

/**
 * One thing that happens at the exchange, in no wire format; one object is filled again and again. What a kind does
 * not have is left as it was. Ids are 64-bit integers as signed halves, prices integers in the source's scale.
 */
export class Action {
  /** One of ACTION_*. */
  kind = 0;
  /** Index into the source's instruments. */
  instrument = 0;
  /** ns since midnight of the trading day. */
  time = 0;
  /** Side of the order: 0 bid, 1 ask. */
  ask = 0;
  idHigh = 0;
  idLow = 0;
  newIdHigh = 0;
  newIdLow = 0;
  price = 0;
  quantity = 0;
  /** Replace: price and quantity of the order that leaves; resize: its quantity so far. */
  oldPrice = 0;
  oldQuantity = 0;
  /** What remains of the order after an execution or a reduction. */
  left = 0;
  /** Price of an execution where it is not the order's, else 0. */
  executionPrice = 0;
  /** Number of the match, below 2^53. */
  match = 0;
  /** Character code; see the kinds. Of an execution with a price: printable, `Y` or `N`. */
  code = 0;
  /** Four characters that name who entered an order, as one word; 0 = anonymous. */
  attribution = 0;
}

export interface Instrument {
  /** The venue's number. */
  readonly number: number;
  readonly symbol: string;
}

/** Something that makes actions, and keeps the books that they lead to. */
export interface ActionSource {
  readonly publisher: number;
  readonly instruments: readonly Instrument[];
  /** Decimal digits of prices. */
  readonly priceScale: number;
  /** The truth: what the books are after the last action. */
  readonly books: PriceTimeBooks;
  /** Fills the next action in. @returns false when there are no more. */
  next(action: Action): boolean;
  /** Comes to the end as soon as it can. */
  end(): void;
}
