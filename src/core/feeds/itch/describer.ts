import { formatScaledBig } from '../../event/format-text.ts';
import type { DescribedMessage, MessageDescriber, MessageValue } from '../message-sink.ts';
import { describeMessage, type FieldValue } from './fields.ts';
import { type FieldType, LAYOUT_BY_TYPE } from './layout.ts';

const SCALES: Readonly<Partial<Record<FieldType, number>>> = { price4: 4, price8: 8 };

/** Messages by the names of the specification: their type and all their fields. */
export class ItchDescriber implements MessageDescriber {
  describe(bytes: Uint8Array, offset: number, length: number, pretty: boolean): DescribedMessage | null {
    const message = describeMessage(bytes, offset, length);
    if (message === null) return null;
    const { type, name, fields } = message;
    const values: Record<string, MessageValue> = { type };
    for (const [field, value] of Object.entries(fields)) {
      values[field] = pretty ? prettyValue(type, field, value) : value;
    }
    return { schema: name, fields: values };
  }
}

/** Prices with their decimals; everything else is as it is. */
function prettyValue(type: string, field: string, value: FieldValue): MessageValue {
  const layout = LAYOUT_BY_TYPE[type.charCodeAt(0)];
  const found = layout?.fields.find(({ name }) => name === field);
  const scale = found === undefined ? undefined : SCALES[found.type];
  return scale === undefined || typeof value === 'string' ? value : formatScaledBig(BigInt(value), scale);
}
