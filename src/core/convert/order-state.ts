import type { Market } from '../book/market.ts';
import {
  LEVEL_KEY_DOUBLE,
  ORDER_BOOK_SIDE,
  ORDER_LEVEL,
  ORDER_NEXT,
  ORDER_QUANTITY_DOUBLE,
} from '../book/store.ts';
import { NULL_PRICE_HIGH, NULL_PRICE_LOW, WORD_ID, WORD_PRICE, WORD_QUANTITY } from '../event/record.ts';

const TWO_32 = 4294967296;

/** One order as a book has it at some moment; reused. */
export class OrderState {
  found = false;
  idLow = 0;
  idHigh = 0;
  bookSide = 0;
  /** Price of a bid, negated price of an ask, +Infinity without a price. */
  key = 0;
  quantity = 0;
  /** Is another order behind it in the queue? */
  isFollowed = false;

  /** Looks the order up. @param bookSide the one that the event names; the order's own where it is found. */
  read(market: Market, idLow: number, idHigh: number, bookSide: number): void {
    this.idLow = idLow;
    this.idHigh = idHigh;
    this.bookSide = bookSide;
    this.take(market, market.findOrder(idLow, idHigh, bookSide));
  }

  /** Takes over what an add says that the book has let in. */
  said(words: Int32Array, at: number, bookSide: number): void {
    this.found = true;
    this.idLow = words[at + WORD_ID]!;
    this.idHigh = words[at + WORD_ID + 1]!;
    this.bookSide = bookSide;
    const high = words[at + WORD_PRICE + 1]!;
    const low = words[at + WORD_PRICE]!;
    const price = high * TWO_32 + (low >>> 0);
    if (high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW) this.key = Number.POSITIVE_INFINITY;
    else this.key = (bookSide & 1) !== 0 ? 0 - price : price;
    this.quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    this.isFollowed = false;
  }

  /** Takes over what a slot holds; 0 = no order. */
  take(market: Market, slot: number): void {
    this.found = slot !== 0;
    if (slot === 0) return;
    const { words, doubles } = market.orders;
    const order = slot * 8;
    this.bookSide = words[order + ORDER_BOOK_SIDE]!;
    this.key = market.levels.doubles[words[order + ORDER_LEVEL]! * 4 + LEVEL_KEY_DOUBLE]!;
    this.quantity = doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    this.isFollowed = words[order + ORDER_NEXT] !== 0;
  }
}
