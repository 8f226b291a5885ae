import { formatScaledBig, formatTimeIso } from '../../event/format-text.ts';
import type { DescribedMessage, MessageDescriber, MessageFields, MessageValue } from '../message-sink.ts';
import { PRICE_SCALE } from './layout.ts';
import { metadataVersion } from './metadata.ts';
import { HEADER_FIELDS, type LevelsField, type RecordField, type ScalarField } from './record-tables.ts';
import { type ReadableRecord, readableRecord, readField, readSendTime } from './records.ts';

const PRICE_UNDEFINED = (1n << 63n) - 1n;
const TIME_UNDEFINED = (1n << 64n) - 1n;

/** The header as a field among the others, which stand behind it unless they have a place of their own. */
const HEADER = { name: 'hd', type: 'header', place: null } as const;
const HEADER_ORDER = ['ts_event', 'rtype', 'publisher_id', 'instrument_id'];
const HEADER_TEXT_FIELDS: readonly ScalarField[] = HEADER_ORDER.map(
  (name) => HEADER_FIELDS.find((field) => field.name === name)!,
);

type TextField = RecordField | typeof HEADER;

/** Records as the reference tool prints them: its names, its order of fields, characters as text. */
export class DbnDescriber implements MessageDescriber {
  readonly #version: number;
  readonly #orders: Map<readonly RecordField[], readonly TextField[]> = new Map();

  /** @param head of the stream, whose version tells the layout of its records. */
  constructor(head: Uint8Array) {
    this.#version = metadataVersion(head);
  }

  describe(bytes: Uint8Array, offset: number, _length: number, pretty: boolean): DescribedMessage | null {
    const record = readableRecord(bytes, offset, this.#version);
    if (record === null) return null;
    const fields: Record<string, MessageValue> = {};
    for (const field of this.#orderOf(record)) {
      if (field.type === 'header') fields[HEADER.name] = scalars(record, offset, HEADER_TEXT_FIELDS, pretty);
      else if (field.type === 'levels') fields[field.name] = levels(record, field, pretty);
      else if (field.type !== 'pad') fields[field.name] = text(record, offset, field, pretty);
    }
    if (record.hasSendTime) fields['ts_out'] = pretty ? timeText(readSendTime(record)) : readSendTime(record);
    return { schema: record.table.name, fields };
  }

  #orderOf({ table: { fields } }: ReadableRecord): readonly TextField[] {
    const known = this.#orders.get(fields);
    if (known !== undefined) return known;
    const order = textOrder([HEADER, ...fields]);
    this.#orders.set(fields, order);
    return order;
  }
}

/** Fields in the order of the text forms: those with a place are taken out and put in there, the lowest place first. */
function textOrder(fields: readonly TextField[]): TextField[] {
  const order = [...fields];
  const placed = fields.filter(({ place }) => place !== null).toSorted((a, b) => a.place! - b.place!);
  for (const field of placed) {
    order.splice(order.indexOf(field), 1);
    order.splice(field.place!, 0, field);
  }
  return order;
}

function levels({ view, offset }: ReadableRecord, field: LevelsField, pretty: boolean): MessageFields[] {
  const bytes = field.bytes / field.count;
  return Array.from({ length: field.count }, (_, level) =>
    scalars({ view }, offset + field.offset + level * bytes, field.each, pretty),
  );
}

function scalars(
  record: Pick<ReadableRecord, 'view'>,
  start: number,
  fields: readonly ScalarField[],
  pretty: boolean,
): MessageFields {
  const values: Record<string, MessageValue> = {};
  for (const field of fields) {
    if (field.type !== 'pad') values[field.name] = text(record, start, field, pretty);
  }
  return values;
}

function text(
  { view }: Pick<ReadableRecord, 'view'>,
  start: number,
  field: ScalarField,
  pretty: boolean,
): MessageValue {
  const value = readField(view, start, field);
  if (field.type === 'char') return charText(value as string);
  if (!pretty) return value;
  if (field.type === 'time') return timeText(value as bigint);
  if (field.type !== 'price') return value;
  return value === PRICE_UNDEFINED ? null : formatScaledBig(value as bigint, PRICE_SCALE);
}

/** NUL is no character; what is not printable is written as `\x07`. */
function charText(char: string): string | null {
  if (char === '\0') return null;
  if (char >= ' ' && char <= '~') return char;
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function timeText(time: bigint): string | null {
  return time === 0n || time === TIME_UNDEFINED ? null : formatTimeIso(time);
}
