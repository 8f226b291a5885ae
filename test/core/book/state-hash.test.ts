import { describe, expect, it } from 'vitest';
import { formatHash } from '../../../src/core/binary/fnv64.ts';
import { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { FLAG_LAST, KIND_ADD, KIND_LEVEL, NULL_PRICE_HIGH } from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';

const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};
const NULL_PRICE = BigInt(NULL_PRICE_HIGH) << 32n;

function hashOf(
  books: readonly { publisher: number; instrument: bigint }[],
  events: readonly EventInput[],
  rules: BookRules = RULES,
): string {
  const dictionary = new Dictionary();
  for (const { publisher, instrument } of books) {
    dictionary.add({
      source: 'test',
      publisher,
      instrument,
      channel: 0,
      priceScale: 0,
      quantityScale: 0,
      symbol: null,
    });
  }
  const market = new Market(rules, dictionary);
  market.apply(batchOf(events));
  const { version, hash } = stateHash(market);
  return `${version} ${formatHash(hash)}`;
}

const add = (book: number, id: bigint, price: bigint, quantity: bigint, ask = false): EventInput => ({
  kind: KIND_ADD,
  flags: FLAG_LAST,
  book,
  id,
  price,
  quantity,
  ask,
});

// Expected values: those of the public engine whose export order this hash shares, and worked examples.
describe('state hash, version 1', () => {
  it('of no books', () => {
    expect(hashOf([], [])).toBe('1 0x5f242d39c2422be4');
  });

  it('of one bid', () => {
    expect(hashOf([{ publisher: 0, instrument: 7n }], [add(0, 42n, 100n, 5n)])).toBe('1 0xc860a74aee0f1f0b');
  });

  it('of two books, in the order of their instruments and not of their first sight', () => {
    const books = [
      { publisher: 0, instrument: 2n },
      { publisher: 0, instrument: 1n },
    ];
    expect(hashOf(books, [add(0, 1n, 200n, 20n, true), add(1, 2n, 100n, 10n)])).toBe('1 0x265c0811f95c1e57');
  });

  it('leaves out books without orders', () => {
    const books = [
      { publisher: 3, instrument: 9n },
      { publisher: 0, instrument: 7n },
    ];
    expect(hashOf(books, [add(1, 42n, 100n, 5n)])).toBe('1 0xc860a74aee0f1f0b');
  });
});

describe('state hash, version 2', () => {
  it('of a book with a publisher', () => {
    const books = [{ publisher: 1, instrument: 432669n }];
    expect(hashOf(books, [add(0, 8058566314544n, 64830000000n, 1n, true)])).toBe('2 0x8df89423054e7168');
  });

  it('of a book of price levels', () => {
    const books = [{ publisher: 0, instrument: 7n }];
    const level = (price: bigint, quantity: bigint, orders: bigint): EventInput => ({
      kind: KIND_LEVEL,
      flags: FLAG_LAST,
      book: 0,
      id: orders,
      price,
      quantity,
    });
    expect(hashOf(books, [level(100n, 50n, 3n), level(101n, 20n, 0n)])).toBe('2 0x7778a113e4099446');
  });

  it('puts orders without a price ahead of all limits', () => {
    // T7: the id that is hashed is FNV-1a 64 of (security id i64, side u8, time priority u64).
    const books = [{ publisher: 0, instrument: 1n << 40n }];
    const events = [add(0, 11n, -18000000n, 7n), add(0, 10n, NULL_PRICE, 5n)];
    expect(hashOf(books, events, { ...RULES, idScope: 'bookSide' })).toBe('2 0xe4d702bbb3dc5fba');
  });
});
