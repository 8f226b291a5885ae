import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkInvariants } from '../../../src/core/book/invariants.ts';
import { Market } from '../../../src/core/book/market.ts';
import {
  REJECT_NAMES,
  TALLY_CROSSED_AT_LAST,
  TALLY_DUPLICATE_ORDER,
  TALLY_GROUPS,
  TALLY_LOCKED_AT_LAST,
  TALLY_OVER_REDUCED,
  TALLY_REJECTED,
  TALLY_UNKNOWN_DELETE,
  TALLY_UNKNOWN_EXECUTE,
  TALLY_UNKNOWN_INFORMS,
  TALLY_UNKNOWN_MODIFY,
  TALLY_UNKNOWN_REDUCE,
  TALLY_UNKNOWN_REPLACE,
} from '../../../src/core/book/tally.ts';
import { depthOf, ordersOf } from '../../../src/core/book/view.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_BEFORE,
  FLAG_BY_KIND,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_GAP,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_SESSION,
  NO_BOOK,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { MARKET_PRICE, ReferenceMarket } from '../../world/reference-book.ts';

const BOOKS = 2;
const EXACT_MAX = (1n << 53n) - 1n;

function newMarket(rules: BookRules): Market {
  const dictionary = new Dictionary();
  for (let book = 0; book < BOOKS; book += 1) {
    dictionary.add({
      source: 'test',
      publisher: 0,
      instrument: BigInt(book),
      channel: 0,
      priceScale: 0,
      quantityScale: 0,
      symbol: null,
    });
  }
  return new Market(rules, dictionary);
}

/** The state in the words of the reference. */
function stateOf(market: Market): string[] {
  const lines: string[] = [];
  for (let book = 0; book < market.books; book += 1) {
    for (const ask of [false, true]) {
      const side = `${book} ${ask ? 'ask' : 'bid'}`;
      if (market.bookKind[book] === 0) {
        for (const { id, price, quantity } of ordersOf(market, book, ask)) {
          lines.push(`${side} ${price ?? 'market'} #${id} ${quantity}`);
        }
        continue;
      }
      for (const { price, quantity, orders } of depthOf(market, book, ask, Number.POSITIVE_INFINITY)) {
        lines.push(`${side} ${price ?? 'market'} (${orders}) ${quantity}`);
      }
    }
  }
  return lines;
}

function countsOf({ tally }: Market): Record<string, number> {
  const named: [string, number][] = [
    ['unknown modify', TALLY_UNKNOWN_MODIFY],
    ['unknown replace', TALLY_UNKNOWN_REPLACE],
    ['unknown reduce', TALLY_UNKNOWN_REDUCE],
    ['unknown delete', TALLY_UNKNOWN_DELETE],
    ['unknown execute', TALLY_UNKNOWN_EXECUTE],
    ['unknown informs', TALLY_UNKNOWN_INFORMS],
    ['duplicate', TALLY_DUPLICATE_ORDER],
    ['over-reduced', TALLY_OVER_REDUCED],
    ['crossed', TALLY_CROSSED_AT_LAST],
    ['locked', TALLY_LOCKED_AT_LAST],
    ['groups', TALLY_GROUPS],
    ...REJECT_NAMES.map((name, reason): [string, number] => [`rejected ${name}`, TALLY_REJECTED + reason]),
  ];
  return Object.fromEntries(
    named.map(([name, slot]): [string, number] => [name, tally[slot]!]).filter(([, count]) => count > 0),
  );
}

const FINDS_ORDER: readonly number[] = [KIND_MODIFY, KIND_REPLACE, KIND_REDUCE, KIND_DELETE, KIND_EXECUTE];

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Few ids, books and prices, so that everything meets; now and then values at the edges. */
const anyEvent: fc.Arbitrary<EventInput> = fc
  .record({
    kind: fc.oneof(
      { weight: 8, arbitrary: oneOf(KIND_ADD) },
      { weight: 4, arbitrary: oneOf(KIND_MODIFY) },
      {
        weight: 4,
        arbitrary: oneOf(KIND_REPLACE, KIND_REDUCE, KIND_DELETE, KIND_EXECUTE, KIND_LEVEL, KIND_CLEAR),
      },
    ),
    book: fc.integer({ min: 0, max: BOOKS - 1 }),
    ask: fc.boolean(),
    flags: fc
      .array(oneOf(FLAG_KEEP_PRIORITY, FLAG_INFORMS, FLAG_BEFORE, FLAG_BY_KIND), { maxLength: 2 })
      .map((flags) => flags.reduce((all, flag) => all | flag, 0)),
    last: fc.boolean(),
    id: fc.bigInt({ min: 1n, max: 16n }),
    price: fc.oneof(
      { weight: 20, arbitrary: fc.bigInt({ min: -1n, max: 1n }) },
      { weight: 1, arbitrary: oneOf(MARKET_PRICE, EXACT_MAX + 1n, -EXACT_MAX - 1n, (1n << 63n) - 1n) },
    ),
    quantity: fc.oneof(
      { weight: 20, arbitrary: fc.bigInt({ min: 1n, max: 5n }) },
      { weight: 1, arbitrary: oneOf(0n, -1n, EXACT_MAX, EXACT_MAX + 1n) },
    ),
    related: fc.option(fc.bigInt({ min: 1n, max: 16n }), { nil: undefined }),
    unnamed: fc.nat(7).map((draw) => draw === 0),
  })
  .map(({ last, flags, related, unnamed, ...rest }) => {
    const event = { ...rest, flags: flags | (last ? FLAG_LAST : 0) };
    // What changes an order need not say which book it is in.
    if (unnamed && FINDS_ORDER.includes(rest.kind)) event.book = NO_BOOK;
    // Price levels in one book only: once there, they keep orders out until they are cleared.
    if (rest.kind === KIND_LEVEL) event.book = BOOKS - 1;
    // A level's id is its order count.
    return related === undefined || rest.kind === KIND_LEVEL ? event : { ...event, related };
  });

const anyRules: fc.Arbitrary<BookRules> = fc.record({
  idScope: oneOf('source', 'book', 'bookSide'),
  groupScope: oneOf('source', 'book'),
  modifyUnknown: oneOf('add', 'ignore'),
  replaceUnknown: oneOf('add', 'ignore'),
  modifyPriority: oneOf('lost', 'keptUnlessBetter'),
  clearRestores: fc.boolean(),
});

describe('market', () => {
  it('agrees with the reference order by order, whatever the events and rules', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(anyEvent, { minLength: 1, maxLength: 150, size: 'max' }),
        (rules, events) => {
          const market = newMarket(rules);
          const reference = new ReferenceMarket(rules);
          for (const event of events) {
            market.apply(batchOf([event]));
            reference.apply(event);
            expect(stateOf(market)).toEqual(reference.state());
          }
          expect(countsOf(market)).toEqual(reference.counts);
          expect(checkInvariants(market)).toEqual([]);
          const stale = [...market.stale.keys()].filter((book) => market.stale[book] === 1);
          expect(stale).toEqual([...reference.stale].toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 400 },
    );
  });

  it('does not care how events are cut into batches', () => {
    fc.assert(
      fc.property(
        anyRules,
        fc.array(anyEvent, { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 9 }),
        (rules, events, size) => {
          const whole = newMarket(rules);
          whole.apply(batchOf(events));
          const cut = newMarket(rules);
          for (let at = 0; at < events.length; at += size) cut.apply(batchOf(events.slice(at, at + size)));
          expect(stateOf(cut)).toEqual(stateOf(whole));
          expect(countsOf(cut)).toEqual(countsOf(whole));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps thousands of levels in order through growth and decay', () => {
    const market = newMarket({
      idScope: 'source',
      groupScope: 'book',
      modifyUnknown: 'ignore',
      replaceUnknown: 'ignore',
      modifyPriority: 'lost',
    });
    fc.assert(
      fc.property(
        fc.shuffledSubarray(
          Array.from({ length: 3000 }, (_, at) => at),
          { minLength: 1500 },
        ),
        (prices) => {
          const add = prices.map((price) => ({
            kind: KIND_ADD,
            book: 0,
            id: BigInt(price + 1),
            price: BigInt(price),
            quantity: 1n,
          }));
          market.apply(batchOf(add));
          expect(depthOf(market, 0, false, 3000).map(({ price }) => price)).toEqual(
            prices.toSorted((a, b) => b - a),
          );
          expect(checkInvariants(market)).toEqual([]);
          market.apply(
            batchOf(prices.map((price) => ({ kind: KIND_DELETE, book: 0, id: BigInt(price + 1) }))),
          );
          expect(market.levels.inUse).toBe(0);
          // Emptied levels stay for the next order at their price, but not many.
          expect(market.levels.store.live).toBeLessThan(64);
          expect(checkInvariants(market)).toEqual([]);
        },
      ),
      { numRuns: 5 },
    );
  });
});

describe('stale books', () => {
  const RULES: BookRules = {
    idScope: 'book',
    groupScope: 'source',
    modifyUnknown: 'ignore',
    replaceUnknown: 'ignore',
    modifyPriority: 'lost',
    clearRestores: true,
  };
  const book = fc.integer({ min: 0, max: 3 });
  const channel = fc.integer({ min: 0, max: 2 });
  const step = fc.record({
    what: fc.constantFrom('gap', 'gap', 'gap', 'clear', 'add', 'session', 'rehome'),
    book,
    channel,
  });

  it('are those of channels with a loss, until they are cleared or their session ends', () => {
    fc.assert(
      fc.property(fc.array(channel, { minLength: 4, maxLength: 4 }), fc.array(step), (homes, steps) => {
        const dictionary = new Dictionary();
        for (const [number, home] of homes.entries()) {
          const scales = { priceScale: 0, quantityScale: 0, symbol: null };
          dictionary.add({
            source: 'test',
            publisher: 0,
            instrument: BigInt(number),
            channel: home,
            ...scales,
          });
        }
        const market = new Market(RULES, dictionary);
        const stale = [false, false, false, false];
        const lost = new Set<number>();
        let named = 0;
        const mark = (of: number, isStale: boolean): void => {
          for (let each = 0; each < named; each += 1) if (homes[each] === of) stale[each] = isStale;
        };
        for (const { what, book, channel } of steps) {
          if (what === 'rehome') {
            dictionary.rehome(book, channel);
            homes[book] = channel;
          } else if (what === 'gap' || what === 'session') {
            const kind = what === 'gap' ? KIND_GAP : KIND_SESSION;
            market.apply(batchOf([{ kind, book: NO_BOOK }], channel));
            mark(channel, what === 'gap');
            if (what === 'gap') lost.add(channel);
            else lost.delete(channel);
          } else {
            const kind = what === 'add' ? KIND_ADD : KIND_CLEAR;
            market.apply(batchOf([{ kind, book, id: 1n, price: 1n, quantity: 1n }], homes[book]));
            for (; named <= book; named += 1) stale[named] = lost.has(homes[named]!);
            if (what === 'clear') stale[book] = false;
          }
          expect([...market.stale.slice(0, 4)].map((flag) => flag === 1)).toEqual(stale);
        }
      }),
      { numRuns: 500 },
    );
  });
});
