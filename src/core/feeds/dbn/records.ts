import { readText, WORD_BYTES, writeText } from './layout.ts';
import {
  HEADER_FIELDS,
  type LevelsField,
  type RecordTable,
  recordTable,
  type ScalarField,
} from './record-tables.ts';

/** Integers of 64 bits are bigints, shorter ones numbers; a character is a text of one. */
export type ScalarValue = number | bigint | string;
export type ScalarValues = Readonly<Record<string, ScalarValue>>;
/**
 * A whole record by the names of its fields, header included; `levels` is a list. Where the record has them, `ts_out`
 * and, unless all are zero, `reserved`: its reserved bytes in hexadecimal digits, one behind the other.
 */
export type RecordValues = Readonly<Record<string, ScalarValue | readonly ScalarValues[]>>;

/** Bytes of the gateway's sending time behind a record, where the metadata announce it. */
export const SEND_TIME_BYTES = 8;
const SEND_TIME_NAME = 'ts_out';
const RESERVED_NAME = 'reserved';
const SEND_TIME_FIELD: Omit<ScalarField, 'offset'> = {
  name: SEND_TIME_NAME,
  type: 'time',
  bytes: SEND_TIME_BYTES,
  place: null,
};

/** A record whose fields can be read: where it stands and what it is. */
export interface ReadableRecord {
  readonly view: DataView;
  readonly offset: number;
  readonly table: RecordTable;
  /** Does the sending time stand behind it? */
  readonly hasSendTime: boolean;
}

/**
 * Finds the layout of the record whose header is at `offset`. Null where versions up to 3 have no such record, or it
 * is shorter than its type.
 */
export function readableRecord(bytes: Uint8Array, offset: number, version: number): ReadableRecord | null {
  const table = recordTable(bytes[offset + 1], version);
  const length = bytes[offset] * WORD_BYTES;
  if (table === null || length < table.bytes || offset + length > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { view, offset, table, hasSendTime: length === table.bytes + SEND_TIME_BYTES };
}

/** Reads every field of the record at `offset`; null as `readableRecord`. */
export function readRecord(bytes: Uint8Array, offset: number, version: number): RecordValues | null {
  const record = readableRecord(bytes, offset, version);
  if (record === null) return null;
  const values: Record<string, ScalarValue | ScalarValues[]> = {};
  for (const field of HEADER_FIELDS) values[field.name] = readField(record.view, offset, field);
  for (const field of record.table.fields) {
    if (field.type === 'levels') values[field.name] = readLevels(record.view, offset, field);
    else if (field.type !== 'pad') values[field.name] = readField(record.view, offset, field);
  }
  if (record.hasSendTime) values[SEND_TIME_NAME] = readSendTime(record);
  const reserved = reservedBytes(record.table, bytes.subarray(offset));
  if (reserved.some((byte) => byte !== 0)) values[RESERVED_NAME] = Buffer.from(reserved).toString('hex');
  return values;
}

/**
 * Writes a record from values as `readRecord` gives them; the inverse, byte for byte, if nothing stands behind the end
 * of a text. The length is the table's; a field without a value becomes zero.
 * Throws RangeError for an unknown rtype, an unknown field or a value that does not fit.
 */
export function writeRecord(values: RecordValues, version: number): Uint8Array<ArrayBuffer> {
  const { rtype, [SEND_TIME_NAME]: sendTime } = values;
  const table = typeof rtype === 'number' ? recordTable(rtype, version) : null;
  if (table === null) throw new RangeError(`writing a DBN record: version ${version} has no rtype ${rtype}`);
  const bytes = new Uint8Array(table.bytes + (sendTime === undefined ? 0 : SEND_TIME_BYTES));
  const view = new DataView(bytes.buffer);
  refuseUnknown(table, values);
  for (const field of HEADER_FIELDS) {
    if (field.name !== 'length_words') writeField(view, 0, field, values[field.name], table);
  }
  bytes[0] = bytes.length / WORD_BYTES;
  for (const field of table.fields) {
    if (field.type === 'levels') writeLevels(view, field, values[field.name], table);
    else if (field.type !== 'pad') writeField(view, 0, field, values[field.name], table);
  }
  writeReserved(table, bytes, values[RESERVED_NAME]);
  if (sendTime !== undefined) {
    writeField(view, 0, { ...SEND_TIME_FIELD, offset: table.bytes }, sendTime, table);
  }
  return bytes;
}

function reservedBytes(table: RecordTable, record: Uint8Array): number[] {
  const pads = table.fields.filter(({ type }) => type === 'pad');
  return pads.flatMap(({ offset, bytes }) => [...record.subarray(offset, offset + bytes)]);
}

function writeReserved(
  table: RecordTable,
  record: Uint8Array,
  value: RecordValues[string] | undefined,
): void {
  if (value === undefined) return;
  const pads = table.fields.filter(({ type }) => type === 'pad');
  const total = pads.reduce((sum, { bytes }) => sum + bytes, 0);
  if (typeof value !== 'string' || !/^[0-9a-f]*$/.test(value) || value.length !== total * 2) {
    throw new RangeError(
      `writing DBN ${table.name}: ${RESERVED_NAME} is ${total * 2} digits, not ${String(value)}`,
    );
  }
  let from = 0;
  for (const { offset, bytes } of pads) {
    record.set(Buffer.from(value.slice(from, from + bytes * 2), 'hex'), offset);
    from += bytes * 2;
  }
}

/** The value of a field of the record, or level, at `start`. */
export function readField(view: DataView, start: number, field: ScalarField): ScalarValue {
  const at = start + field.offset;
  switch (field.type) {
    case 'u8':
    case 'pad':
      return view.getUint8(at);
    case 'i8':
      return view.getInt8(at);
    case 'u16':
      return view.getUint16(at, true);
    case 'i16':
      return view.getInt16(at, true);
    case 'u32':
      return view.getUint32(at, true);
    case 'i32':
      return view.getInt32(at, true);
    case 'u64':
    case 'time':
      return view.getBigUint64(at, true);
    case 'i64':
    case 'price':
      return view.getBigInt64(at, true);
    case 'char':
      return String.fromCharCode(view.getUint8(at));
    case 'text':
      return readText(bytesOf(view), at, field.bytes);
  }
}

/** The gateway's sending time of a record that has it. */
export function readSendTime({ view, offset, table }: ReadableRecord): bigint {
  return view.getBigUint64(offset + table.bytes, true);
}

function readLevels(view: DataView, start: number, field: LevelsField): ScalarValues[] {
  const levels: ScalarValues[] = [];
  const bytes = field.bytes / field.count;
  for (let level = 0; level < field.count; level += 1) {
    const values: Record<string, ScalarValue> = {};
    for (const each of field.each) {
      if (each.type !== 'pad')
        values[each.name] = readField(view, start + field.offset + level * bytes, each);
    }
    levels.push(values);
  }
  return levels;
}

function writeLevels(
  view: DataView,
  field: LevelsField,
  value: RecordValues[string] | undefined,
  table: RecordTable,
): void {
  const levels = value ?? [];
  if (!Array.isArray(levels) || levels.length > field.count) {
    throw new RangeError(`writing DBN ${table.name}: ${field.name} holds ${field.count} levels`);
  }
  const bytes = field.bytes / field.count;
  for (const [level, values] of (levels as readonly ScalarValues[]).entries()) {
    for (const each of field.each) {
      if (each.type === 'pad') continue;
      writeField(view, field.offset + level * bytes, each, values[each.name], table);
    }
  }
}

function writeField(
  view: DataView,
  start: number,
  field: ScalarField,
  value: RecordValues[string] | undefined,
  table: RecordTable,
): void {
  const at = start + field.offset;
  if (field.type === 'char' || field.type === 'text') {
    const text = value ?? '';
    if (typeof text !== 'string') throw misfit(table, field, value);
    if (field.type === 'text') writeFullText(bytesOf(view), at, field, text, table);
    else if (text.length > 1 || text > '\xff') throw misfit(table, field, value);
    else view.setUint8(at, text === '' ? 0 : text.charCodeAt(0));
    return;
  }
  const number = value ?? 0;
  if (!isFitting(number, field)) throw misfit(table, field, value);
  switch (field.bytes) {
    case 1:
      view.setUint8(at, Number(number));
      break;
    case 2:
      view.setUint16(at, Number(number), true);
      break;
    case 4:
      view.setUint32(at, Number(number), true);
      break;
    default:
      view.setBigUint64(at, BigInt(number), true);
  }
}

/** Also a text that fills its field: the format wants a NUL behind it, but what was read must not be lost. */
function writeFullText(
  bytes: Uint8Array,
  at: number,
  field: ScalarField,
  text: string,
  table: RecordTable,
): void {
  if (text.length > field.bytes) throw misfit(table, field, text);
  if (text.length < field.bytes) writeText(bytes, at, field.bytes, text);
  else for (let byte = 0; byte < field.bytes; byte += 1) bytes[at + byte] = text.charCodeAt(byte);
}

/** Is it an integer that the field holds? */
function isFitting(value: RecordValues[string], field: ScalarField): value is number | bigint {
  if (typeof value !== 'number' && typeof value !== 'bigint') return false;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return false;
  const isSigned = field.type === 'price' || field.type.startsWith('i');
  if (field.bytes < 8) {
    const span = 2 ** (field.bytes * 8);
    return isSigned ? value >= -span / 2 && value < span / 2 : value >= 0 && value < span;
  }
  const wide = BigInt(value);
  return wide === (isSigned ? BigInt.asIntN(64, wide) : BigInt.asUintN(64, wide));
}

function refuseUnknown(table: RecordTable, values: RecordValues): void {
  const known = new Set([
    SEND_TIME_NAME,
    RESERVED_NAME,
    ...[...HEADER_FIELDS, ...table.fields].map(({ name }) => name),
  ]);
  const unknown = Object.keys(values).find((name) => !known.has(name));
  if (unknown !== undefined) throw new RangeError(`writing DBN ${table.name}: it has no field ${unknown}`);
}

function misfit(table: RecordTable, field: ScalarField, value: unknown): RangeError {
  return new RangeError(`writing DBN ${table.name}: ${field.name} is ${field.type}, not ${String(value)}`);
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
