import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FLAG_ASK, FLAG_LAST, FLAG_SNAPSHOT } from '../../../../src/core/event/record.ts';
import { decodeMetadata, encodeMetadata } from '../../../../src/core/feeds/dbn/metadata.ts';
import { type RecordValues, type ScalarValues, writeRecord } from '../../../../src/core/feeds/dbn/records.ts';
import {
  concat,
  type Decoded,
  type DecodeOptions,
  decodeStream,
  headBytes,
  mboBytes,
  type PlainEvent,
  PRICE_UNDEFINED,
  SIZE_UNDEFINED,
  T0,
} from './stream.ts';

const MBP_1 = 0x01;
const MBP_10 = 0x0a;
const CMBP_1 = 0xb1;
const CBBO_1S = 0xc0;
const TCBBO = 0xc2;
const BBO_1S = 0xc3;
const TRADES = 0x00;
const F_LAST = 128;

type Level = readonly [price: number, size: number, count: number];

/** Levels of a record: what stands at each index on both sides, empty where there is nothing. */
function levels(
  bids: readonly Level[],
  asks: readonly Level[],
  count: number,
  isConsolidated = false,
): ScalarValues[] {
  return Array.from({ length: count }, (_, at) => {
    const [bidPrice, bidSize, bidCount] = bids[at] ?? [null, 0, 0];
    const [askPrice, askSize, askCount] = asks[at] ?? [null, 0, 0];
    return {
      bid_px: bidPrice === null ? PRICE_UNDEFINED : BigInt(bidPrice),
      ask_px: askPrice === null ? PRICE_UNDEFINED : BigInt(askPrice),
      bid_sz: bidSize,
      ask_sz: askSize,
      ...(isConsolidated ? { bid_pb: bidCount, ask_pb: askCount } : { bid_ct: bidCount, ask_ct: askCount }),
    };
  });
}

function shown(
  rtype: number,
  bids: readonly Level[],
  asks: readonly Level[],
  values: RecordValues = {},
): Uint8Array {
  const isConsolidated = rtype === CMBP_1 || rtype === CBBO_1S || rtype === TCBBO;
  return writeRecord(
    {
      rtype,
      publisher_id: 1,
      instrument_id: 7,
      ts_event: T0,
      ts_recv: T0,
      flags: F_LAST,
      ...(rtype === BBO_1S || rtype === CBBO_1S ? {} : { action: 'A', side: 'B' }),
      levels: levels(bids, asks, rtype === MBP_10 ? 10 : 1, isConsolidated),
      ...values,
    },
    3,
  );
}

function trade(values: RecordValues = {}): Uint8Array {
  return writeRecord(
    {
      rtype: TRADES,
      publisher_id: 1,
      instrument_id: 7,
      ts_event: T0,
      ts_recv: T0,
      action: 'T',
      side: 'A',
      flags: F_LAST,
      price: 5n,
      size: 2,
      ...values,
    },
    3,
  );
}

/** Head of a file with a schema. */
function head(schema: number): Uint8Array {
  return encodeMetadata({ ...decodeMetadata(headBytes()), schema });
}

const decode = (schema: number, ...records: readonly Uint8Array[]): Decoded =>
  decodeStream(concat(head(schema), ...records));

/** An event in a line: `level bid 100 × 5 (2) last`. */
function text({ kind, flags, price, quantity, id, aggressor }: PlainEvent): string {
  const side = kind === 'level' ? ((flags & FLAG_ASK) !== 0 ? ' ask' : ' bid') : '';
  const body =
    kind === 'level'
      ? ` ${price} × ${quantity} (${id})`
      : kind === 'trade'
        ? ` ${price} × ${quantity} by ${['none', 'buyer', 'seller'][aggressor!]}`
        : '';
  const snapshot = (flags & FLAG_SNAPSHOT) !== 0 ? ' snapshot' : '';
  return `${kind}${side}${body}${snapshot}${(flags & FLAG_LAST) !== 0 ? ' last' : ''}`;
}

const lines = ({ events }: Decoded): string[] => events.map(text);

describe('what changed', () => {
  test('the first record shows everything, the next ones only what is another', () => {
    const bids: Level[] = [
      [100, 5, 2],
      [99, 7, 3],
    ];
    const asks: Level[] = [[101, 4, 1]];
    const decoded = decode(
      2,
      shown(MBP_10, bids, asks),
      shown(MBP_10, [bids[0]!, [99, 7, 4]], [[101, 9, 1]]),
      shown(MBP_10, [bids[0]!, [99, 7, 4]], [[101, 9, 1]]),
    );
    expect(lines(decoded)).toEqual([
      'level bid 100 × 5 (2)',
      'level bid 99 × 7 (3)',
      'level ask 101 × 4 (1) last',
      'level ask 101 × 9 (1)',
      'level bid 99 × 7 (4) last',
      'venue last',
    ]);
    expect(decoded.events.map(({ sequence }) => sequence)).toEqual([1, 1, 1, 2, 2, 3]);
    expect(decoded.byType).toEqual({ 'mbp-10': 3 });
  });

  test('a level that comes, one that goes, and one that falls out of what is shown', () => {
    const full = Array.from({ length: 10 }, (_, at): Level => [100 - at, 1, 1]);
    const decoded = decode(
      2,
      shown(MBP_10, full, []),
      shown(MBP_10, [[103, 2, 1], ...full.slice(0, 9)], []),
      shown(MBP_10, [...full.slice(0, 4), ...full.slice(5), [80, 6, 2]], []),
      shown(MBP_10, [], []),
    );
    expect(lines(decoded).slice(10, 15)).toEqual([
      'level bid 103 × 2 (1)',
      'level bid 91 × 0 (0) last',
      'level bid 103 × 0 (0)',
      'level bid 96 × 0 (0)',
      'level bid 91 × 1 (1)',
    ]);
    expect(lines(decoded)[15]).toBe('level bid 80 × 6 (2) last');
    expect(decoded.events.slice(16).map(({ price, quantity }) => [price, quantity])).toEqual(
      [...full.slice(0, 4), ...full.slice(5), [80]].map(([price]) => [BigInt(price!), 0n]),
    );
  });

  test('negative prices and those beyond 32 bits are put in order', () => {
    const decoded = decode(
      2,
      shown(
        MBP_10,
        [
          [-1, 1, 1],
          [-(2 ** 40), 1, 1],
        ],
        [
          [2 ** 40, 1, 1],
          [2 ** 40 + 1, 2, 1],
        ],
      ),
      shown(
        MBP_10,
        [
          [3, 1, 1],
          [-1, 1, 1],
          [-5, 1, 1],
        ],
        [
          [-7, 1, 1],
          [2 ** 40 + 1, 2, 1],
        ],
      ),
    );
    expect(decoded.counts.malformed).toBe(0);
    expect(lines(decoded).slice(4)).toEqual([
      'level bid 3 × 1 (1)',
      'level bid -5 × 1 (1)',
      `level bid ${-(2 ** 40)} × 0 (0)`,
      'level ask -7 × 1 (1)',
      `level ask ${2 ** 40} × 0 (0) last`,
    ]);
  });

  test('a clear begins a new book', () => {
    const decoded = decode(
      1,
      shown(MBP_1, [[100, 5, 2]], []),
      shown(MBP_1, [], [], { action: 'R', side: 'N', flags: F_LAST | 32 }),
      shown(MBP_1, [[100, 5, 2]], [], { flags: F_LAST | 32 }),
      shown(MBP_1, [[100, 6, 2]], [], { action: 'R', side: 'N' }),
    );
    expect(lines(decoded)).toEqual([
      'level bid 100 × 5 (2) last',
      'clear snapshot last',
      'level bid 100 × 5 (2) snapshot last',
      'clear',
      'level bid 100 × 6 (2) last',
    ]);
  });

  test('books stand side by side', () => {
    const decoded = decode(
      1,
      shown(MBP_1, [[100, 5, 2]], []),
      shown(MBP_1, [[200, 5, 2]], [], { instrument_id: 8 }),
      shown(MBP_1, [[200, 5, 2]], [], { publisher_id: 2 }),
      shown(MBP_1, [[100, 5, 2]], []),
    );
    expect(decoded.events.map(({ kind, book }) => [kind, book])).toEqual([
      ['level', 0],
      ['level', 1],
      ['level', 2],
      ['venue', 0],
    ]);
  });

  test('a group ends with F_LAST only', () => {
    const decoded = decode(
      1,
      shown(MBP_1, [[100, 5, 2]], [], { flags: 0 }),
      shown(MBP_1, [[100, 5, 2]], [], { flags: 0 }),
      shown(MBP_1, [[100, 5, 2]], []),
    );
    expect(lines(decoded)).toEqual(['level bid 100 × 5 (2)', 'venue last']);
    expect(decoded.counts.messages).toBe(3);
  });
});

describe('trades', () => {
  const values = { action: 'T', side: 'A', price: 100n, size: 3 };

  test('mbp shows the book behind the trade', () => {
    expect(lines(decode(1, shown(MBP_1, [[99, 5, 2]], [], values)))).toEqual([
      'trade 100 × 3 by seller',
      'level bid 99 × 5 (2) last',
    ]);
  });

  test('tbbo and tcbbo show the one before it', () => {
    const expected = ['level bid 100 × 5 (2)', 'trade 100 × 3 by seller last'];
    expect(lines(decode(3, shown(MBP_1, [[100, 5, 2]], [], values)))).toEqual(expected);
    expect(lines(decode(17, shown(TCBBO, [[100, 5, 2]], [], values)))).toEqual([
      'level bid 100 × 5 (0)',
      expected[1],
    ]);
  });

  test('the schema trades has nothing else', () => {
    const decoded = decode(4, trade(), trade({ side: 'N', flags: 0 }), trade({ size: SIZE_UNDEFINED }));
    expect(lines(decoded)).toEqual(['trade 5 × 2 by seller last', 'trade 5 × 2 by none', 'venue last']);
    expect(decoded.byType).toEqual({ trades: 2 });
    expect([...decoded.counts.problems.keys()]).toEqual(['trades with undefined size']);
  });
});

describe('intervals and consolidated books', () => {
  test('each record of an interval is a group, and its last trade is no event', () => {
    const values = { flags: 0, price: 100n, size: 3, side: 'A' };
    expect(
      lines(decode(18, shown(BBO_1S, [[99, 5, 2]], [], values), shown(BBO_1S, [[99, 5, 2]], [], values))),
    ).toEqual(['level bid 99 × 5 (2) last', 'venue last']);
  });

  test('what consolidated levels have in place of a count is none', () => {
    const decoded = decode(
      15,
      shown(CBBO_1S, [[99, 5, 30]], [[101, 1, 31]], { flags: 0 }),
      shown(CBBO_1S, [[99, 5, 32]], [[101, 2, 31]], { flags: 0 }),
      shown(CBBO_1S, [[99, 5, 33]], [[101, 2, 31]], { flags: 0 }),
    );
    expect(lines(decoded)).toEqual([
      'level bid 99 × 5 (0)',
      'level ask 101 × 1 (0) last',
      'level ask 101 × 2 (0) last',
      'venue last',
    ]);
  });
});

describe('streams of several schemas', () => {
  test('a book follows the first kind that shows it', () => {
    const decoded = decode(
      0xffff,
      shown(
        MBP_10,
        [
          [100, 5, 2],
          [99, 1, 1],
        ],
        [],
      ),
      shown(MBP_1, [[100, 6, 2]], []),
      shown(BBO_1S, [[100, 6, 2]], []),
      trade(),
      shown(
        MBP_10,
        [
          [100, 6, 2],
          [99, 1, 1],
        ],
        [],
      ),
    );
    expect(lines(decoded)).toEqual([
      'level bid 100 × 5 (2)',
      'level bid 99 × 1 (1) last',
      'venue',
      'venue',
      'trade 5 × 2 by seller last',
      'level bid 100 × 6 (2) last',
    ]);
    expect(decoded.decoder.protocol).toBe('dbn-mixed');
  });

  test('mbo records keep their book for themselves', () => {
    const decoded = decode(
      0xffff,
      mboBytes({ action: 'A', flags: 0 }),
      shown(BBO_1S, [[100, 6, 2]], [], { flags: 0 }),
      shown(MBP_1, [], [], { action: 'R', side: 'N' }),
      mboBytes({ action: 'A', id: 2n }),
    );
    expect(lines(decoded)).toEqual(['add', 'venue', 'venue', 'add last']);
  });

  test('records of other types end no group of a book that has groups', () => {
    const status = (instrument: number): Uint8Array =>
      writeRecord({ rtype: 0x12, publisher_id: 1, instrument_id: instrument, action: 8 }, 3);
    const decoded = decode(0xffff, trade(), status(7), status(9));
    expect(lines(decoded)).toEqual(['trade 5 × 2 by seller last', 'status', 'status last']);
    expect(decoded.events[1]).toMatchObject({ price: 8n, quantity: 18n });
  });
});

describe('what is wrong', () => {
  test('a gap that was not repaired makes the book stale once, until its clear', () => {
    const suspect = { flags: F_LAST | 4 };
    const decoded = decode(
      1,
      shown(MBP_1, [[100, 5, 2]], [], suspect),
      shown(MBP_1, [[100, 6, 2]], [], suspect),
      shown(MBP_1, [], [], { action: 'R', side: 'N' }),
      shown(MBP_1, [[100, 6, 2]], [], suspect),
    );
    expect(lines(decoded)).toEqual([
      'gap',
      'level bid 100 × 5 (2) last',
      'level bid 100 × 6 (2) last',
      'clear last',
      'gap',
      'level bid 100 × 6 (2) last',
    ]);
    expect(decoded.decoder.suspectRecords).toBe(3);
  });

  test('levels out of order are malformed and change nothing', () => {
    const decoded = decode(
      2,
      shown(MBP_10, [[100, 5, 2]], [[101, 1, 1]]),
      shown(
        MBP_10,
        [
          [100, 5, 2],
          [100, 6, 2],
        ],
        [[101, 1, 1]],
      ),
      shown(
        MBP_10,
        [[100, 5, 2]],
        [
          [102, 1, 1],
          [101, 1, 1],
        ],
        { flags: 0 },
      ),
      shown(MBP_10, [[100, 5, 2]], [[101, 1, 1]]),
    );
    expect(lines(decoded).slice(2)).toEqual(['venue last', 'venue last']);
    expect([...decoded.counts.problems.values()].map(({ kind, offset }) => [kind, offset])).toEqual([
      ['mbp-10 with bids out of order', 128 + 368],
      ['mbp-10 with asks out of order', 128 + 2 * 368],
    ]);
    expect(decoded.byType).toEqual({ 'mbp-10': 2 });
  });

  test('a record shorter than its type is malformed', () => {
    const short = shown(MBP_10, [], []).subarray(0, 80);
    short[0] = 20;
    const decoded = decode(2, short, shown(MBP_1, [[1, 1, 1]], []));
    expect([...decoded.counts.problems.keys()]).toEqual(['mbp-10 shorter than 368 bytes']);
    expect(lines(decoded)).toEqual(['level bid 1 × 1 (1) last']);
  });
});

describe('the book made of the events is the one that is shown', () => {
  const side = (isAsk: boolean): fc.Arbitrary<Level[]> =>
    fc
      .uniqueArray(
        fc.tuple(
          fc.integer({ min: 0, max: 14 }),
          fc.integer({ min: 1, max: 3 }),
          fc.integer({ min: 0, max: 2 }),
        ),
        {
          selector: ([price]) => price,
          maxLength: 10,
        },
      )
      .map((found) => found.toSorted(([a], [b]) => (isAsk ? a - b : b - a)));
  const step = fc.record({
    instrument: fc.integer({ min: 1, max: 2 }),
    bids: side(false),
    asks: side(true),
    action: fc.constantFrom('A', 'C', 'M', 'T', 'R'),
    flags: fc.constantFrom(128, 128, 0, 160, 132),
    gap: fc.constantFrom(1n, 1000n, 5_000_000_000n),
  });

  test('for any sequence of records, chunks and batches', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 1, max: 500 }),
        fc.constantFrom(3, 4, 7, 1024),
        (steps, chunk, batchRecords) => {
          let time = T0;
          const records = steps.map(({ instrument, bids, asks, action, flags, gap }) => {
            time += gap;
            return shown(MBP_10, bids, asks, {
              instrument_id: instrument,
              action,
              flags,
              ts_recv: time,
              ts_event: time,
            });
          });
          const options: DecodeOptions = { chunk, batchRecords };
          const { events, dictionary, counts } = decodeStream(concat(head(2), ...records), options);
          expect(counts.malformed).toBe(0);
          const books = new Map<string, Map<string, string>>();
          const ends: string[] = [];
          let next = 0;
          steps.forEach(({ instrument, bids, asks, flags }, index) => {
            for (; events[next]?.sequence === index + 1; next += 1) {
              const event = events[next]!;
              const key = String(dictionary.books[event.book]!.instrument);
              expect(key).toBe(String(instrument));
              const book = books.get(key) ?? new Map<string, string>();
              books.set(key, book);
              if (event.kind === 'clear') book.clear();
              if (event.kind === 'level') {
                const place = `${(event.flags & FLAG_ASK) !== 0 ? 'ask' : 'bid'} ${event.price}`;
                if (event.quantity === 0n) expect(book.delete(place)).toBe(true);
                else book.set(place, `${event.quantity} ${event.id}`);
              }
              if ((event.flags & FLAG_LAST) !== 0) ends.push(`${index} ${key}`);
            }
            const isShown = (flags & 128) !== 0;
            if (isShown) expect(ends.at(-1)).toBe(`${index} ${instrument}`);
            const expected = new Map<string, string>();
            for (const [price, size, count] of bids) expected.set(`bid ${price}`, `${size} ${count}`);
            for (const [price, size, count] of asks) expected.set(`ask ${price}`, `${size} ${count}`);
            expect(Object.fromEntries(books.get(String(instrument)) ?? [])).toEqual(
              Object.fromEntries(expected),
            );
          });
          expect(next).toBe(events.length);
          expect(ends.length).toBe(steps.filter(({ flags }) => (flags & 128) !== 0).length);
        },
      ),
      { numRuns: 150 },
    );
  });
});
