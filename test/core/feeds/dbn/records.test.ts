import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECORD_KINDS } from '../../../../src/core/feeds/dbn/layout.ts';
import { decodeMetadata, encodeMetadata, metadataBytes } from '../../../../src/core/feeds/dbn/metadata.ts';
import { recordTable } from '../../../../src/core/feeds/dbn/record-tables.ts';
import { type RecordValues, readRecord, writeRecord } from '../../../../src/core/feeds/dbn/records.ts';
import { DATA } from '../../../world/data.ts';
import { anyRecord } from './any-record.ts';
import { expectation, recordBytes, sample } from './stream.ts';

type Json = string | number | readonly Json[] | { readonly [name: string]: Json };

interface ExpectedSamples {
  readonly files: readonly {
    readonly file: string;
    readonly metadata: { readonly version: number };
    readonly records: readonly Readonly<Record<string, Json>>[];
  }[];
}

/** Values as the expectations have them: integers of 64 bits are text, and what is reserved is not there. */
const plain = (values: RecordValues): Json => {
  const { reserved: _, ...fields } = values;
  return JSON.parse(
    JSON.stringify(fields, (_name, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
};
const VERSIONS = [1, 2, 3] as const;
const ALL = RECORD_KINDS.flatMap((kind) => VERSIONS.map((version) => ({ kind, version, name: kind.name })));

describe('tables', () => {
  test.each(ALL)('$name of version $version ends where the format says', ({ kind, version }) => {
    const table = recordTable(kind.rtype, version)!;
    expect([table.name, table.bytes]).toEqual([kind.name, kind.bytes[version - 1]]);
  });

  test('the index time is the receive time where there is one, else the event time', () => {
    for (const { kind, version } of ALL) {
      const received = recordTable(kind.rtype, version)!.fields.find(({ name }) => name === 'ts_recv');
      expect([kind.name, received?.offset ?? 8]).toEqual([kind.name, kind.indexTime]);
    }
  });
});

describe('values', () => {
  test.each(ALL)('$name of version $version: written and read they are the same', ({ kind, version }) => {
    const bytes = kind.bytes[version - 1]!;
    fc.assert(
      fc.property(anyRecord(kind.rtype, version), (values) => {
        const written = writeRecord(values, version);
        expect(written.length).toBe(bytes);
        expect(readRecord(written, 0, version)).toEqual(values);
        const later = writeRecord({ ...values, ts_out: 5n }, version);
        expect(readRecord(later, 0, version)).toEqual({ ...values, length_words: bytes / 4 + 2, ts_out: 5n });
      }),
      { numRuns: 20 },
    );
  });

  test('reserved bytes are kept', () => {
    for (const { kind, version } of ALL) {
      const bytes = recordBytes(kind.rtype, kind.bytes[version - 1]!, 0x41);
      for (const field of recordTable(kind.rtype, version)!.fields) {
        if (field.type === 'levels' && field.each.some(({ type }) => type === 'pad')) {
          for (const pad of [26, 27, 30, 31]) bytes[field.offset + pad] = 0;
        }
      }
      expect(writeRecord(readRecord(bytes, 0, version)!, version)).toEqual(bytes);
    }
  });

  test('what cannot be read is null', () => {
    expect(readRecord(recordBytes(0x99, 64), 0, 3)).toBeNull();
    expect(readRecord(recordBytes(0x13, 400), 0, 3)).toBeNull();
    expect(readRecord(recordBytes(0xa0, 56).subarray(0, 40), 0, 3)).toBeNull();
    expect(readRecord(recordBytes(0xa0, 56), 0, 4)).toBeNull();
  });

  test('what cannot be written is refused', () => {
    const write = (values: RecordValues) => () => writeRecord(values, 3);
    expect(write({ rtype: 0x99 })).toThrow('version 3 has no rtype 153');
    expect(write({ rtype: 0xa0, prize: 1n })).toThrow('writing DBN mbo: it has no field prize');
    expect(write({ rtype: 0xa0, size: -1 })).toThrow('writing DBN mbo: size is u32, not -1');
    expect(write({ rtype: 0xa0, size: 1.5 })).toThrow('size is u32');
    expect(write({ rtype: 0xa0, side: 'AB' })).toThrow('side is char');
    expect(write({ rtype: 0xa0, side: 7 })).toThrow('side is char');
    expect(write({ rtype: 0x00, levels: [{}] })).toThrow('no field levels');
    expect(write({ rtype: 0x01, levels: [{}, {}] })).toThrow('levels holds 1 levels');
    expect(write({ rtype: 0x13, currency: 'EUROS' })).toThrow('currency is text');
    expect(readRecord(writeRecord({ rtype: 0x13, currency: 'EURO' }, 3), 0, 3)!['currency']).toBe('EURO');
    expect(write({ rtype: 0x13, reserved: '00' })).toThrow('reserved is 34 digits');
  });
});

describe.skipIf(DATA === null)('samples', () => {
  const { files } = DATA === null ? { files: [] } : expectation<ExpectedSamples>('samples_expected.json');

  test.each(files)(
    '$file: every value of every record, and the same bytes again',
    ({ file, metadata, records }) => {
      const bytes = sample(file);
      const start = metadataBytes(bytes);
      expect(encodeMetadata(decodeMetadata(bytes.subarray(0, start)))).toEqual(bytes.subarray(0, start));
      let at = start;
      for (const expected of records) {
        const values = readRecord(bytes, at, metadata.version)!;
        expect(plain(values)).toEqual(expected);
        const written = writeRecord(values, metadata.version);
        expect(written).toEqual(bytes.slice(at, at + written.length));
        at += written.length;
      }
      expect(at).toBe(bytes.length);
    },
  );

  test('the metadata of CLX5 are the same bytes again', () => {
    const bytes = sample('CLX5_mbo.dbn');
    const head = bytes.subarray(0, metadataBytes(bytes));
    expect(encodeMetadata(decodeMetadata(head))).toEqual(head);
  });
});
