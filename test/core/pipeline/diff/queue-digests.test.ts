import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Market } from '../../../../src/core/book/market.ts';
import type { EventBatch } from '../../../../src/core/event/batch.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import * as record from '../../../../src/core/event/record.ts';
import type { BookRules } from '../../../../src/core/event/rules.ts';
import { dbn } from '../../../../src/core/feeds/dbn/index.ts';
import { eobiReleases } from '../../../../src/core/feeds/eobi/index.ts';
import { itch } from '../../../../src/core/feeds/itch/index.ts';
import { BookWatch } from '../../../../src/core/pipeline/diff/book-watch.ts';
import { OrderHashes } from '../../../../src/core/pipeline/diff/order-hashes.ts';
import { QueueDigests } from '../../../../src/core/pipeline/diff/queue-digests.ts';
import * as queue from '../../../../src/core/pipeline/diff/step-queue.ts';
import { batchOf, type EventInput } from '../../../world/event-builder.ts';

const EVENT: fc.Arbitrary<EventInput> = fc.record(
  {
    kind: fc.constantFrom(
      ...Array.from({ length: 10 }, () => record.KIND_ADD),
      ...[
        record.KIND_MODIFY,
        record.KIND_REPLACE,
        record.KIND_REDUCE,
        record.KIND_DELETE,
        record.KIND_EXECUTE,
      ],
      ...[
        record.KIND_MODIFY,
        record.KIND_REPLACE,
        record.KIND_REDUCE,
        record.KIND_DELETE,
        record.KIND_EXECUTE,
      ],
      record.KIND_CLEAR,
    ),
    // Mostly one queue, so that it is long.
    book: fc.constantFrom(0, 0, 0, 0, 1),
    ask: fc.constantFrom(false, false, false, false, true),
    id: fc.bigInt(1n, 25n),
    price: fc.constantFrom(100n, 100n, 100n, 101n),
    quantity: fc.constantFrom(-1n, 0n, 1n, 2n, 3n, 10n, 1n << 40n),
    related: fc.bigInt(1n, 25n),
    flags: fc.constantFrom(
      ...[0, record.FLAG_KEEP_PRIORITY, record.FLAG_INFORMS, record.FLAG_BEFORE, record.FLAG_BY_KIND].flatMap(
        (flag) => [flag, flag | record.FLAG_LAST, flag | record.FLAG_LAST],
      ),
    ),
  },
  { requiredKeys: ['kind', 'book', 'ask', 'id', 'price', 'quantity', 'flags'] },
);

const RULES: readonly (readonly [string, BookRules])[] = [
  ['itch', itch.rules],
  ['dbn', dbn.rules],
  ['eobi', eobiReleases[0]!.rules],
];

/** Shows a watch the events as a run does: one by one, books named. */
function show(watch: BookWatch, market: Market, batch: EventBatch): void {
  const { words } = batch;
  for (let index = 0; index < batch.count; ) {
    const at = index * record.RECORD_WORDS;
    const next = index + (((words[at]! >> 8) & record.FLAG_EXTENDED) !== 0 ? 2 : 1);
    watch.before(batch, at, market);
    market.apply(batch, index, next);
    watch.after(batch, at, market);
    index = next;
  }
}

/** What the steps of a watch last said of every level: lanes of its queue by `book-side key`. */
function lastSaid({ steps }: BookWatch): Map<string, string> {
  const said = new Map<string, string>();
  for (let position = steps.first; position < steps.end; position += 1) {
    const row = steps.steps.subarray(steps.at(position));
    for (let level = 0; level < row[queue.STEP_LEVEL_COUNT]!; level += 1) {
      const at = steps.levelAt(row[queue.STEP_LEVELS]! + level);
      const [bookSide, key, a, b] = steps.levels.subarray(at, at + 4);
      if (a === 0 && b === 0) said.delete(`${bookSide} ${key}`);
      else said.set(`${bookSide} ${key}`, `${a} ${b}`);
    }
  }
  return said;
}

/** The same of what the market holds, every queue walked anew. */
function held(market: Market, withIds: boolean): Map<string, string> {
  const fresh = new QueueDigests(market, new OrderHashes(withIds));
  const found = new Map<string, string>();
  for (let bookSide = 0; bookSide < market.books * 2; bookSide += 1) {
    for (const level of market.levels.ladders[bookSide]!.fromBest()) {
      fresh.take(level);
      found.set(`${bookSide} ${market.levels.doubles[level * 4 + 3]}`, `${fresh.a} ${fresh.b}`);
    }
  }
  return found;
}

test.each(RULES)('%s: what steps say of the levels is what a walk over their queues says', (name, rules) => {
  void fc.assert(
    fc.property(fc.array(EVENT, { minLength: 1, maxLength: 120 }), fc.boolean(), (events, withIds) => {
      const dictionary = new Dictionary();
      for (const instrument of [7n, 8n]) {
        const scales = { priceScale: 0, quantityScale: 0 };
        dictionary.add({ source: name, publisher: 0, instrument, channel: 0, symbol: null, ...scales });
      }
      const market = new Market(rules, dictionary);
      const watch = new BookWatch('A', withIds);
      watch.start(
        { ...itch, rules },
        {
          timeBase: 'utc',
          framing: null,
          books: null,
          epoch: { high: 0, low: 0 },
          imageEvent: 0,
          places: () => [],
        },
      );
      // The last two end the groups of both books.
      const ends = [0, 1].map((book) => ({ kind: record.KIND_STATUS, book, flags: record.FLAG_LAST }));
      for (let from = 0; from < events.length; from += 4) {
        show(watch, market, batchOf([...events.slice(from, from + 4), ...ends]));
        expect(lastSaid(watch)).toEqual(held(market, withIds));
      }
    }),
    { numRuns: 60 },
  );
});

test('what leaves, moves or changes at any place of a queue', () => {
  const changes: readonly Partial<EventInput>[] = [
    { kind: record.KIND_DELETE },
    { kind: record.KIND_EXECUTE, quantity: 1n },
    { kind: record.KIND_REDUCE, quantity: 1000n },
    { kind: record.KIND_MODIFY, price: 5n, quantity: 70n },
    { kind: record.KIND_MODIFY, price: 6n, quantity: 70n },
    { kind: record.KIND_MODIFY, price: 5n, quantity: 1n, flags: record.FLAG_KEEP_PRIORITY },
    { kind: record.KIND_ADD, price: 5n, quantity: 9n },
  ];
  for (let orders = 1; orders < 9; orders += 1) {
    for (let place = 1; place <= orders; place += 1) {
      for (const change of changes) {
        const dictionary = new Dictionary();
        const key = { source: 'x', publisher: 0, instrument: 7n, channel: 0, symbol: null };
        dictionary.add({ ...key, priceScale: 2, quantityScale: 0 });
        const market = new Market(itch.rules, dictionary);
        const watch = new BookWatch('A', false);
        watch.start(itch, {
          timeBase: 'utc',
          framing: null,
          books: null,
          epoch: { high: 0, low: 0 },
          imageEvent: 0,
          places: () => [],
        });
        const adds = Array.from({ length: orders }, (_, at) => ({
          kind: record.KIND_ADD,
          book: 0,
          id: BigInt(at + 1),
          price: 5n,
          quantity: BigInt(10 * (at + 1)),
          flags: record.FLAG_LAST,
        }));
        const flags = (change.flags ?? 0) | record.FLAG_LAST;
        show(watch, market, batchOf([...adds, { kind: 0, book: 0, id: BigInt(place), ...change, flags }]));
        expect(lastSaid(watch)).toEqual(held(market, false));
      }
    }
  }
});

test('orders in another order, quantities and ids make other digests; other scales do not', () => {
  const lanesOf = (
    orders: readonly (readonly [id: bigint, quantity: bigint])[],
    withIds = false,
    quantityScale = 0,
  ): string => {
    const dictionary = new Dictionary();
    const key = { source: 'x', publisher: 0, instrument: 7n, channel: 0, symbol: null };
    dictionary.add({ ...key, priceScale: 2, quantityScale });
    const market = new Market(itch.rules, dictionary);
    market.apply(
      batchOf(orders.map(([id, quantity]) => ({ kind: record.KIND_ADD, book: 0, id, price: 5n, quantity }))),
    );
    return [...held(market, withIds).values()].join();
  };
  const base = lanesOf([
    [1n, 100n],
    [2n, 30n],
    [3n, 100n],
  ]);
  const orders = (...quantities: bigint[]): (readonly [bigint, bigint])[] =>
    quantities.map((quantity, at) => [BigInt(at + 1), quantity]);
  expect(lanesOf(orders(30n, 100n, 100n))).not.toBe(base);
  expect(lanesOf(orders(100n, 100n, 30n))).not.toBe(base);
  expect(lanesOf(orders(100n, 30n))).not.toBe(base);
  expect(lanesOf(orders(100n, 30n, 101n))).not.toBe(base);
  expect(lanesOf(orders(100n, 30n, 100n).toReversed())).toBe(base);
  expect(lanesOf(orders(100n, 30n, 100n).toReversed(), true)).not.toBe(
    lanesOf(orders(100n, 30n, 100n), true),
  );
  expect(lanesOf(orders(100_000n, 30_000n, 100_000n), false, 3)).toBe(base);
});
