import { mix3 } from '../binary/hash-index.ts';
import type { Market } from './market.ts';
import {
  LEVEL_BOOK_SIDE,
  LEVEL_COUNT,
  LEVEL_HEAD,
  LEVEL_KEY_DOUBLE,
  LEVEL_QUANTITY_DOUBLE,
  LEVEL_TAIL,
  ORDER_BOOK_SIDE,
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_LEVEL,
  ORDER_NEXT,
  ORDER_PREVIOUS,
  ORDER_QUANTITY_DOUBLE,
} from './store.ts';

/**
 * Checks everything that must hold between index, orders, levels and ladders of a market. Walks all of it: for
 * intervals and tests, not for every event.
 * @returns what is wrong, in words; empty when all holds.
 */
export function checkInvariants(market: Market): string[] {
  const problems: string[] = [];
  let orders = 0;
  let levels = 0;
  for (let bookSide = 0; bookSide < market.books * 2; bookSide += 1) {
    const found = checkSide(market, bookSide, problems);
    orders += found.orders;
    levels += found.levels;
  }
  expect(problems, 'orders in queues', orders, market.orders.live);
  expect(problems, 'orders in the index', market.orderIndex.size, market.orders.live);
  expect(problems, 'levels in ladders', levels, market.levels.store.live);
  expect(problems, 'levels in the index', market.levels.index.size, market.levels.store.live);
  return problems;
}

/** The same for one side of one book, without the totals. */
export function checkSide(
  market: Market,
  bookSide: number,
  problems: string[],
): { readonly orders: number; readonly levels: number } {
  const ladder = market.levels.ladders[bookSide]!;
  const where = `book ${bookSide >> 1} ${(bookSide & 1) !== 0 ? 'ask' : 'bid'}`;
  const keys = [...ladder.keysFromBest()];
  let previousKey = Number.POSITIVE_INFINITY;
  let orders = 0;
  let rank = 0;
  let size = 0;
  for (const level of ladder.fromBest(true)) {
    const key = market.levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
    expect(problems, `${where}: key of level ${rank} in the ladder`, keys[rank]!, key);
    if (rank > 0 && !(key < previousKey))
      problems.push(`${where}: level ${rank} is not worse than the one before`);
    expect(
      problems,
      `${where}: side of level ${rank}`,
      market.levels.words[level * 8 + LEVEL_BOOK_SIDE]!,
      bookSide,
    );
    if (!indexHoldsLevel(market, level, bookSide))
      problems.push(`${where}: level ${rank} is not in the index`);
    previousKey = key;
    rank += 1;
    const quantity = market.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!;
    if (!(quantity >= 0)) problems.push(`${where}: level ${rank} has the quantity ${quantity}`);
    if (market.bookKind[bookSide >> 1] === 0)
      orders += checkQueue(market, level, bookSide, `${where} level ${rank}`, problems);
    else if (market.levels.words[level * 8 + LEVEL_HEAD] !== 0)
      problems.push(`${where}: a price level with orders`);
    if (quantity === 0) {
      expect(
        problems,
        `${where}: orders in a vacant level`,
        market.levels.words[level * 8 + LEVEL_COUNT]!,
        0,
      );
      continue;
    }
    if (size === 0) {
      expect(problems, `${where}: best level`, market.levels.bestLevel[bookSide]!, level);
      expect(problems, `${where}: best key`, market.levels.bestKey[bookSide]!, key);
    }
    size += 1;
  }
  expect(problems, `${where}: levels in use`, ladder.size, size);
  expect(problems, `${where}: vacant levels`, ladder.vacant, rank - size);
  if (size === 0) {
    expect(problems, `${where}: best level`, market.levels.bestLevel[bookSide]!, 0);
    expect(problems, `${where}: best key`, market.levels.bestKey[bookSide]!, Number.NEGATIVE_INFINITY);
  }
  return { orders, levels: rank };
}

function checkQueue(
  market: Market,
  level: number,
  bookSide: number,
  where: string,
  problems: string[],
): number {
  const { words, doubles } = market.orders;
  let count = 0;
  let quantity = 0;
  let previous = 0;
  const limit = market.orders.live;
  let slot = market.levels.words[level * 8 + LEVEL_HEAD]!;
  while (slot !== 0 && count <= limit) {
    const order = slot * 8;
    expect(problems, `${where}: link back`, words[order + ORDER_PREVIOUS]!, previous);
    expect(problems, `${where}: level of an order`, words[order + ORDER_LEVEL]!, level);
    expect(problems, `${where}: side of an order`, words[order + ORDER_BOOK_SIDE]!, bookSide);
    const left = doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    if (!(left > 0)) problems.push(`${where}: an order with quantity ${left}`);
    if (market.findOrder(words[order + ORDER_ID_LOW]!, words[order + ORDER_ID_HIGH]!, bookSide) !== slot) {
      problems.push(`${where}: an order is not found by its id`);
    }
    quantity += left;
    count += 1;
    previous = slot;
    slot = words[order + ORDER_NEXT]!;
  }
  expect(problems, `${where}: tail`, market.levels.words[level * 8 + LEVEL_TAIL]!, previous);
  expect(problems, `${where}: order count`, market.levels.words[level * 8 + LEVEL_COUNT]!, count);
  expect(problems, `${where}: quantity`, market.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!, quantity);
  return count;
}

function indexHoldsLevel(market: Market, level: number, bookSide: number): boolean {
  const words = market.levels.words;
  const at = level * 8 + LEVEL_KEY_DOUBLE * 2;
  const tag = mix3(words[at]!, words[at + 1]!, bookSide);
  const index = market.levels.index;
  for (let found = index.first(tag); found >= 0; found = index.next(found, tag)) {
    if (index.slotAt(found) === level) return true;
  }
  return false;
}

function expect(problems: string[], what: string, found: number, expected: number): void {
  if (!Object.is(found, expected) && found !== expected)
    problems.push(`${what}: ${found}, expected ${expected}`);
}
