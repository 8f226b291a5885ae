import type { Market } from '../book/market.ts';
import {
  LEVEL_KEY_DOUBLE,
  ORDER_BOOK_SIDE,
  ORDER_LEVEL,
  ORDER_NEXT,
  ORDER_QUANTITY_DOUBLE,
} from '../book/store.ts';

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
