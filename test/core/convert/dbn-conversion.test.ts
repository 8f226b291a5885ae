import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { Market } from '../../../src/core/book/market.ts';
import { ordersOf } from '../../../src/core/book/view.ts';
import { DbnConversion, type DbnOptions } from '../../../src/core/convert/dbn-conversion.ts';
import { EventBatch } from '../../../src/core/event/batch.ts';
import { Dictionary } from '../../../src/core/event/dictionary.ts';
import {
  FLAG_BEFORE,
  FLAG_FULL,
  FLAG_INFORMS,
  FLAG_KEEP_PRIORITY,
  FLAG_LAST,
  FLAG_ONE_SIDE,
  FLAG_QUANTITY_ONLY,
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
  KIND_TRADE,
  NO_BOOK,
} from '../../../src/core/event/record.ts';
import type { BookRules } from '../../../src/core/event/rules.ts';
import { EventWriter } from '../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../src/core/feeds/counts.ts';
import { dbn } from '../../../src/core/feeds/dbn/index.ts';
import { readRecord } from '../../../src/core/feeds/dbn/records.ts';
import type { Feed } from '../../../src/core/feeds/feed.ts';
import { itch } from '../../../src/core/feeds/itch/index.ts';
import { Books } from '../../../src/core/pipeline/books.ts';
import { batchOf, type EventInput } from '../../world/event-builder.ts';
import { publicId } from '../../world/public-id.ts';
import { MARKET_PRICE, ReferenceMarket } from '../../world/reference-book.ts';

const RULES: BookRules = {
  idScope: 'book',
  groupScope: 'book',
  modifyUnknown: 'ignore',
  replaceUnknown: 'ignore',
  modifyPriority: 'lost',
};

interface Instrument {
  readonly instrument: bigint;
  readonly symbol?: string;
  readonly priceScale?: number;
  readonly quantityScale?: number;
}
const TWO: readonly Instrument[] = [{ instrument: 10n }, { instrument: 11n }];

/** Converts events that come one by one. */
function convert(
  events: readonly EventInput[],
  rules: BookRules = RULES,
  instruments: readonly Instrument[] = TWO,
  options: Partial<DbnOptions> = {},
): { readonly bytes: Uint8Array; readonly conversion: DbnConversion } {
  const chunks: Uint8Array[] = [];
  const conversion = new DbnConversion((chunk) => chunks.push(chunk.slice()), {
    sizeScale: 0,
    lossy: false,
    compress: false,
    ...options,
  });
  const dictionary = new Dictionary();
  for (const { instrument, symbol = null, priceScale = 0, quantityScale = 0 } of instruments) {
    dictionary.add({
      source: 'test',
      publisher: 0,
      instrument,
      channel: 0,
      priceScale,
      quantityScale,
      symbol,
    });
  }
  conversion.start({ ...itch, rules } as Feed);
  const books = new Books(rules, dictionary, null, [conversion]);
  for (const [index, event] of events.entries()) {
    const batch = batchOf([event]);
    batch.sequenceBase = index + 1;
    batch.receiveBaseLow = 1000 + index;
    books.accept(batch);
  }
  conversion.finish();
  return { bytes: Buffer.concat(chunks), conversion };
}

/** The books that a reader of the file ends with, in the words of the reference. */
function replayed(bytes: Uint8Array): string[] {
  const dictionary = new Dictionary();
  const market = new Market(dbn.rules, dictionary);
  const writer = new EventWriter(new EventBatch(), { accept: (batch) => market.apply(batch) });
  const window = new ByteWindow(Math.max(bytes.length, 4096));
  window.room().set(bytes);
  window.commit(bytes.length);
  window.ended = true;
  const counts = new FeedCounts(dbn.typeCount);
  const decoder = dbn.streamDecoder!({ channel: 0, dictionary, writer, counts, midnight: null }, 'dbn');
  decoder.decode(window);
  writer.flush();
  expect([decoder.problem, counts.malformed, counts.unknown]).toEqual([null, 0, 0]);
  const books = dictionary.books.toSorted((a, b) => Number(a.instrument - b.instrument));
  return books.flatMap(({ number, instrument }) =>
    [false, true].flatMap((ask) =>
      [...ordersOf(market, number, ask)].map(
        ({ id, price, quantity }) =>
          `${Number(instrument) - 10} ${ask ? 'ask' : 'bid'} ${price === null ? 'market' : BigInt(price) / 1_000_000_000n} #${id} ${quantity}`,
      ),
    ),
  );
}

/** Every record of a file by the names of its fields. */
function recordsOf(bytes: Uint8Array): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = [];
  const start = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  for (let at = start; at < bytes.length; at += bytes[at]! * 4) records.push(readRecord(bytes, at, 3)!);
  return records;
}

/** A record as few words: action, side, order, price, size, L where it ends its group. */
const brief = (record: Record<string, unknown>): string => {
  if (record['action'] === undefined) return `${record['stype_in_symbol']} is ${record['stype_out_symbol']}`;
  const price = record['price'] === (1n << 63n) - 1n ? '-' : Number(record['price']) / 1e9;
  const last = (Number(record['flags']) & 128) !== 0 ? ' L' : '';
  return `${record['action']} ${record['side']} #${record['order_id']} ${price} x ${record['size']}${last}`;
};
const briefs = (bytes: Uint8Array): string[] => recordsOf(bytes).map(brief);

const oneOf = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Few ids, books and prices, so that everything meets; nothing that DBN cannot say. */
const anyEvent: fc.Arbitrary<EventInput> = fc
  .record({
    kind: fc.oneof(
      { weight: 8, arbitrary: oneOf(KIND_ADD) },
      {
        weight: 10,
        arbitrary: oneOf(KIND_MODIFY, KIND_REPLACE, KIND_REDUCE, KIND_DELETE, KIND_EXECUTE, KIND_TRADE),
      },
      { weight: 1, arbitrary: oneOf(KIND_CLEAR) },
    ),
    book: oneOf(0, 1),
    ask: fc.boolean(),
    id: fc.bigInt(1n, 6n),
    price: fc.oneof(
      { weight: 8, arbitrary: fc.bigInt(-2n, 4n) },
      { weight: 1, arbitrary: fc.constant(MARKET_PRICE) },
    ),
    quantity: fc.bigInt(0n, 9n),
    related: fc.bigInt(1n, 6n),
    flags: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  })
  .map(({ kind, related, flags: [last, byKind, keep], ...event }) => {
    const isSized = kind !== KIND_TRADE || event.quantity > 0n;
    const mayFlag = kind === KIND_CLEAR || kind === KIND_EXECUTE;
    const flags =
      (last ? FLAG_LAST : 0) |
      (byKind && mayFlag ? FLAG_FULL : 0) |
      (keep && kind === KIND_EXECUTE ? FLAG_INFORMS : 0);
    return {
      kind,
      ...event,
      quantity: isSized ? event.quantity : 1n,
      flags,
      ...(kind === KIND_REPLACE ? { related } : {}),
    };
  });

describe('any feed as DBN', () => {
  const anyRules: fc.Arbitrary<BookRules> = fc.record({
    idScope: oneOf('source' as const, 'book' as const, 'bookSide' as const),
    groupScope: oneOf('book' as const, 'source' as const),
    modifyUnknown: oneOf('add' as const, 'ignore' as const),
    replaceUnknown: oneOf('add' as const, 'ignore' as const),
    modifyPriority: oneOf('lost' as const, 'keptUnlessBetter' as const),
  });

  it('ends with the same books, order by order, whatever the events and rules', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), anyRules, (events, rules) => {
        const reference = new ReferenceMarket(rules);
        for (const event of events) reference.apply(event);
        const wanted = reference.state().map((line) => {
          if (rules.idScope !== 'bookSide') return line;
          const [book, side, , id] = line.split(' ') as [string, string, string, string];
          const hash = publicId(BigInt(book) + 10n, side === 'ask', BigInt(id.slice(1)));
          return line.replace(/#\d+/, `#${hash}`);
        });
        expect(replayed(convert(events, rules).bytes)).toEqual(wanted);
      }),
      { numRuns: 400 },
    );
  });

  it('ends the group of every book that the events of a group name', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { maxLength: 30 }),
        oneOf('book' as const, 'source' as const),
        (events, groupScope) => {
          const end = (book: number): EventInput => ({ kind: KIND_DELETE, book, id: 99n, flags: FLAG_LAST });
          const ends = groupScope === 'source' ? [end(0)] : [end(0), end(1)];
          const { bytes } = convert([...events, ...ends], { ...RULES, groupScope });
          const last = new Map(
            recordsOf(bytes).map((record) => [record['instrument_id'], Number(record['flags']) & 128]),
          );
          expect([...last.values()].every((flag) => flag === 128)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('what events become', () => {
  const add = (id: bigint, quantity: bigint, price = 5n, ask = false): EventInput => ({
    kind: KIND_ADD,
    book: 0,
    id,
    price,
    quantity,
    ask,
    flags: FLAG_LAST,
  });

  it.each<[string, EventInput[], string[]]>([
    [
      'a full execution',
      [{ kind: KIND_EXECUTE, book: 0, id: 1n, quantity: 7n }],
      ['F B #1 5 x 7', 'C B #1 5 x 7 L'],
    ],
    [
      'a partial execution',
      [{ kind: KIND_EXECUTE, book: 0, id: 1n, quantity: 3n }],
      ['F B #1 5 x 3', 'M B #1 5 x 4 L'],
    ],
    [
      'a replace',
      [{ kind: KIND_REPLACE, book: 0, id: 8n, related: 1n, price: 6n, quantity: 2n }],
      ['C B #1 5 x 7', 'A B #8 6 x 2 L'],
    ],
    [
      'an execution of more than there is',
      [{ kind: KIND_EXECUTE, book: 0, id: 1n, quantity: 9n }],
      ['F B #1 5 x 9', 'C B #1 5 x 7 L'],
    ],
    ['an execution of nothing', [{ kind: KIND_EXECUTE, book: 0, id: 1n, quantity: 0n }], []],
    ['a reduce', [{ kind: KIND_REDUCE, book: 0, id: 1n, quantity: 3n }], ['C B #1 5 x 3 L']],
    [
      'a reduce of more than there is',
      [{ kind: KIND_REDUCE, book: 0, id: 1n, quantity: 9n }],
      ['C B #1 5 x 7 L'],
    ],
    ['a reduce of nothing', [{ kind: KIND_REDUCE, book: 0, id: 1n, quantity: 0n }], []],
    ['a delete', [{ kind: KIND_DELETE, book: 0, id: 1n }], ['C B #1 5 x 7 L']],
    ['a modify', [{ kind: KIND_MODIFY, book: 0, id: 1n, price: 4n, quantity: 9n }], ['M B #1 4 x 9 L']],
    [
      'a modify that loses its place',
      [{ kind: KIND_MODIFY, book: 0, id: 1n, price: 5n, quantity: 6n }],
      ['C B #1 5 x 7', 'A B #1 5 x 6 L'],
    ],
    ['a clear', [{ kind: KIND_CLEAR, book: 0 }], ['R N #0 - x 0 L']],
    [
      'a clear of one side',
      [{ kind: KIND_CLEAR, book: 0, flags: FLAG_ONE_SIDE }],
      ['C B #1 5 x 7', 'C B #2 5 x 1 L'],
    ],
    ['a new session', [{ kind: KIND_SESSION, book: NO_BOOK, id: 1n }], ['R N #0 - x 0 L']],
    ['a market order', [{ ...add(9n, 2n), price: MARKET_PRICE }], ['A B #9 - x 2 L']],
    ['an unknown order', [{ kind: KIND_DELETE, book: 0, id: 77n }], []],
  ])('%s', (_name, events, wanted) => {
    const { bytes } = convert([
      add(1n, 7n),
      add(2n, 1n),
      ...events.map((event) => ({ ...event, flags: (event.flags ?? 0) | FLAG_LAST })),
    ]);
    expect(briefs(bytes).slice(2)).toEqual(wanted);
  });

  it('a gap leaves its books stale, and a clear of them ends that', () => {
    const { bytes } = convert([
      add(1n, 7n),
      { kind: KIND_GAP, book: NO_BOOK, id: 5n, quantity: 2n },
      add(2n, 1n),
    ]);
    expect(recordsOf(bytes).map((record) => [record['action'], record['flags']])).toEqual([
      ['A', 128],
      ['N', 132],
      ['A', 132],
    ]);
  });

  it('times and numbers stay', () => {
    const [record] = recordsOf(convert([add(1n, 7n)]).bytes);
    expect(record).toMatchObject({
      ts_recv: 1000n,
      sequence: 1,
      channel_id: 0,
      publisher_id: 0,
      instrument_id: 10,
    });
  });
});

describe('instruments', () => {
  const add = (book: number): EventInput => ({
    kind: KIND_ADD,
    book,
    id: 1n,
    price: 1n,
    quantity: 1n,
    flags: FLAG_LAST,
  });

  it('keep numbers of 32 bits, others are numbered from 1 and their mapping names the original', () => {
    const { bytes } = convert([add(0), add(1), add(2), add(3)], RULES, [
      { instrument: 1n << 40n },
      { instrument: 1n },
      { instrument: 0n, symbol: 'ZERO' },
      { instrument: (1n << 40n) + 1n, symbol: 'BIG' },
    ]);
    expect(recordsOf(bytes).map((record) => `${record['instrument_id']} ${brief(record)}`)).toEqual([
      `1 ${1n << 40n} is ${1n << 40n}`,
      '1 A B #1 1 x 1 L',
      // 1 is taken, so the venue's 1 is 2 here.
      '2 1 is 1',
      '2 A B #1 1 x 1 L',
      '0 0 is ZERO',
      '0 A B #1 1 x 1 L',
      `3 ${(1n << 40n) + 1n} is BIG`,
      '3 A B #1 1 x 1 L',
    ]);
  });
});

describe('what DBN cannot say', () => {
  const add = (quantity: bigint, price = 5n): EventInput => ({
    kind: KIND_ADD,
    book: 0,
    id: 1n,
    price,
    quantity,
  });
  const grow = (flag: number): EventInput => ({
    kind: KIND_MODIFY,
    book: 0,
    id: 1n,
    price: 5n,
    quantity: 9n,
    flags: flag,
  });

  it.each<[string, EventInput[], Instrument, string]>([
    [
      'a part of a unit',
      [add(150n)],
      { instrument: 7n, quantityScale: 2 },
      'add of message 1 in channel 0, instrument 7: quantity 1.50 is no whole number',
    ],
    [
      'a large size',
      [add(1n << 32n)],
      { instrument: 7n },
      'quantity 4294967296 is more than a size of 32 bits holds',
    ],
    [
      'a small price',
      [add(1n, 15n)],
      { instrument: 7n, priceScale: 10 },
      'price 0.0000000015 is no whole number of units of 10^-9',
    ],
    [
      'a large price',
      [add(1n, 10_000_000_000n)],
      { instrument: 7n },
      'price 10000000000 is no whole number of units of 10^-9 within 64 bits',
    ],
    [
      'growing in place',
      [add(1n), grow(FLAG_QUANTITY_ONLY)],
      { instrument: 7n, symbol: 'S' },
      'modify of message 2 in channel 0, instrument S: an order that grows and keeps its place',
    ],
    [
      'growing in place by flag',
      [add(1n), grow(FLAG_KEEP_PRIORITY)],
      { instrument: 7n },
      'an order that grows and keeps its place',
    ],
    [
      'entering before another',
      [add(1n), { ...add(1n), id: 2n, related: 1n, flags: FLAG_BEFORE }],
      { instrument: 7n },
      'an order that enters in front of another one',
    ],
    [
      'a level',
      [{ kind: KIND_LEVEL, book: 0, price: 5n, quantity: 1n }],
      { instrument: 7n },
      'a price level without its orders',
    ],
  ])('%s ends the conversion at once', (_name, events, instrument, message) => {
    expect(() => convert(events, RULES, [instrument])).toThrow(message);
  });

  it('sizes may count smaller units', () => {
    const { bytes } = convert([add(150n)], RULES, [{ instrument: 7n, quantityScale: 2 }], { sizeScale: 3 });
    expect(briefs(bytes)).toEqual(['A B #1 5 x 1500']);
  });

  it('growth in place is written as a modify and counted where a loss is allowed', () => {
    const { bytes, conversion } = convert([add(1n), grow(FLAG_QUANTITY_ONLY)], RULES, TWO, { lossy: true });
    expect([briefs(bytes), conversion.lossy]).toEqual([['A B #1 5 x 1', 'M B #1 5 x 9'], 1]);
  });
});
