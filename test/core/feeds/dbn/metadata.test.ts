import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeMetadata,
  encodeMetadata,
  type Metadata,
  MetadataError,
  metadataBytes,
} from '../../../../src/core/feeds/dbn/metadata.ts';
import { SymbolTable, utcDate } from '../../../../src/core/feeds/dbn/symbols.ts';
import { DATA } from '../../../world/data.ts';
import { expectation, headBytes, sample } from './stream.ts';

interface ExpectedSamples {
  readonly files: readonly {
    readonly file: string;
    readonly uncompressed_bytes: number;
    readonly metadata: {
      readonly version: number;
      readonly length: number;
      readonly dataset: string;
      readonly schema: number;
      readonly start: string;
      readonly end: string;
      readonly limit: string;
      readonly stype_in: number;
      readonly stype_out: number;
      readonly ts_out: number;
      readonly symbol_cstr_len: number;
      readonly symbols: readonly string[];
      readonly partial: readonly string[];
      readonly not_found: readonly string[];
      readonly mapping_symbols: readonly string[];
      readonly mapping_intervals: number;
      readonly first_interval: readonly [number, number, string];
    };
  }[];
}

const headOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, metadataBytes(bytes));

describe.skipIf(DATA === null)('metadata of real files', () => {
  const { files } = DATA === null ? { files: [] } : expectation<ExpectedSamples>('samples_expected.json');

  test('13 samples are here', () => {
    expect(files).toHaveLength(13);
  });

  test.each(files)('$file decodes to its values and re-encodes byte for byte', (expected) => {
    const bytes = sample(expected.file);
    expect(bytes.length).toBe(expected.uncompressed_bytes);
    const head = headOf(bytes);
    const metadata = decodeMetadata(head);
    const { metadata: wanted } = expected;
    expect(head.length).toBe(8 + wanted.length);
    expect(metadata).toMatchObject({
      version: wanted.version,
      dataset: wanted.dataset,
      schema: wanted.schema,
      start: BigInt(wanted.start),
      end: BigInt(wanted.end),
      limit: BigInt(wanted.limit),
      symbolTypeIn: wanted.stype_in,
      symbolTypeOut: wanted.stype_out,
      sendTimes: wanted.ts_out,
      symbolBytes: wanted.symbol_cstr_len,
      symbols: wanted.symbols,
      partial: wanted.partial,
      notFound: wanted.not_found,
    });
    expect(metadata.mappings.map(({ rawSymbol }) => rawSymbol)).toEqual(wanted.mapping_symbols);
    expect(metadata.mappings.flatMap(({ intervals }) => intervals)).toHaveLength(wanted.mapping_intervals);
    const [startDate, endDate, symbol] = wanted.first_interval;
    expect(metadata.mappings[0]?.intervals[0]).toEqual({ startDate, endDate, symbol });
    expect(Buffer.from(encodeMetadata(metadata)).equals(head)).toBe(true);
  });

  test('CLX5: values, bytes, and the symbol by day', () => {
    const head = headOf(sample('CLX5_mbo.dbn'));
    const metadata = decodeMetadata(head);
    expect(head.length).toBe(360);
    expect(metadata).toMatchObject({
      version: 3,
      dataset: 'GLBX.MDP3',
      schema: 0,
      symbols: ['CLX5'],
      limit: 0n,
    });
    expect(Buffer.from(encodeMetadata(metadata)).equals(head)).toBe(true);
    const symbols = new SymbolTable(metadata);
    expect(symbols.symbolOf(432669, 20250924)).toBe('CLX5');
    expect(symbols.symbolOf(432669, 20250923)).toBeNull();
    expect(symbols.symbolOf(432669, 20250925)).toBeNull();
    expect(symbols.symbolOf(1, 20250924)).toBeNull();
  });
});

describe('metadata that cannot be read', () => {
  const patched = (patch: (bytes: Uint8Array, view: DataView) => void): Uint8Array => {
    const bytes = headBytes();
    patch(bytes, new DataView(bytes.buffer));
    return bytes;
  };

  test('the hand-written head itself can', () => {
    expect(decodeMetadata(headBytes())).toMatchObject({
      version: 3,
      dataset: 'TEST.DATA',
      symbols: [],
      mappings: [],
    });
    expect(decodeMetadata(headBytes(1))).toMatchObject({
      version: 1,
      symbolTypeIn: 1,
      symbolBytes: 22,
      recordCount: 0n,
    });
    expect([...encodeMetadata(decodeMetadata(headBytes()))]).toEqual([...headBytes()]);
  });

  test.each<[string, Uint8Array, string]>([
    ['magic', patched((b) => (b[0] = 0x58)), 'at offset 0: expected "DBN" (44 42 4e), found 58 42 4e'],
    ['version 0', patched((b) => (b[3] = 0)), 'at offset 3: expected version 1 to 3, found 0'],
    ['version 4', patched((b) => (b[3] = 4)), 'at offset 3: expected version 1 to 3, found 4'],
    [
      'short length',
      patched((_, v) => v.setUint32(4, 99, true)),
      'at offset 4: expected a length of 104 to 67108864, found 99',
    ],
    [
      'long length',
      patched((_, v) => v.setUint32(4, 0xffffffff, true)),
      'at offset 4: expected a length of 104 to 67108864, found 4294967295',
    ],
    [
      'symbol length',
      patched((_, v) => v.setUint16(53, 0, true)),
      'at offset 53: expected symbols of at least 22 bytes, found 0',
    ],
    [
      'schema definition',
      patched((_, v) => v.setUint32(108, 5, true)),
      'at offset 108: expected no schema definition (length 0), found length 5',
    ],
    [
      'symbol count',
      patched((_, v) => v.setUint32(112, 0xffffffff, true)),
      'at offset 112: 4294967295 symbols need at least',
    ],
    [
      'mapping count',
      patched((_, v) => v.setUint32(124, 1, true)),
      'at offset 124: 1 mappings need at least 75 bytes, 0 are left',
    ],
    [
      'lists cut by the length',
      patched((_, v) => v.setUint32(4, 108, true)),
      'at offset 116: expected the number of partial symbols (4 bytes), 0 bytes are left',
    ],
    [
      'fewer bytes than the length says',
      headBytes().subarray(0, 100),
      'at offset 100: expected 128 bytes, found 100',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => decodeMetadata(bytes)).toThrow(MetadataError);
    expect(() => decodeMetadata(bytes)).toThrow(`DBN metadata ${message}`);
  });

  test.each([100, 101, 103])('a length of %i: too short for the schema definition length', (length) => {
    const bytes = headBytes().slice(0, 8 + length);
    new DataView(bytes.buffer).setUint32(4, length, true);
    expect(() => decodeMetadata(bytes)).toThrow(
      `at offset 4: expected a length of 104 to 67108864, found ${length}`,
    );
  });

  test('an interval count beyond the bytes', () => {
    const metadata: Metadata = {
      ...decodeMetadata(headBytes()),
      mappings: [{ rawSymbol: 'AB', intervals: [{ startDate: 20250101, endDate: 20250102, symbol: '7' }] }],
    };
    const bytes = encodeMetadata(metadata);
    new DataView(bytes.buffer).setUint32(128 + 71, 1_000_000_000, true);
    expect(() => decodeMetadata(bytes)).toThrow('1000000000 intervals of mapping "AB" need at least');
  });

  test('mutated metadata is read or refused, never worse', () => {
    const bytes = encodeMetadata({ ...decodeMetadata(headBytes()), symbols: ['AB'], partial: ['C'] });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, cut) => {
        const mutated = bytes.slice(0, Math.max(8, cut));
        mutated[Math.min(at, mutated.length - 1)] = value;
        try {
          decodeMetadata(mutated);
        } catch (error) {
          expect(error).toBeInstanceOf(MetadataError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('metadata written and read back', () => {
  const text = (max: number): fc.Arbitrary<string> =>
    fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: max,
    });
  const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
  const date = fc.integer({ min: 19700101, max: 20991231 });
  const metadata = fc.constantFrom(1, 2, 3).chain((version) => {
    const symbol = text(version === 1 ? 21 : 70);
    return fc.record({
      version: fc.constant(version),
      dataset: text(15),
      schema: fc.nat(0xffff),
      start: u64,
      end: u64,
      limit: u64,
      recordCount: version === 1 ? u64 : fc.constant((1n << 64n) - 1n),
      symbolTypeIn: fc.nat(255),
      symbolTypeOut: fc.nat(255),
      sendTimes: fc.nat(255),
      symbolBytes: fc.constant(version === 1 ? 22 : 71),
      symbols: fc.array(symbol, { maxLength: 5 }),
      partial: fc.array(symbol, { maxLength: 3 }),
      notFound: fc.array(symbol, { maxLength: 3 }),
      mappings: fc.array(
        fc.record({
          rawSymbol: symbol,
          intervals: fc.array(fc.record({ startDate: date, endDate: date, symbol }), { maxLength: 3 }),
        }),
        { maxLength: 4 },
      ),
    });
  });

  test('gives the same values, at the sheet’s lengths', () => {
    fc.assert(
      fc.property(metadata, (values) => {
        const bytes = encodeMetadata(values);
        expect(decodeMetadata(bytes)).toEqual(values);
        if (values.version === 3) expect(bytes.length % 8).toBe(0);
      }),
    );
  });

  test('refuses text that does not fit', () => {
    const head = decodeMetadata(headBytes());
    expect(() => encodeMetadata({ ...head, dataset: 'SIXTEEN.CHARS.XX' })).toThrow(
      'a field of 16 bytes holds 15',
    );
    expect(() => encodeMetadata({ ...head, symbols: ['x'.repeat(71)] })).toThrow(
      'a field of 71 bytes holds 70',
    );
    expect(() => encodeMetadata({ ...head, symbols: ['€'] })).toThrow('character 1 is not ASCII');
  });
});

test('symbols by instrument id in either direction, and learned ones first', () => {
  const mapped = (
    symbolTypeIn: number,
    symbolTypeOut: number,
    rawSymbol: string,
    symbol: string,
  ): SymbolTable =>
    new SymbolTable({
      ...decodeMetadata(headBytes()),
      symbolTypeIn,
      symbolTypeOut,
      mappings: [{ rawSymbol, intervals: [{ startDate: 20250101, endDate: 20250103, symbol }] }],
    });
  expect(mapped(1, 0, 'AB', '4294967295').symbolOf(4294967295, 20250102)).toBe('AB');
  expect(mapped(0, 1, '7', 'AB').symbolOf(7, 20250101)).toBe('AB');
  expect(mapped(3, 1, 'AB.c.0', '7').symbolOf(7, 20250101)).toBeNull();
  const table = mapped(1, 0, 'AB', '7');
  table.learn(7, 'CD');
  expect(table.symbolOf(7, 20250101)).toBe('CD');
  expect(utcDate(1_758_758_399_999_999_999n)).toBe(20250924);
  expect(utcDate(1_758_758_400_000_000_000n)).toBe(20250925);
});
