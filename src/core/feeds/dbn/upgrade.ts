import {
  RTYPE_DEFINITION,
  RTYPE_ERROR,
  RTYPE_STATISTICS,
  RTYPE_SYMBOL_MAPPING,
  RTYPE_SYSTEM,
  VERSION_MAX,
  WORD_BYTES,
} from './layout.ts';
import { type Metadata, RECORD_COUNT_UNDEFINED } from './metadata.ts';
import { recordTable } from './record-tables.ts';
import { type RecordValues, readRecord, writeRecord } from './records.ts';

const SYMBOL_BYTES = 71;
const PRICE_UNDEFINED = (1n << 63n) - 1n;
const STATISTIC_UNDEFINED_BEFORE = 0x7fffffff;
const STATISTIC_UNDEFINED = (1n << 63n) - 1n;
const BYTE_UNDEFINED = 255;

/** What version 3 has no field for. */
const DROPPED: readonly string[] = [
  'trading_reference_price',
  'trading_reference_date',
  'settl_price_type',
  'md_security_trading_status',
  'reserved',
];

/** What the first version says as text and later ones as a code, too. */
const ERROR_CODES: readonly (readonly [text: RegExp, code: number])[] = [
  [/^User or API key deactivated$/, 2],
  [/^User has reached their open connection limit$/, 3],
  [/^Failed to resolve symbol/, 4],
  [/^Internal error$/, 6],
  [/^Slow client detected for /, 7],
];
const SYSTEM_CODES: readonly (readonly [text: RegExp, code: number])[] = [
  [/^Heartbeat$/, 0],
  [/^Subscription request .* succeeded$/, 1],
  [/^Warning: slow reading/, 2],
  [/^Finished .* replay$/, 3],
  [/^End of interval for /, 4],
];

/** Metadata as version 3 says them. */
export function upgradeMetadata(metadata: Metadata): Metadata {
  if (metadata.version >= VERSION_MAX) return metadata;
  return {
    ...metadata,
    version: VERSION_MAX,
    recordCount: RECORD_COUNT_UNDEFINED,
    symbolBytes: Math.max(metadata.symbolBytes, SYMBOL_BYTES),
  };
}

/**
 * The record at `offset` as version 3 has it. Null where it is the same: the type did not change, is unknown, or the
 * record is shorter than its type. What stands behind a record, but the sending time, is left out.
 */
export function upgradeRecord(
  bytes: Uint8Array,
  offset: number,
  version: number,
): Uint8Array<ArrayBuffer> | null {
  const rtype = bytes[offset + 1];
  if (recordTable(rtype, version) === null || isSameTable(rtype, version)) return null;
  const values = readRecord(bytes.subarray(offset, offset + bytes[offset] * WORD_BYTES), 0, version);
  return values === null ? null : writeRecord(upgradeValues(rtype, values, version), VERSION_MAX);
}

function isSameTable(rtype: number, version: number): boolean {
  if (version >= VERSION_MAX) return true;
  return recordTable(rtype, version)!.bytes === recordTable(rtype, VERSION_MAX)!.bytes;
}

function upgradeValues(rtype: number, before: RecordValues, version: number): RecordValues {
  const values = Object.fromEntries(Object.entries(before).filter(([name]) => !DROPPED.includes(name)));
  switch (rtype) {
    case RTYPE_DEFINITION:
      return {
        ...values,
        raw_instrument_id: BigInt(values['raw_instrument_id'] as number),
        leg_price: PRICE_UNDEFINED,
        leg_delta: PRICE_UNDEFINED,
        leg_side: 'N',
      };
    case RTYPE_STATISTICS: {
      const quantity = values['quantity'] as number;
      const isUndefined = quantity === STATISTIC_UNDEFINED_BEFORE;
      return { ...values, quantity: isUndefined ? STATISTIC_UNDEFINED : BigInt(quantity) };
    }
    case RTYPE_SYMBOL_MAPPING:
      return version > 1 ? values : { ...values, stype_in: BYTE_UNDEFINED, stype_out: BYTE_UNDEFINED };
    case RTYPE_ERROR:
      return { ...values, code: codeOf(values['err'] as string, ERROR_CODES), is_last: BYTE_UNDEFINED };
    case RTYPE_SYSTEM:
      return { ...values, code: codeOf(values['msg'] as string, SYSTEM_CODES) };
    default:
      return values;
  }
}

function codeOf(text: string, codes: readonly (readonly [RegExp, number])[]): number {
  return codes.find(([pattern]) => pattern.test(text))?.[1] ?? BYTE_UNDEFINED;
}
