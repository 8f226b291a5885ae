import {
  type Field,
  layoutOf,
  MESSAGE_HEAD_BYTES,
  type MessageLayout,
  NULL_I8,
  NULL_I32,
  NULL_U8,
  NULL_U16,
  NULL_U32,
  PACKET_HEADER_ID_MAX,
  PACKET_HEADER_ID_MIN,
  type Release,
} from './layout.ts';

/**
 * What a field holds: text without what pads it, an integer of up to 32 bits as a number, a longer one as a bigint; the
 * wire's integers, so a `px` is in units of 10^-8. Null where the wire says "no value".
 */
export type FieldValue = string | number | bigint | null;

export type FieldValues = Readonly<Record<string, FieldValue>>;

/** One message, readable; for printing and tests, not for speed. */
export interface DescribedMessage {
  readonly templateId: number;
  readonly name: string;
  /** All fields but the pads. */
  readonly fields: FieldValues;
  /** The used entries of its group; none where it has no group. */
  readonly entries: readonly FieldValues[];
}

const NULL_I64 = -(1n << 63n);
const NULL_U64 = (1n << 64n) - 1n;

/** The message that the bytes at `offset` begin; undefined = no message of this release. */
export function layoutAt(view: DataView, offset: number, release: Release): MessageLayout | undefined {
  const templateId = view.getUint16(offset + 2, true);
  // A message that this release knows by the number is that one; a header may come from another release.
  const known = release.messages.get(templateId);
  if (known !== undefined) return known;
  const isHeader = templateId >= PACKET_HEADER_ID_MIN && templateId <= PACKET_HEADER_ID_MAX;
  return isHeader ? release.packetHeader : undefined;
}

/**
 * Reads all fields of the message at `offset`, of which BodyLen bytes are read at most. Null when the bytes end before
 * its BodyLen, when the release has no such message, or when BodyLen is too small for its fields and used entries.
 */
export function describeMessage(
  bytes: Uint8Array,
  offset: number,
  release: Release,
): DescribedMessage | null {
  if (offset + MESSAGE_HEAD_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint16(offset, true);
  const layout = layoutAt(view, offset, release);
  if (layout === undefined || offset + length > bytes.length) return null;
  const { templateId, name, group } = layout;
  const used = group === null ? 0 : view.getUint8(offset + group.counter.offset);
  const needed = group === null ? layout.bodyLength : group.start + used * group.entryBytes;
  if (length < needed) return null;
  const entries: FieldValues[] = [];
  for (let entry = 0; group !== null && entry < used; entry += 1) {
    entries.push(readFields(view, offset + group.start + entry * group.entryBytes, group.fields));
  }
  return { templateId, name, fields: readFields(view, offset, layout.fields), entries };
}

/**
 * Writes a message from values as `describeMessage` gives them. A field without a value becomes null, but BodyLen,
 * TemplateID and the group's counter become what they must be; pads and unused entries become 0.
 * @returns the bytes written. Throws RangeError for an unknown message or field, and for a value that does not fit.
 */
export function encodeMessage(
  target: Uint8Array,
  offset: number,
  release: Release,
  templateId: number,
  values: FieldValues,
  entries: readonly FieldValues[] = [],
): number {
  const layout = layoutOf(release, templateId);
  const { name, bodyLength, fields, group } = layout;
  if (entries.length > (group?.max ?? 0)) {
    throw new RangeError(`writing EOBI ${name}: it has no room for ${entries.length} entries`);
  }
  target.fill(0, offset, offset + bodyLength);
  const view = new DataView(target.buffer, target.byteOffset, target.length);
  const own: Record<string, FieldValue> = { BodyLen: bodyLength, TemplateID: templateId };
  if (group !== null) own[group.counter.name] = entries.length;
  writeFields(view, offset, name, fields, { ...own, ...values });
  for (const [entry, value] of entries.entries()) {
    if (group === null) break;
    writeFields(view, offset + group.start + entry * group.entryBytes, name, group.fields, value);
  }
  return bodyLength;
}

function readFields(view: DataView, base: number, fields: readonly Field[]): FieldValues {
  const values: Record<string, FieldValue> = {};
  for (const field of fields) {
    if (field.type !== 'pad') values[field.name] = readField(view, base + field.offset, field);
  }
  return values;
}

function readField(view: DataView, at: number, { type, bytes }: Field): FieldValue {
  switch (type) {
    case 'u8':
      return orNull(view.getUint8(at), NULL_U8);
    case 'i8':
      return orNull(view.getInt8(at), NULL_I8);
    case 'u16':
      return orNull(view.getUint16(at, true), NULL_U16);
    case 'u32':
      return orNull(view.getUint32(at, true), NULL_U32);
    case 'i32':
      return orNull(view.getInt32(at, true), NULL_I32);
    case 'u64':
    case 'ns':
      return orNull(view.getBigUint64(at, true), NULL_U64);
    case 'i64':
    case 'px':
    case 'qty':
      return orNull(view.getBigInt64(at, true), NULL_I64);
    case 'char':
      return readText(view, at, bytes);
    case 'pad':
      return null;
  }
}

function orNull<T>(value: T, none: T): T | null {
  return value === none ? null : value;
}

function readText(view: DataView, at: number, bytes: number): string | null {
  if (view.getUint8(at) === 0) return null;
  let text = '';
  for (let place = at; place < at + bytes; place += 1) text += String.fromCharCode(view.getUint8(place));
  return text.replace(/[\0 ]+$/, '');
}

function writeFields(
  view: DataView,
  base: number,
  message: string,
  fields: readonly Field[],
  values: FieldValues,
): void {
  const unknown = Object.keys(values).find((name) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) throw new RangeError(`writing EOBI ${message}: it has no field ${unknown}`);
  for (const field of fields) {
    if (field.type === 'pad') continue;
    const value = values[field.name] ?? null;
    const at = base + field.offset;
    const fits =
      field.type === 'char' ? writeText(view, at, field, value) : writeInteger(view, at, field, value);
    if (!fits)
      throw new RangeError(`writing EOBI ${message}: ${field.name} ${field.type} cannot hold ${value}`);
  }
}

function writeText(view: DataView, at: number, { bytes }: Field, value: FieldValue): boolean {
  const text = value ?? '';
  if (typeof text !== 'string' || text.length > bytes || !/^[\x20-\xff]*$/.test(text)) return false;
  for (let place = 0; place < text.length; place += 1) view.setUint8(at + place, text.charCodeAt(place));
  return true;
}

function writeInteger(view: DataView, at: number, { type, bytes }: Field, value: FieldValue): boolean {
  const signed = type.startsWith('i') || type === 'px' || type === 'qty';
  const bits = bytes * 8;
  const none = signed ? -(1n << BigInt(bits - 1)) : (1n << BigInt(bits)) - 1n;
  if (typeof value === 'string' || (typeof value === 'number' && !Number.isInteger(value))) return false;
  const integer = value === null ? none : BigInt(value);
  if ((signed ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)) !== integer) return false;
  for (let place = 0, rest = integer; place < bytes; place += 1, rest >>= 8n) {
    view.setUint8(at + place, Number(rest & 0xffn));
  }
  return true;
}
