import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { Market } from '../../../src/core/book/market.ts';
import { stateHash } from '../../../src/core/book/state-hash.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import { KIND_ADD, KIND_GAP, KIND_LEVEL } from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { obsnap } from '../../../src/core/feeds/obsnap/index.ts';
import {
  OBSNAP_END,
  OBSNAP_FULL,
  OBSNAP_MORE,
  OBSNAP_TRUNCATED,
  ObsnapReader,
} from '../../../src/core/journal/obsnap-reader.ts';
import { writeObsnap } from '../../../src/core/journal/obsnap-writer.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { publicId } from '../../world/public-id.ts';
import { MARKET_PRICE } from '../../world/reference-book.ts';

/** Version 2, wall time 1, cursor 42, one instrument 7 with the bid 42 at 100 × 5. */
const V2 = Buffer.from(
  '4f42534e41500000000000020000000000000001000000000000002a0100000001000000000000000700000001000000000000002a000000000000006400000000000000050000000000000000000000',
  'hex',
);
/** The same as version 1, which has no cursor. */
const V1 = Buffer.concat([V2.subarray(0, 11), Buffer.of(1), V2.subarray(12, 20), V2.subarray(28)]);

interface ReadBack {
  readonly reader: ObsnapReader;
  readonly answer: number;
  readonly market: Market;
}

const window = new ByteWindow(1 << 16);

function read(bytes: Uint8Array, size: number = bytes.length, capacity = 3): ReadBack {
  window.reset();
  const dictionary = new Dictionary();
  const market = new Market(obsnap.rules, dictionary);
  const reader = new ObsnapReader(window, dictionary);
  const batch = new EventBatch(capacity);
  let fed = 0;
  for (;;) {
    const answer = reader.fill(batch, Number.POSITIVE_INFINITY);
    if (batch.count > 0) market.apply(batch);
    batch.count = 0;
    if (answer === OBSNAP_FULL) continue;
    if (answer !== OBSNAP_MORE) return { reader, answer, market };
    const room = window.room();
    const count = Math.min(size, room.length, bytes.length - fed);
    room.set(bytes.subarray(fed, fed + count));
    window.commit(count);
    fed += count;
    window.ended = fed === bytes.length;
  }
}

function marketOf(
  events: readonly EventInput[],
  rules: BookRules = obsnap.rules,
  publishers: readonly number[] = [0, 0, 0],
): Market {
  const dictionary = new Dictionary();
  for (const [book, publisher] of publishers.entries()) {
    dictionary.add({
      ...{ source: 'x', publisher, instrument: BigInt(9 - book), channel: 0 },
      ...{ priceScale: 0, quantityScale: 0, symbol: null },
    });
  }
  const market = new Market(rules, dictionary);
  market.apply(batchOf(events));
  return market;
}

function written(market: Market): Uint8Array {
  const chunks: Uint8Array[] = [];
  writeObsnap((bytes) => chunks.push(bytes.slice()), [market], { wallTime: 1n, cursor: 42n });
  return Buffer.concat(chunks);
}

describe('snapshot files of an older engine', () => {
  it.each([
    [V2, 2, 42n],
    [V1, 1, null],
  ] as const)('reads the example of each version', (bytes, version, cursor) => {
    for (let size = 1; size <= bytes.length; size += 1) {
      const { reader, answer, market } = read(bytes, size);
      expect([reader.problem, answer]).toEqual([null, OBSNAP_END]);
      expect([reader.version, reader.wallTime, reader.cursor]).toEqual([version, 1n, cursor]);
      expect(stateHash(market)).toEqual({ version: 1, hash: 0xc860a74aee0f1f0bn });
    }
  });

  it('writes the example', () => {
    const dictionary = new Dictionary();
    dictionary.add({
      ...{ source: 'x', publisher: 0, instrument: 7n, channel: 0 },
      ...{ priceScale: 0, quantityScale: 0, symbol: null },
    });
    const market = new Market(obsnap.rules, dictionary);
    market.apply(batchOf([{ kind: KIND_ADD, book: 0, id: 42n, price: 100n, quantity: 5n }]));
    expect(Buffer.from(written(market)).toString('hex')).toBe(V2.toString('hex'));
  });

  it('brings back books, queues and hash', () => {
    const anyOrder = fc.record({
      kind: fc.constant(KIND_ADD),
      book: fc.nat(2),
      ask: fc.boolean(),
      id: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      price: fc.bigInt({ min: -3n, max: 3n }),
      quantity: fc.oneof(fc.bigInt({ min: 1n, max: 9n }), fc.constant(1n << 40n)),
    });
    fc.assert(
      fc.property(fc.array(anyOrder), fc.integer({ min: 1, max: 99 }), (orders, size) => {
        const market = marketOf(orders);
        const bytes = written(market);
        const { answer, market: loaded } = read(bytes, size);
        expect(answer).toBe(OBSNAP_END);
        expect(stateHash(loaded)).toEqual(stateHash(market));
        expect(Buffer.from(written(loaded)).equals(bytes)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('gives T7 orders the ids that everybody outside knows', () => {
    const rules: BookRules = { ...obsnap.rules, idScope: 'bookSide' };
    const market = marketOf([{ kind: KIND_ADD, book: 0, ask: true, id: 5n, price: 1n, quantity: 1n }], rules);
    const { market: loaded } = read(written(market));
    expect(stateHash(loaded)).toEqual(stateHash(market));
    const view = new DataView(Uint8Array.from(written(market)).buffer);
    expect(view.getBigUint64(28 + 12 + 12, true)).toBe(publicId(9n, true, 5n));
  });

  it.each([
    ['a book of price levels', marketOf([{ kind: KIND_LEVEL, book: 1, price: 1n, quantity: 1n }])],
    [
      'orders without a price',
      marketOf([{ kind: KIND_ADD, book: 1, id: 1n, price: MARKET_PRICE, quantity: 1n }]),
    ],
    [
      'publisher 3',
      marketOf([{ kind: KIND_ADD, book: 1, id: 1n, price: 1n, quantity: 1n }], obsnap.rules, [0, 3]),
    ],
    ['stale', marketOf([{ kind: KIND_GAP, book: 1 }])],
  ])('refuses what it cannot hold: %s', (problem, market) => {
    const sink = (): never => {
      throw new Error('something was written');
    };
    expect(() => writeObsnap(sink, [market], { wallTime: 1n, cursor: null })).toThrowError(
      expect.objectContaining({ code: 'no-form', message: expect.stringContaining(problem) }),
    );
  });

  it('tells where it is cut', () => {
    for (let cut = 8; cut < V2.length; cut += 1) {
      const { reader, answer } = read(V2.subarray(0, cut));
      expect([cut, answer]).toEqual([cut, OBSNAP_TRUNCATED]);
      expect(reader.problemOffset).toBeLessThanOrEqual(cut);
    }
  });

  const mutant = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = Uint8Array.from(V2);
    copy.set(bytes, at);
    return copy;
  };
  it.each([
    ['a snapshot of version 3', mutant(11, 3), 0],
    ['a body of version 2', mutant(28, 2), 28],
    ['more instruments than there can be', mutant(39, 1), 28],
    ['more orders of instrument 7', mutant(51, 1), 40],
    ['1 orders and 0 instruments are to come', mutant(44, 2), 80],
    ['the price of order 42', mutant(67, 0x7f), 52],
    ['the quantity of order 42', mutant(68, 0), 52],
    ['the quantity of order 42', mutant(75, 0x80), 52],
    ['order 42 is on side 2', mutant(76, 2), 52],
    ['bytes behind the last order', Buffer.concat([V2, Buffer.of(0)]), 80],
    ['instrument 7 stands in it twice', Buffer.concat([mutant(32, 2), V2.subarray(40)]), 80],
  ])('tells what cannot be: %s', (problem, bytes, offset) => {
    const { reader } = read(bytes);
    expect(reader.problem).toContain(problem);
    expect(reader.problemOffset).toBe(offset);
  });
});
