import { type Field, LAYOUT_BY_TYPE, LENGTH_BY_TYPE, typeName } from './layout.ts';

/**
 * What a field holds: text without the blanks that pad it, an integer of up to 32 bits as a number, a longer one as
 * a bigint. Prices are the wire integers (4 decimals; those of `V` 8). A byte of text is one character, U+0000 to U+00FF.
 */
export type FieldValue = string | number | bigint;

/** One message, readable; for printing and tests, not for speed. */
export interface DescribedMessage {
  /** The type's character. */
  readonly type: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/**
 * Reads all fields of the message of `length` bytes at `offset`. Null when the type is unknown or the message shorter
 * than its type; what a longer message has behind its known fields is left out.
 */
export function describeMessage(bytes: Uint8Array, offset: number, length: number): DescribedMessage | null {
  if (length < 1 || offset + length > bytes.length) return null;
  const layout = LAYOUT_BY_TYPE[bytes[offset]];
  if (layout === undefined || length < layout.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  const fields: Record<string, FieldValue> = {};
  for (const field of layout.fields) fields[field.name] = readField(view, field);
  return { type: typeName(layout.type), name: layout.name, fields };
}

/**
 * Writes a message from values as `describeMessage` gives them; a field without a value becomes 0 or blanks.
 * @returns the bytes written. Throws RangeError for an unknown type, an unknown field or a value that does not fit.
 */
export function encodeMessage(
  type: string,
  fields: Readonly<Record<string, FieldValue>>,
  target: Uint8Array,
  offset: number,
): number {
  const layout = type.length === 1 ? LAYOUT_BY_TYPE[type.charCodeAt(0)] : undefined;
  if (layout === undefined)
    throw new RangeError(`writing an ITCH message: unknown type ${JSON.stringify(type)}`);
  const unknown = Object.keys(fields).find((name) => !layout.fields.some((field) => field.name === name));
  if (unknown !== undefined) throw new RangeError(`writing ITCH ${type}: it has no field ${unknown}`);
  const view = new DataView(target.buffer, target.byteOffset + offset, layout.length);
  view.setUint8(0, layout.type);
  for (const field of layout.fields) writeField(view, field, fields[field.name], type);
  return layout.length;
}

/** Bytes that `encodeMessage` writes for a type; 0 for an unknown one. */
export function messageBytes(type: string): number {
  const code = type.charCodeAt(0);
  return LAYOUT_BY_TYPE[code] === undefined ? 0 : LENGTH_BY_TYPE[code];
}

function readField(view: DataView, field: Field): FieldValue {
  const { offset } = field;
  switch (field.type) {
    case 'char':
      return String.fromCharCode(view.getUint8(offset));
    case 'text':
      return readText(view, offset, field.bytes);
    case 'u16':
      return view.getUint16(offset);
    case 'u32':
    case 'price4':
      return view.getUint32(offset);
    case 'u48':
      return (BigInt(view.getUint16(offset)) << 32n) | BigInt(view.getUint32(offset + 2));
    case 'u64':
    case 'price8':
      return view.getBigUint64(offset);
  }
}

/** Text of a field without the blanks behind it. */
export function readText(view: DataView, offset: number, bytes: number): string {
  let text = '';
  for (let at = offset; at < offset + bytes; at += 1) text += String.fromCharCode(view.getUint8(at));
  return text.replace(/ +$/, '');
}

function writeField(view: DataView, field: Field, value: FieldValue | undefined, type: string): void {
  const { offset, bytes } = field;
  if (field.type === 'char' || field.type === 'text') {
    const text = value ?? '';
    if (typeof text !== 'string' || text.length > bytes || /[^\0-\xff]/.test(text)) {
      throw new RangeError(`writing ITCH ${type}: ${field.name} holds ${bytes} characters, not ${text}`);
    }
    for (let at = 0; at < bytes; at += 1) {
      view.setUint8(offset + at, at < text.length ? text.charCodeAt(at) : 0x20);
    }
    return;
  }
  const number = integerOf(value ?? 0);
  if (number === null || number < 0n || number >> BigInt(bytes * 8) !== 0n) {
    throw new RangeError(
      `writing ITCH ${type}: ${field.name} holds unsigned ${bytes * 8} bits, not ${value}`,
    );
  }
  for (let at = bytes - 1, rest = number; at >= 0; at -= 1, rest >>= 8n) {
    view.setUint8(offset + at, Number(rest & 0xffn));
  }
}

function integerOf(value: FieldValue): bigint | null {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : null;
}
