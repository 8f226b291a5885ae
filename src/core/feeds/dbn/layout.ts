/**
 * Numbers of the DBN wire format (Databento Binary Encoding, versions 1 to 3). Little-endian, packed.
 *
 *     record header, 16 bytes        mbo, 56 bytes
 *      0  u8   length in words       16 u64  order id
 *      1  u8   rtype                 24 i64  price, unit 1e-9
 *      2  u16  publisher             32 u32  size
 *      4  u32  instrument            36 u8   flags
 *      8  u64  event time, ns        37 u8   channel
 *                                    38 char action     A C M R T F N
 *                                    39 char side       A B N
 *                                    40 u64  receive time, ns
 *                                    48 i32  receive time − sending time, ns
 *                                    52 u32  sequence of the venue
 */

/** Unit of the length in a record header. */
export const WORD_BYTES = 4;
export const HEADER_BYTES = 16;
export const HEADER_WORDS = 4;
/** The most that a length of one byte can say. */
export const RECORD_BYTES_MAX: number = 255 * WORD_BYTES;

export const VERSION_MAX = 3;

export const RTYPE_STATUS = 0x12;
export const RTYPE_DEFINITION = 0x13;
export const RTYPE_ERROR = 0x15;
export const RTYPE_SYMBOL_MAPPING = 0x16;
export const RTYPE_SYSTEM = 0x17;
export const RTYPE_STATISTICS = 0x18;
export const RTYPE_MBO = 0xa0;

export const MBO_BYTES = 56;

/** Decimal digits of prices and sizes. */
export const PRICE_SCALE = 9;
export const SIZE_SCALE = 0;

/** Undefined price 2^63 − 1 as signed halves. */
export const UNDEFINED_PRICE_HIGH = 0x7fffffff;
export const UNDEFINED_PRICE_LOW = -1;
/** Undefined size 2^32 − 1 as it reads from an Int32Array. */
export const UNDEFINED_SIZE = -1;

export const F_LAST = 128;
export const F_TOB = 64;
export const F_SNAPSHOT = 32;
export const F_MBP = 16;
export const F_BAD_TS_RECV = 8;
export const F_MAYBE_BAD_BOOK = 4;

export const ACTION_ADD = 65;
export const ACTION_CANCEL = 67;
export const ACTION_FILL = 70;
export const ACTION_MODIFY = 77;
export const ACTION_NONE = 78;
export const ACTION_CLEAR = 82;
export const ACTION_TRADE = 84;

export const SIDE_CHAR_ASK = 65;
export const SIDE_CHAR_BID = 66;
export const SIDE_CHAR_NONE = 78;

/** One kind of record: its name and its bytes in each version. */
export interface RecordKind {
  readonly rtype: number;
  readonly name: string;
  /** Bytes in version 1, 2 and 3, without the gateway's sending time. */
  readonly bytes: readonly [number, number, number];
  /** Where the index time stands that orders the records; 8 = the event time of the header. */
  readonly indexTime: number;
}

const kind = (
  rtype: number,
  name: string,
  bytes: number | readonly [number, number, number],
  indexTime: number,
): RecordKind => ({
  rtype,
  name,
  bytes: typeof bytes === 'number' ? [bytes, bytes, bytes] : bytes,
  indexTime,
});

/** Every record of versions 1 to 3. */
export const RECORD_KINDS: readonly RecordKind[] = [
  kind(0x00, 'trades', 48, 32),
  kind(0x01, 'mbp-1', 80, 32),
  kind(0x0a, 'mbp-10', 368, 32),
  kind(0x11, 'ohlcv', 56, 8),
  kind(RTYPE_STATUS, 'status', 40, 16),
  kind(RTYPE_DEFINITION, 'definition', [360, 400, 520], 16),
  kind(0x14, 'imbalance', 112, 16),
  kind(RTYPE_ERROR, 'error', [80, 320, 320], 8),
  kind(RTYPE_SYMBOL_MAPPING, 'symbol-mapping', [80, 176, 176], 8),
  kind(RTYPE_SYSTEM, 'system', [80, 320, 320], 8),
  kind(RTYPE_STATISTICS, 'statistics', [64, 64, 80], 16),
  kind(0x20, 'ohlcv-1s', 56, 8),
  kind(0x21, 'ohlcv-1m', 56, 8),
  kind(0x22, 'ohlcv-1h', 56, 8),
  kind(0x23, 'ohlcv-1d', 56, 8),
  kind(0x24, 'ohlcv-eod', 56, 8),
  kind(RTYPE_MBO, 'mbo', MBO_BYTES, 40),
  kind(0xb1, 'cmbp-1', 80, 32),
  kind(0xc0, 'cbbo-1s', 80, 32),
  kind(0xc1, 'cbbo-1m', 80, 32),
  kind(0xc2, 'tcbbo', 80, 32),
  kind(0xc3, 'bbo-1s', 80, 32),
  kind(0xc4, 'bbo-1m', 80, 32),
];

/** The same by rtype; undefined = not a record of these versions. */
export const KIND_BY_RTYPE: readonly (RecordKind | undefined)[] = Array.from({ length: 256 }, (_, rtype) =>
  RECORD_KINDS.find((known) => known.rtype === rtype),
);

/** What the gateway says about the session is about no book. */
export function isOfGateway(rtype: number): boolean {
  return rtype === RTYPE_ERROR || rtype === RTYPE_SYSTEM || rtype === RTYPE_SYMBOL_MAPPING;
}

/** Names of the schemas as the metadata number them. */
const SCHEMA_NAMES: readonly string[] = [
  'mbo',
  'mbp-1',
  'mbp-10',
  'tbbo',
  'trades',
  'ohlcv-1s',
  'ohlcv-1m',
  'ohlcv-1h',
  'ohlcv-1d',
  'definition',
  'statistics',
  'status',
  'imbalance',
  'ohlcv-eod',
  'cmbp-1',
  'cbbo-1s',
  'cbbo-1m',
  'tcbbo',
  'bbo-1s',
  'bbo-1m',
];
export const SCHEMA_TBBO = 3;
const SCHEMA_MIXED = 0xffff;

/** Name of a schema: `mbp-10`; `mixed` for records of several, `schema-99` for a number that is none. */
export function schemaName(schema: number): string {
  return schema === SCHEMA_MIXED ? 'mixed' : (SCHEMA_NAMES[schema] ?? `schema-${schema}`);
}

/** Where the text fields stand that name an instrument, by version: [offset, bytes]. */
export const DEFINITION_SYMBOL: readonly (readonly [number, number])[] = [
  [200, 22],
  [200, 71],
  [238, 71],
];
export const MAPPING_IN_SYMBOL: readonly (readonly [number, number])[] = [
  [16, 22],
  [17, 71],
  [17, 71],
];
export const MAPPING_OUT_SYMBOL: readonly (readonly [number, number])[] = [
  [38, 22],
  [89, 71],
  [89, 71],
];

/** Text of a NUL-padded field; bytes above 127, which the format does not use, survive as Latin-1. */
export function readText(bytes: Uint8Array, offset: number, length: number): string {
  let text = '';
  for (let at = offset; at < offset + length; at++) {
    const byte = bytes[at];
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Writes a NUL-padded text field, which must hold at least one NUL. Throws RangeError where the text does not fit. */
export function writeText(bytes: Uint8Array, offset: number, length: number, text: string): void {
  if (text.length >= length) {
    throw new RangeError(
      `writing DBN text "${text}": ${text.length} characters, a field of ${length} bytes holds ${length - 1}`,
    );
  }
  for (let at = 0; at < length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0;
    if (code > 255 || (code === 0 && at < text.length)) {
      throw new RangeError(`writing DBN text "${text}": character ${at + 1} is not ASCII`);
    }
    bytes[offset + at] = code;
  }
}
