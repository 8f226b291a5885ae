import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECORD_KINDS } from '../../../../src/core/feeds/dbn/layout.ts';
import { decodeMetadata, encodeMetadata, metadataBytes } from '../../../../src/core/feeds/dbn/metadata.ts';
import { type RecordValues, readRecord, writeRecord } from '../../../../src/core/feeds/dbn/records.ts';
import { upgradeMetadata, upgradeRecord } from '../../../../src/core/feeds/dbn/upgrade.ts';
import { DATA } from '../../../world/data.ts';
import { anyRecord } from './any-record.ts';
import { concat, recordBytes, sample } from './stream.ts';

const CHANGED: readonly (readonly string[])[] = [
  ['definition', 'error', 'symbol-mapping', 'system', 'statistics'],
  ['definition', 'statistics'],
  [],
];
const up = (values: RecordValues, version: number): RecordValues =>
  readRecord(upgradeRecord(writeRecord(values, version), 0, version)!, 0, 3)!;

describe('records', () => {
  test.each([1, 2, 3])(
    'of version %i change only where the layout did, and nothing else is lost',
    (version) => {
      for (const { rtype, name } of RECORD_KINDS) {
        const isChanged = CHANGED[version - 1]!.includes(name);
        fc.assert(
          fc.property(anyRecord(rtype, version), (values) => {
            const bytes = writeRecord({ ...values, ts_out: 7n }, version);
            const upgraded = upgradeRecord(bytes, 0, version);
            expect(upgraded !== null).toBe(isChanged);
            if (upgraded === null) return;
            const after = readRecord(upgraded, 0, 3)!;
            expect(after['ts_out']).toBe(7n);
            for (const [field, value] of Object.entries(values)) {
              if (field === 'length_words' || field === 'quantity' || !(field in after)) continue;
              expect([field, after[field]]).toEqual([
                field,
                field === 'raw_instrument_id' ? BigInt(value as number) : value,
              ]);
            }
          }),
          { numRuns: 10 },
        );
      }
    },
  );

  test('an undefined quantity stays undefined', () => {
    const quantity = (before: number): unknown => up({ rtype: 0x18, quantity: before }, 2)['quantity'];
    expect([quantity(0x7fffffff), quantity(-5)]).toEqual([(1n << 63n) - 1n, -5n]);
  });

  test('definitions get empty legs', () => {
    expect(up({ rtype: 0x13, raw_symbol: 'ES', strike_price: 5n, raw_instrument_id: 9 }, 1)).toMatchObject({
      length_words: 130,
      raw_symbol: 'ES',
      strike_price: 5n,
      raw_instrument_id: 9n,
      leg_count: 0,
      leg_price: (1n << 63n) - 1n,
      leg_side: 'N',
      leg_instrument_class: '\0',
    });
  });

  test.each([
    [0x15, 'err', 'Internal error', 6],
    [0x15, 'err', 'Failed to resolve symbol ESX', 4],
    [0x15, 'err', 'something else', 255],
    [0x17, 'msg', 'Heartbeat', 0],
    [0x17, 'msg', 'Subscription request 3 for mbo data succeeded', 1],
    [0x17, 'msg', 'something else', 255],
  ] as const)('rtype %i: the text "%s: %s" has the code %i', (rtype, field, text, code) => {
    expect(up({ rtype, [field]: text }, 1)).toMatchObject({ [field]: text, code });
  });

  test('symbol mappings say that the symbologies are not known', () => {
    expect(up({ rtype: 0x16, stype_in_symbol: 'ES', start_ts: 5n }, 1)).toMatchObject({
      stype_in: 255,
      stype_in_symbol: 'ES',
      stype_out: 255,
      start_ts: 5n,
    });
  });

  test('what cannot be read is as it is', () => {
    expect(upgradeRecord(recordBytes(0x13, 100), 0, 1)).toBeNull();
    expect(upgradeRecord(recordBytes(0x99, 100), 0, 1)).toBeNull();
  });
});

describe.skipIf(DATA === null)('a sample of version 1', () => {
  test.each([
    ['test_data.definition.v1.dbn.zst', 'test_data.definition.v3.dbn.zst'],
    ['test_data.mbo.v1.dbn.zst', 'test_data.mbo.v3.dbn'],
  ])('%s becomes %s, byte for byte', (before, after) => {
    const bytes = sample(before);
    const start = metadataBytes(bytes);
    const parts: Uint8Array[] = [encodeMetadata(upgradeMetadata(decodeMetadata(bytes.subarray(0, start))))];
    for (let at = start; at < bytes.length; at += bytes[at]! * 4) {
      parts.push(upgradeRecord(bytes, at, 1) ?? bytes.subarray(at, at + bytes[at]! * 4));
    }
    expect(concat(...parts)).toEqual(sample(after));
  });

  test('what is of version 3 is left alone', () => {
    const metadata = decodeMetadata(sample('test_data.mbo.v3.dbn'));
    expect(upgradeMetadata(metadata)).toBe(metadata);
  });
});
