import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWindow } from '../../../../src/core/binary/byte-window.ts';
import { EventBatch } from '../../../../src/core/event/batch.ts';
import { Dictionary } from '../../../../src/core/event/dictionary.ts';
import {
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_INFORMS,
  FLAG_LAST,
  FLAG_ONE_SIDE,
  FLAG_SNAPSHOT,
} from '../../../../src/core/event/record.ts';
import { EventWriter } from '../../../../src/core/event/writer.ts';
import { FeedCounts } from '../../../../src/core/feeds/counts.ts';
import { DbnDecoder } from '../../../../src/core/feeds/dbn/decoder.ts';
import { dbn } from '../../../../src/core/feeds/dbn/index.ts';
import { STREAM_DAMAGED, STREAM_MORE } from '../../../../src/core/feeds/feed.ts';
import {
  concat,
  type Decoded,
  decodeStream,
  headBytes,
  type MboValues,
  mboBytes,
  PRICE_UNDEFINED,
  recordBytes,
  SIZE_UNDEFINED,
  T0,
  TIME_UNDEFINED,
} from './stream.ts';

const decodeRecords = (...records: readonly MboValues[]): Decoded =>
  decodeStream(concat(headBytes(), ...records.map(mboBytes)));

/** Kind, event flags, order id, price, quantity of every event. */
const brief = ({ events }: Decoded): unknown[] =>
  events.map(({ kind, flags, id, price, quantity }) => [kind, flags, id, price, quantity]);

describe('what an action becomes', () => {
  test.each<[string, MboValues, unknown[]]>([
    ['A bid', { action: 'A', side: 'B' }, ['add', FLAG_LAST, 1n, 5_000_000_000n, 3n]],
    ['A ask, not last', { action: 'A', side: 'A', flags: 0 }, ['add', FLAG_ASK, 1n, 5_000_000_000n, 3n]],
    [
      'A in a snapshot',
      { action: 'A', side: 'A', flags: 32 | 8 },
      ['add', FLAG_ASK | FLAG_SNAPSHOT, 1n, 5_000_000_000n, 3n],
    ],
    ['C', { action: 'C', side: 'A', size: 2 }, ['reduce', FLAG_ASK | FLAG_LAST, 1n, 5_000_000_000n, 2n]],
    ['C without side', { action: 'C', side: 'N' }, ['reduce', FLAG_LAST, 1n, 5_000_000_000n, 3n]],
    [
      'M',
      { action: 'M', side: 'A', price: -1n, size: 0xfffffffe },
      ['modify', FLAG_ASK | FLAG_LAST, 1n, -1n, 0xfffffffen],
    ],
    ['F', { action: 'F', side: 'N' }, ['execute', FLAG_INFORMS | FLAG_LAST, 1n, 5_000_000_000n, 3n]],
    [
      'F ask',
      { action: 'F', side: 'A', flags: 0 },
      ['execute', FLAG_INFORMS | FLAG_ASK, 1n, 5_000_000_000n, 3n],
    ],
    ['T', { action: 'T', side: 'A', flags: 0 }, ['trade', FLAG_EXTENDED, 1n, 5_000_000_000n, 3n]],
    [
      'R',
      { action: 'R', side: 'N', price: PRICE_UNDEFINED, size: SIZE_UNDEFINED },
      ['clear', FLAG_LAST, 0n, 0n, 0n],
    ],
    ['R before a snapshot', { action: 'R', side: 'N', flags: 32 }, ['clear', FLAG_SNAPSHOT, 0n, 0n, 0n]],
    ['N', { action: 'N', side: 'N' }, ['venue', FLAG_LAST, 0n, 0n, 256n + 78n]],
    [
      'ids and prices beyond 2^53',
      { action: 'A', id: (1n << 64n) - 2n, price: -(1n << 62n) },
      ['add', FLAG_LAST, (1n << 64n) - 2n, -(1n << 62n), 3n],
    ],
    ['old files: the reserved flag', { action: 'A', flags: 129 }, ['add', FLAG_LAST, 1n, 5_000_000_000n, 3n]],
  ])('%s', (_, record, event) => {
    const decoded = decodeRecords(record);
    expect(brief(decoded)).toEqual([event]);
    expect(decoded.byType).toEqual({ [`mbo:${record.action}`]: 1 });
    expect([decoded.counts.messages, decoded.counts.malformed, decoded.counts.unknown]).toEqual([1, 0, 0]);
  });

  test('a trade tells who took: sell, buy, nobody', () => {
    const { events } = decodeRecords(
      { action: 'T', side: 'A' },
      { action: 'T', side: 'B' },
      { action: 'T', side: 'N' },
    );
    expect(events.map(({ aggressor }) => aggressor)).toEqual([2, 1, 0]);
  });

  test('top of book: an add clears its side and gives a level, last only at the end', () => {
    const side = FLAG_ONE_SIDE | FLAG_ASK;
    expect(brief(decodeRecords({ action: 'A', side: 'A', flags: 192 }))).toEqual([
      ['clear', side, 0n, 0n, 0n],
      ['level', FLAG_ASK | FLAG_LAST, 0n, 5_000_000_000n, 3n],
    ]);
    expect(
      brief(
        decodeRecords({
          action: 'A',
          side: 'B',
          flags: 192 | 32,
          price: PRICE_UNDEFINED,
          size: SIZE_UNDEFINED,
        }),
      ),
    ).toEqual([['clear', FLAG_ONE_SIDE | FLAG_LAST | FLAG_SNAPSHOT, 0n, 0n, 0n]]);
    expect(brief(decodeRecords({ action: 'C', side: 'A', flags: 192 }))).toEqual([
      ['clear', side | FLAG_LAST, 0n, 0n, 0n],
    ]);
    expect(brief(decodeRecords({ action: 'T', side: 'A', flags: 192 }))[0]).toEqual([
      'trade',
      FLAG_EXTENDED | FLAG_LAST,
      1n,
      5_000_000_000n,
      3n,
    ]);
  });

  test('aggregated levels: absolute quantity, nothing left after a cancel', () => {
    expect(
      brief(
        decodeRecords(
          { action: 'A', side: 'B', flags: 16 },
          { action: 'M', side: 'B', flags: 16, size: 9 },
          { action: 'C', side: 'A', flags: 144 },
        ),
      ),
    ).toEqual([
      ['level', 0, 0n, 5_000_000_000n, 3n],
      ['level', 0, 0n, 5_000_000_000n, 9n],
      ['level', FLAG_LAST | FLAG_ASK, 0n, 5_000_000_000n, 0n],
    ]);
  });

  test('what cannot be an event is counted by kind, and its group ends all the same', () => {
    const decoded = decodeRecords(
      { action: 'A', side: 'N', flags: 0 },
      { action: 'M', side: 'x' },
      { action: 'A', size: SIZE_UNDEFINED, flags: 0 },
      { action: 'A', side: 'N', flags: 64 },
      { action: 'C', side: 'N', flags: 16 },
      { action: 'A', flags: 64, size: SIZE_UNDEFINED },
      { action: 'Q', flags: 0 },
      { action: '\u0001', flags: 128 },
    );
    expect(brief(decoded)).toEqual([
      ['venue', FLAG_LAST, 0n, 0n, 256n + 77n],
      ['venue', FLAG_LAST, 0n, 0n, 257n],
    ]);
    expect(decoded.events.map(({ sequence }) => sequence)).toEqual([2, 8]);
    expect([decoded.counts.messages, decoded.counts.malformed, decoded.counts.unknown]).toEqual([0, 6, 2]);
    expect(
      [...decoded.counts.problems.values()].map(({ kind, count, offset }) => [kind, count, offset]),
    ).toEqual([
      ['mbo:A without side', 2, 128],
      ['mbo:M without side', 1, 128 + 56],
      ['mbo:A with undefined size', 2, 128 + 2 * 56],
      ['mbo:C without side', 1, 128 + 4 * 56],
      ['mbo:Q', 1, 128 + 6 * 56],
      ['mbo:0x01', 1, 128 + 7 * 56],
    ]);
  });

  test('the first record of a book that warns of a gap is preceded by one, again after each clear', () => {
    const { decoder, events } = decodeRecords(
      { action: 'A', flags: 132 },
      { action: 'C' },
      { action: 'M', flags: 4 },
      { action: 'R', flags: 4 },
      { action: 'A' },
      { action: 'T', flags: 4 },
      { action: 'T', flags: 4 },
    );
    expect(decoder.suspectRecords).toBe(5);
    expect(events.map(({ kind, sequence, book }) => [kind, sequence, book])).toEqual([
      ['gap', 1, 0],
      ['add', 1, 0],
      ['reduce', 2, 0],
      ['modify', 3, 0],
      ['clear', 4, 0],
      ['add', 5, 0],
      ['gap', 6, 0],
      ['trade', 6, 0],
      ['trade', 7, 0],
    ]);
    expect(events.filter(({ kind }) => kind === 'gap').map(({ id, quantity }) => [id, quantity])).toEqual([
      [0n, 0n],
      [0n, 0n],
    ]);
  });
});

describe('books', () => {
  test('one per publisher and instrument, numbered by first sight', () => {
    const keys = [
      [1, 7],
      [2, 7],
      [1, 0xffffffff],
      [1, 7],
      [2, 7],
      [0xffff, 0],
    ] as const;
    const decoded = decodeRecords(
      ...keys.map(([publisher, instrument]) => ({ action: 'A', publisher, instrument })),
    );
    expect(decoded.events.map(({ book }) => book)).toEqual([0, 1, 2, 0, 1, 3]);
    expect(decoded.dictionary.books.map(({ publisher, instrument }) => [publisher, instrument])).toEqual([
      [1, 7n],
      [2, 7n],
      [1, 0xffffffffn],
      [0xffff, 0n],
    ]);
    expect(decoded.dictionary.books[0]).toMatchObject({
      source: 'TEST.DATA',
      priceScale: 9,
      quantityScale: 0,
      symbol: null,
    });
  });

  test('thousands of instruments in turn keep their numbers', () => {
    const keys = Array.from({ length: 3000 }, (_, index) => ({
      publisher: index % 3,
      instrument: Math.imul(index, 65_536) >>> 0,
    }));
    const unique = [...new Map(keys.map((key) => [`${key.publisher}/${key.instrument}`, key])).values()];
    const decoded = decodeRecords(...[...unique, ...unique].map((key) => ({ action: 'C', ...key })));
    const numbers = unique.map((_, index) => index);
    expect(decoded.events.map(({ book }) => book)).toEqual([...numbers, ...numbers]);
  });

  test('definitions and symbol mappings name them, before and after first sight', () => {
    const definition = recordBytes(0x13, 520);
    const mapping = recordBytes(0x16, 176);
    const view = new DataView(definition.buffer);
    view.setUint16(2, 1, true);
    view.setUint32(4, 7, true);
    definition.set(Buffer.from('SEVEN'), 238);
    new DataView(mapping.buffer).setUint32(4, 8, true);
    mapping.set(Buffer.from('E.FUT'), 17);
    mapping.set(Buffer.from('EIGHT'), 89);
    const decoded = decodeStream(
      concat(
        headBytes(),
        mboBytes({ action: 'A' }),
        definition,
        mapping,
        mboBytes({ action: 'A', instrument: 8 }),
      ),
    );
    expect(decoded.dictionary.books.map(({ symbol }) => symbol)).toEqual(['SEVEN', 'EIGHT']);
    expect(decoded.byType).toEqual({ 'mbo:A': 2, definition: 1, 'symbol-mapping': 1 });
    expect(decoded.events.map(({ kind, sequence, book }) => [kind, sequence, book])).toEqual([
      ['add', 1, 0],
      ['definition', 2, 0],
      ['venue', 3, -1],
      ['add', 4, 1],
    ]);
  });
});

describe('times and numbers', () => {
  test('any distance between neighbours survives', () => {
    const time = fc.oneof(
      fc.bigInt({ min: 0n, max: 0xffffffff_00000000n - 1n }),
      fc.bigInt({ min: T0, max: T0 + (1n << 33n) }),
      fc.bigInt({ min: T0, max: T0 + 1000n }),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(time, time), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 3, max: 9 }),
        (times, batchRecords) => {
          const records = times.map(([eventTime, receiveTime]) =>
            mboBytes({ action: 'T', eventTime, receiveTime }),
          );
          const { events, decoder } = decodeStream(concat(headBytes(), ...records), { batchRecords });
          expect(events.map(({ venueTime, receiveTime }) => [venueTime, receiveTime])).toEqual(times);
          expect(events.map(({ sequence }) => sequence)).toEqual(times.map((_, index) => index + 1));
          expect([decoder.firstTime, decoder.lastTime]).toEqual([times[0]?.[1], times.at(-1)?.[1]]);
        },
      ),
    );
  });

  test('an undefined time is the one before, at first the start of the file', () => {
    const { events } = decodeRecords(
      { action: 'A', eventTime: TIME_UNDEFINED, receiveTime: TIME_UNDEFINED },
      { action: 'A', eventTime: T0 + 5n, receiveTime: T0 + 6n },
      { action: 'A', eventTime: TIME_UNDEFINED, receiveTime: T0 + 7n },
      { action: 'A', eventTime: T0 + 8n, receiveTime: TIME_UNDEFINED },
    );
    expect(events.map(({ venueTime, receiveTime }) => [venueTime - T0, receiveTime - T0])).toEqual([
      [0n, 0n],
      [5n, 6n],
      [5n, 7n],
      [8n, 7n],
    ]);
  });

  test('more than 65,536 skipped records between two events', () => {
    const skipped = recordBytes(0x99, 16);
    const many = new Uint8Array(70_000 * 16);
    for (let at = 0; at < many.length; at += 16) many.set(skipped, at);
    const decoded = decodeStream(
      concat(headBytes(), mboBytes({ action: 'A' }), many, mboBytes({ action: 'C' })),
    );
    expect(decoded.events.map(({ sequence }) => sequence)).toEqual([1, 70_002]);
    expect(decoded.counts.unknown).toBe(70_000);
    expect(decoded.counts.problems.get('rtype 0x99')).toMatchObject({ count: 70_000, offset: 128 + 56 });
  });

  test('a batch that another decoder left is not mixed with', () => {
    const sequences: number[] = [];
    const writer = new EventWriter(new EventBatch(4), {
      accept: ({ words, count, sequenceBase }) => {
        for (let record = 0; record < count; record++)
          sequences.push(sequenceBase + (words[record * 10]! >>> 16));
      },
    });
    const options = {
      channel: 0,
      dictionary: new Dictionary(),
      writer,
      counts: new FeedCounts(dbn.typeCount),
      midnight: null,
    };
    for (let file = 0; file < 2; file++) {
      const window = new ByteWindow(4096);
      const bytes = concat(headBytes(), ...Array.from({ length: 5 }, () => mboBytes({ action: 'C' })));
      window.room().set(bytes);
      window.commit(bytes.length);
      expect(new DbnDecoder(options, dbn.name).decode(window)).toBe(STREAM_MORE);
    }
    writer.flush();
    expect(sequences).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    expect(options.dictionary.books).toHaveLength(1);
  });
});

describe('framing', () => {
  const ACTIONS = ['A', 'T', 'F', 'C', 'M', 'R', 'N'];
  const mixed = concat(
    headBytes(2),
    mboBytes({ action: 'A', flags: 192, side: 'A' }),
    recordBytes(0x99, 20, 1),
    ...ACTIONS.map((action) => mboBytes({ action, receiveTime: T0 + 9n })),
    recordBytes(0x01, 80),
    recordBytes(0xa0, 52),
    recordBytes(0x0a, 1020),
    mboBytes({ action: 'A', side: 'N', instrument: 9 }),
  );

  test('one byte at a time equals the whole', () => {
    const whole = decodeStream(mixed, { windowBytes: 1 << 16 });
    const single = decodeStream(mixed, { chunk: 1, windowBytes: 1020, batchRecords: 3 });
    expect(single.events).toEqual(whole.events);
    expect(single.counts).toEqual(whole.counts);
    expect(single.answer).toBe(STREAM_MORE);
    expect(whole.byType).toEqual({
      'mbo:A': 2,
      'mbo:T': 1,
      'mbo:F': 1,
      'mbo:C': 1,
      'mbo:M': 1,
      'mbo:R': 1,
      'mbo:N': 1,
      'mbp-1': 1,
      'mbp-10': 1,
    });
    expect([...whole.counts.problems.keys()]).toEqual([
      'rtype 0x99',
      'mbo shorter than 56 bytes',
      'mbo:A without side',
    ]);
  });

  test('metadata longer than the window, of every alignment', () => {
    for (const extra of [0, 1, 2, 3]) {
      const head = new Uint8Array(8192 + extra);
      head.set(headBytes(2));
      new DataView(head.buffer).setUint32(4, head.length - 8, true);
      const decoded = decodeStream(concat(head, mboBytes({ action: 'A' })), { windowBytes: 1020 });
      expect(decoded.events).toHaveLength(1);
    }
  });

  test('a cut at every offset gives all whole records, then says where', () => {
    const bytes = concat(headBytes(), ...ACTIONS.map((action) => mboBytes({ action, flags: 0 })));
    for (let cut = 0; cut < bytes.length; cut++) {
      const { events, decoder, answer } = decodeStream(bytes.subarray(0, cut));
      const whole = Math.max(0, Math.floor((cut - 128) / 56));
      const rest = cut - 128 - whole * 56;
      expect(events).toHaveLength(whole);
      if (cut >= 128 && rest === 0) {
        expect([answer, decoder.problem]).toEqual([STREAM_MORE, null]);
      } else {
        expect(answer).toBe(STREAM_DAMAGED);
        expect(decoder.problem).toBe(
          cut < 128
            ? `DBN metadata cut after ${cut} bytes`
            : `DBN record of 56 bytes cut after ${rest} bytes at offset ${128 + whole * 56}`,
        );
      }
    }
  });

  test.each([0, 1, 2, 3])('a length of %i words ends the stream', (words) => {
    const short = recordBytes(0xa0, 56);
    short[0] = words;
    const decoded = decodeStream(
      concat(headBytes(), mboBytes({ action: 'A' }), short, mboBytes({ action: 'A' })),
    );
    expect(decoded.answer).toBe(STREAM_DAMAGED);
    expect(decoded.decoder.problem).toBe(
      `DBN record at offset 184: expected a length of at least 4 words, found ${words}`,
    );
    expect(decoded.events).toHaveLength(1);
  });

  test.each([
    ['metadata', []],
    ['a skipped record', [recordBytes(0x01, 80)]],
    ['an mbo record of instrument 0', [mboBytes({ action: 'A', instrument: 0 })]],
  ])('zeros behind %s end the stream', (_, records) => {
    const decoded = decodeStream(concat(headBytes(), ...records, new Uint8Array(200)));
    expect(decoded.answer).toBe(STREAM_DAMAGED);
    expect(decoded.decoder.problem).toMatch(
      /^DBN record at offset \d+: expected a length of at least 4 words, found 0$/,
    );
  });

  test('damaged metadata is named, and the decoder stays stopped', () => {
    const decoded = decodeStream(concat(headBytes(4), mboBytes({ action: 'A' })));
    expect(decoded.decoder.problem).toBe('DBN metadata at offset 3: expected version 1 to 3, found 4');
    expect(decoded.decoder.decode(new ByteWindow(4096))).toBe(STREAM_DAMAGED);
    expect(decoded.events).toHaveLength(0);
  });

  test('nothing behind the metadata is an empty stream', () => {
    const { answer, events, decoder } = decodeStream(headBytes());
    expect([answer, events, decoder.firstTime, decoder.lastTime]).toEqual([STREAM_MORE, [], null, null]);
    expect(decoder.source).toBe('TEST.DATA');
  });

  test('sending times and later fields behind a record are passed over', () => {
    const decoded = decodeStream(
      concat(headBytes(3, 1), ...[1n, 2n].map((id) => mboBytes({ action: 'A', id, words: 16 }))),
    );
    expect(decoded.events.map(({ id }) => id)).toEqual([1n, 2n]);
  });

  test('a window that cannot hold every record is refused', () => {
    expect(() => decodeStream(headBytes(), { windowBytes: 1019 })).toThrow('a window of 1019 bytes');
  });

  test('noise never throws, never hangs and is bounded', () => {
    const record = fc.oneof(
      fc.uint8Array({ minLength: 16, maxLength: 120 }),
      fc.constant(new Uint8Array(16)),
      fc
        .tuple(
          fc.constantFrom(0, 1, 10, 0x12, 0x13, 0x15, 0x16, 0x18, 0x20, 0xa0, 0xc4),
          fc.integer({ min: 4, max: 255 }),
          fc.nat(255),
        )
        .map(([rtype, words, fill]) => recordBytes(rtype, words * 4, fill)),
      fc
        .record({
          action: fc.constantFrom('A', 'C', 'M', 'T', 'F', 'R', 'N', 'x'),
          side: fc.constantFrom('A', 'B', 'N', '?'),
          flags: fc.nat(255),
          size: fc.constantFrom(0, 1, SIZE_UNDEFINED),
          instrument: fc.nat(3),
          eventTime: fc.bigInt({ min: 0n, max: TIME_UNDEFINED }),
          receiveTime: fc.bigInt({ min: 0n, max: TIME_UNDEFINED }),
        })
        .map(mboBytes),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3),
        fc.array(record, { maxLength: 30 }),
        fc.nat(200),
        fc.integer({ min: 1, max: 999 }),
        (version, records, cut, chunk) => {
          const bytes = concat(headBytes(version), ...records);
          const part = bytes.subarray(0, Math.max(0, bytes.length - cut));
          const whole = decodeStream(part, { windowBytes: 1 << 16 });
          const pieces = decodeStream(part, { chunk, windowBytes: 1024, batchRecords: 3 });
          expect(pieces.events).toEqual(whole.events);
          expect(pieces.counts).toEqual(whole.counts);
          expect(pieces.decoder.problem).toBe(whole.decoder.problem);
          expect(whole.counts.messages + whole.counts.unknown + whole.counts.malformed).toBeLessThanOrEqual(
            bytes.length / 16,
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('detection looks at magic and version', () => {
  const detect = (...bytes: number[]): string | null => dbn.detectStream?.(new Uint8Array(bytes)) ?? null;
  expect([1, 2, 3, 4].map((version) => detect(0x44, 0x42, 0x4e, version))).toEqual([
    'dbn',
    'dbn',
    'dbn',
    'dbn',
  ]);
  expect(detect(0x44, 0x42, 0x4e)).toBeNull();
  expect(detect(0x44, 0x42, 0x4e, 0)).toBeNull();
  expect(detect(...Buffer.from('DBN is a format'))).toBeNull();
  expect(detect(0x44, 0x42, 0x5a, 1)).toBeNull();
  expect(detect()).toBeNull();
});
