import { describe, expect, test } from 'vitest';
import { DbnMboEncoder, mboMetadata } from '../../../../src/core/feeds/dbn/encoder.ts';
import { MboRecord } from '../../../../src/core/feeds/dbn/mbo.ts';
import { decodeStream, T0 } from './stream.ts';

const file = (instruments: readonly { symbol: string; instrument: number }[]) =>
  mboMetadata({ dataset: 'MDX.SIM', start: T0, end: T0 + 86_400_000_000_000n, instruments });

describe('the mbo encoder', () => {
  test('writes a record as the format draws it', () => {
    const chunks: Uint8Array[] = [];
    const encoder = new DbnMboEncoder((chunk) => chunks.push(chunk.slice()));
    const record = new MboRecord();
    record.publisher = 0xfffe;
    record.instrument = 0x80000001;
    record.eventTimeHigh = 0x01020304;
    record.eventTimeLow = 0x05060708;
    record.orderIdHigh = -1;
    record.orderIdLow = -2;
    record.priceHigh = -1;
    record.priceLow = -3;
    record.size = 0xfffffffe;
    record.flags = 0x82;
    record.channel = 0xff;
    record.action = 0x41;
    record.side = 0x42;
    record.receiveTimeHigh = 0x11121314;
    record.receiveTimeLow = 0x15161718;
    record.inDelta = -4;
    record.sequence = 0xfffffffd;
    encoder.record(record);
    expect(chunks).toEqual([]);
    encoder.flush();
    expect(Buffer.concat(chunks).toString('hex')).toBe(
      [
        '0ea0feff01000080',
        '0807060504030201',
        'feffffffffffffff',
        'fdffffffffffffff',
        'feffffff82ff4142',
        '1817161514131211',
        'fcfffffffdffffff',
      ].join(''),
    );
  });

  test('its files decode: symbols, many chunks, in order', () => {
    const chunks: Uint8Array[] = [];
    const encoder = new DbnMboEncoder((chunk) => chunks.push(chunk.slice()));
    encoder.begin(
      file([
        { symbol: 'ALPHA', instrument: 5 },
        { symbol: 'BETA', instrument: 0xffffffff },
      ]),
    );
    const record = new MboRecord();
    record.action = 0x41;
    record.side = 0x42;
    record.receiveTimeHigh = Number(T0 >> 32n);
    for (let index = 0; index < 5000; index++) {
      record.instrument = index % 2 === 0 ? 5 : 0xffffffff;
      record.orderIdLow = index;
      encoder.record(record);
    }
    encoder.flush();
    encoder.flush();
    expect(chunks.length).toBeLessThan(10);
    const { events, dictionary, answer, decoder } = decodeStream(Buffer.concat(chunks));
    expect(answer).toBe(0);
    expect(events.map(({ id }) => Number(id))).toEqual(Array.from({ length: 5000 }, (_, index) => index));
    expect(dictionary.books.map(({ symbol }) => symbol)).toEqual(['ALPHA', 'BETA']);
    expect(decoder.metadata).toMatchObject({ version: 3, dataset: 'MDX.SIM', symbols: ['ALPHA', 'BETA'] });
  });

  test('mappings span every day of the file', () => {
    const interval = (start: bigint, end: bigint) =>
      mboMetadata({ dataset: 'X', start, end, instruments: [{ symbol: 'A', instrument: 1 }] }).mappings[0]
        ?.intervals[0];
    const midnight = 1_758_758_400_000_000_000n;
    expect(interval(T0, T0 + 1n)).toEqual({ startDate: 20250924, endDate: 20250925, symbol: '1' });
    expect(interval(T0, midnight)).toEqual({ startDate: 20250924, endDate: 20250925, symbol: '1' });
    expect(interval(T0, midnight + 1n)).toEqual({ startDate: 20250924, endDate: 20250926, symbol: '1' });
    expect(interval(T0, T0)).toEqual({ startDate: 20250924, endDate: 20250925, symbol: '1' });
  });

  test('refuses metadata that promises sending times', () => {
    const encoder = new DbnMboEncoder(() => {});
    expect(() => encoder.begin({ ...file([]), sendTimes: 1 })).toThrow(
      'sending times (ts_out) are not written',
    );
  });
});
