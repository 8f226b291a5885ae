import { toBigUint } from '../binary/time.ts';
import type { Market } from './market.ts';
import {
  LEVEL_COUNT,
  LEVEL_HEAD,
  LEVEL_KEY_DOUBLE,
  LEVEL_QUANTITY_DOUBLE,
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_LEVEL,
  ORDER_NEXT,
  ORDER_PREVIOUS,
  ORDER_QUANTITY_DOUBLE,
} from './store.ts';

/** One price level as readers see it; price and quantity are integers in the book's scales. */
export interface LevelView {
  /** Null for the level of orders without a price (market orders). */
  readonly price: number | null;
  readonly quantity: number;
  /** Orders in the level; 0 where the feed does not say (books of price levels). */
  readonly orders: number;
}

export interface OrderView {
  readonly id: bigint;
  readonly quantity: number;
}

/** Place of an order in its queue. */
export interface QueuePosition {
  readonly ordersAhead: number;
  readonly quantityAhead: number;
}

/** What an order is, without looking it up again; reused by its reader. */
export interface OrderDetail {
  readonly bookSide: number;
  readonly price: number | null;
  readonly quantity: number;
}

/** Price of a key: undo the negation of asks. */
export function priceOfKey(key: number, bookSide: number): number | null {
  if (key === Number.POSITIVE_INFINITY) return null;
  return (bookSide & 1) !== 0 ? 0 - key : key;
}

/** The best levels of one side of a book, best first, at most `depth`. */
export function depthOf(market: Market, book: number, ask: boolean, depth: number): LevelView[] {
  const bookSide = book * 2 + (ask ? 1 : 0);
  const ladder = market.levels.ladders[bookSide];
  const views: LevelView[] = [];
  if (ladder === undefined) return views;
  for (const level of ladder.fromBest()) {
    if (views.length === depth) break;
    views.push(levelView(market, level, bookSide));
  }
  return views;
}

/** Best level of one side, or null when the side is empty. */
export function bestOf(market: Market, book: number, ask: boolean): LevelView | null {
  const bookSide = book * 2 + (ask ? 1 : 0);
  const level = market.levels.bestLevel[bookSide] ?? 0;
  return level === 0 ? null : levelView(market, level, bookSide);
}

function levelView(market: Market, level: number, bookSide: number): LevelView {
  return {
    price: priceOfKey(market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!, bookSide),
    quantity: market.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!,
    orders: market.levels.words[level * 8 + LEVEL_COUNT]!,
  };
}

/** Number of price levels on one side. */
export function levelsOn(market: Market, book: number, ask: boolean): number {
  return market.levels.ladders[book * 2 + (ask ? 1 : 0)]?.size ?? 0;
}

/** Orders of one side in canonical order: best level first, oldest first within a level. */
export function* ordersOf(
  market: Market,
  book: number,
  ask: boolean,
): Generator<OrderView & { readonly price: number | null }> {
  const bookSide = book * 2 + (ask ? 1 : 0);
  const ladder = market.levels.ladders[bookSide];
  if (ladder === undefined) return;
  for (const level of ladder.fromBest()) {
    const price = priceOfKey(market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!, bookSide);
    let slot = market.levels.words[level * 8 + LEVEL_HEAD]!;
    while (slot !== 0) {
      const order = slot * 8;
      const words = market.orders.words;
      yield {
        id: toBigUint(words[order + ORDER_ID_HIGH]!, words[order + ORDER_ID_LOW]!),
        price,
        quantity: market.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!,
      };
      slot = words[order + ORDER_NEXT]!;
    }
  }
}

/** Number of live orders in one book. */
export function ordersIn(market: Market, book: number): number {
  if (market.bookKind[book] !== 0) return 0;
  let orders = 0;
  for (const bookSide of [book * 2, book * 2 + 1]) {
    for (const level of market.levels.ladders[bookSide]?.fromBest() ?? []) {
      orders += market.levels.words[level * 8 + LEVEL_COUNT]!;
    }
  }
  return orders;
}

/** What stands before an order in its queue. Walks the queue: for reports, not for every event. */
export function queuePosition(market: Market, slot: number): QueuePosition {
  let ordersAhead = 0;
  let quantityAhead = 0;
  let ahead = market.orders.words[slot * 8 + ORDER_PREVIOUS]!;
  while (ahead !== 0) {
    ordersAhead += 1;
    quantityAhead += market.orders.doubles[ahead * 4 + ORDER_QUANTITY_DOUBLE]!;
    ahead = market.orders.words[ahead * 8 + ORDER_PREVIOUS]!;
  }
  return { ordersAhead, quantityAhead };
}

/** Price (null: without one) and remaining quantity of a live order. */
export function orderDetail(market: Market, slot: number): OrderDetail {
  const level = market.orders.words[slot * 8 + ORDER_LEVEL]!;
  const bookSide = market.orders.words[slot * 8 + 7]!;
  return {
    bookSide,
    price: priceOfKey(market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!, bookSide),
    quantity: market.orders.doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!,
  };
}
