import { describe, expect, test } from 'vitest';
import { DbnMboEncoder } from '../../../../src/core/feeds/dbn/encoder.ts';
import { MboRecord, readMbo } from '../../../../src/core/feeds/dbn/mbo.ts';
import { decodeMetadata, metadataBytes } from '../../../../src/core/feeds/dbn/metadata.ts';
import { DATA } from '../../../world/data.ts';
import { decodeStream, expectation, type PlainEvent, sample } from './stream.ts';

type ExpectedRecord = Readonly<Record<string, string | number>>;

interface ExpectedSamples {
  readonly files: readonly { readonly file: string; readonly records: readonly ExpectedRecord[] }[];
}

interface ExpectedClx5 {
  readonly file: { readonly records: number };
  readonly stream: {
    readonly first_ts_event: string;
    readonly last_ts_event: string;
    readonly first_ts_recv: string;
    readonly last_ts_recv: string;
    readonly actions: Readonly<Record<string, number>>;
    readonly actions_by_side: Readonly<Record<string, number>>;
    readonly distinct_order_ids: number;
    readonly trades_with_order_id_zero: number;
    readonly events: number;
    readonly largest_event_records: number;
  };
  readonly trades: {
    readonly volume: number;
    readonly volume_by_aggressor: Readonly<Record<string, number>>;
    readonly high: string;
    readonly low: string;
    readonly price_times_size_sum: string;
    readonly fill_volume: number;
  };
}

const KIND: Readonly<Record<string, string>> = {
  A: 'add',
  C: 'reduce',
  M: 'modify',
  T: 'trade',
  F: 'execute',
};
const AGGRESSORS = ['N', 'B', 'A'];
const sum = (events: readonly PlainEvent[]): number =>
  Number(events.reduce((total, { quantity }) => total + quantity, 0n));
const tally = (keys: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
};

describe.skipIf(DATA === null)('samples', () => {
  const { files } = DATA === null ? { files: [] } : expectation<ExpectedSamples>('samples_expected.json');

  test.each(files.filter(({ file }) => file.includes('.mbo.')))(
    '$file: every value of every record',
    ({ file, records }) => {
      const bytes = sample(file);
      const view = new DataView(bytes.buffer);
      const start = metadataBytes(bytes);
      const record = new MboRecord();
      const { events, byType, dictionary } = decodeStream(bytes);
      expect(records.length).toBeGreaterThan(0);
      expect(bytes.length).toBe(start + records.length * 56);
      records.forEach((expected, index) => {
        readMbo(view, start + index * 56, record);
        expect(record).toMatchObject({
          publisher: expected['publisher_id'],
          instrument: expected['instrument_id'],
          size: expected['size'],
          flags: expected['flags'],
          channel: expected['channel_id'],
          action: String(expected['action']).charCodeAt(0),
          side: String(expected['side']).charCodeAt(0),
          inDelta: expected['ts_in_delta'],
          sequence: expected['sequence'],
        });
        expect(events[index]).toMatchObject({
          kind: KIND[String(expected['action'])],
          sequence: index + 1,
          id: BigInt(expected['order_id']!),
          price: BigInt(expected['price']!),
          quantity: BigInt(expected['size']!),
          venueTime: BigInt(expected['ts_event']!),
          receiveTime: BigInt(expected['ts_recv']!),
          flags: (Number(expected['flags']) >= 128 ? 1 : 0) | (expected['side'] === 'A' ? 4 : 0),
        });
      });
      expect(events).toHaveLength(records.length);
      expect(byType).toEqual(tally(records.map(({ action }) => `mbo:${action}`)));
      expect(dictionary.books[0]).toMatchObject({
        source: 'GLBX.MDP3',
        publisher: 1,
        instrument: 5482n,
        symbol: 'ESH1',
      });
    },
  );

  test.each(files.filter(({ file }) => !file.includes('.mbo.')))(
    '$file: every record is counted and has events with its times',
    ({ file, records }) => {
      const { events, byType, counts, answer, decoder, dictionary } = decodeStream(sample(file));
      const name = file.split('.')[1]!;
      expect(byType).toEqual({ [name]: records.length });
      expect([answer, counts.malformed, counts.unknown]).toEqual([0, 0, 0]);
      expect(decoder.protocol).toBe(`dbn-${name}`);
      records.forEach((expected, index) => {
        const own = events.filter(({ sequence }) => sequence === index + 1);
        expect(own.length).toBeGreaterThan(0);
        for (const event of own) {
          const { publisher, instrument } = dictionary.books[event.book]!;
          expect([publisher, Number(instrument)]).toEqual([
            expected['publisher_id'],
            expected['instrument_id'],
          ]);
          expect(event.venueTime).toBe(BigInt(expected['ts_event']!));
          expect(event.receiveTime).toBe(BigInt(expected['ts_recv'] ?? expected['ts_event']!));
        }
      });
      expect(decoder.firstTime).toBe(BigInt(records[0]!['ts_recv'] ?? records[0]!['ts_event']!));
      expect(decoder.lastTime).toBe(BigInt(records.at(-1)!['ts_recv'] ?? records.at(-1)!['ts_event']!));
    },
  );

  test.each(files)('$file: one byte at a time it is the same', ({ file }) => {
    const bytes = sample(file);
    const whole = decodeStream(bytes);
    for (const batchRecords of [3, 1024]) {
      expect(decodeStream(bytes, { chunk: 1, batchRecords }).events).toEqual(whole.events);
    }
  });
});

describe.skipIf(DATA === null)('CLX5', () => {
  test('has the counts that were made independently', () => {
    const expected = expectation<ExpectedClx5>('CLX5_expected.json');
    const { stream, trades: prints } = expected;
    const { events, counts, byType, dictionary, decoder } = decodeStream(sample('CLX5_mbo.dbn'), {
      windowBytes: 1 << 18,
    });
    const of = (action: string): PlainEvent[] => events.filter(({ kind }) => kind === KIND[action]);
    expect(events).toHaveLength(expected.file.records);
    expect([counts.messages, counts.malformed, counts.unknown]).toEqual([expected.file.records, 0, 0]);
    expect(byType).toEqual(
      Object.fromEntries(Object.entries(stream.actions).map(([action, count]) => [`mbo:${action}`, count])),
    );
    // F without side and F of a bid look alike in an event; so does every action here but T.
    const { actions_by_side: sides } = stream;
    for (const action of ['A', 'C', 'M', 'F']) {
      expect(of(action).filter(({ flags }) => (flags & 4) !== 0)).toHaveLength(sides[`${action}A`]!);
      expect(of(action).filter(({ flags }) => (flags & 16) !== 0)).toHaveLength(
        action === 'F' ? of('F').length : 0,
      );
    }
    const trades = of('T');
    expect(tally(trades.map(({ aggressor }) => `T${AGGRESSORS[aggressor ?? 0]}`))).toEqual({
      TA: sides['TA'],
      TB: sides['TB'],
      TN: sides['TN'],
    });

    expect(events.filter(({ flags }) => (flags & 1) !== 0)).toHaveLength(stream.events);
    expect(events.every(({ flags }) => (flags & 2) === 0)).toBe(true);
    const ends = [0, ...events.filter(({ flags }) => (flags & 1) !== 0).map(({ sequence }) => sequence)];
    expect(Math.max(...ends.slice(1).map((end, index) => end - ends[index]!))).toBe(
      stream.largest_event_records,
    );
    expect(new Set(events.map(({ id }) => id)).size).toBe(stream.distinct_order_ids);
    expect(trades.filter(({ id }) => id === 0n)).toHaveLength(stream.trades_with_order_id_zero);

    expect(sum(trades)).toBe(prints.volume);
    expect(AGGRESSORS.map((_, side) => sum(trades.filter(({ aggressor }) => aggressor === side)))).toEqual(
      AGGRESSORS.map((side) => prints.volume_by_aggressor[side]),
    );
    expect(sum(of('F'))).toBe(prints.fill_volume);
    const prices = trades.map(({ price }) => price).sort((a, b) => (a < b ? -1 : 1));
    expect([prices[0], prices.at(-1)]).toEqual([BigInt(prints.low), BigInt(prints.high)]);
    expect(trades.reduce((total, { price, quantity }) => total + price * quantity, 0n)).toBe(
      BigInt(prints.price_times_size_sum),
    );

    expect([events[0]!.venueTime, events.at(-1)!.venueTime]).toEqual([
      BigInt(stream.first_ts_event),
      BigInt(stream.last_ts_event),
    ]);
    expect([decoder.firstTime, decoder.lastTime]).toEqual([
      BigInt(stream.first_ts_recv),
      BigInt(stream.last_ts_recv),
    ]);
    expect(dictionary.books).toMatchObject([
      { source: 'GLBX.MDP3', publisher: 1, instrument: 432669n, symbol: 'CLX5', channel: 0 },
    ]);
  });

  test('every chunk size gives the same events', () => {
    const bytes = sample('CLX5_mbo.dbn').subarray(0, 360 + 56 * 3000);
    const whole = decodeStream(bytes, { windowBytes: 1 << 18 });
    for (const [chunk, batchRecords] of [
      [1, 3],
      [55, 4],
      [57, 64],
      [4096, 1024],
    ] as const) {
      expect(decodeStream(bytes, { chunk, batchRecords }).events).toEqual(whole.events);
    }
  });

  test('read to values and written again, it is the same file', () => {
    const bytes = sample('CLX5_mbo.dbn');
    const chunks: Uint8Array[] = [];
    const encoder = new DbnMboEncoder((chunk) => chunks.push(chunk.slice()));
    encoder.begin(decodeMetadata(bytes.subarray(0, metadataBytes(bytes))));
    const view = new DataView(bytes.buffer);
    const record = new MboRecord();
    for (let at = metadataBytes(bytes); at < bytes.length; at += 56) {
      readMbo(view, at, record);
      encoder.record(record);
    }
    encoder.flush();
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
});
