import { toBigInt, toBigUint } from '../../binary/time.ts';
import { Datagram } from '../../packet/datagram.ts';
import type { DescribedMessage, MessageDescriber, MessageValue } from '../message-sink.ts';
import {
  PRESENT_MAKER,
  PRESENT_TAKER,
  TEMPLATE_ADD,
  TEMPLATE_DELETE,
  TEMPLATE_MODIFY,
  TEMPLATE_TRADE,
} from './layout.ts';
import { VarintReader } from './varints.ts';

type Read = 'unsigned' | 'signed' | 'u32' | 'byte';

const NAMES: Readonly<Record<number, string>> = {
  [TEMPLATE_ADD]: 'Add',
  [TEMPLATE_MODIFY]: 'Mod',
  [TEMPLATE_DELETE]: 'Del',
  [TEMPLATE_TRADE]: 'Trade',
};

/** Body fields by template; those of a trade that its presence map must name come last. */
const FIELDS: Readonly<Record<number, readonly (readonly [name: string, read: Read, present?: number])[]>> = {
  [TEMPLATE_ADD]: [
    ['order_id', 'unsigned'],
    ['instrument', 'u32'],
    ['side', 'byte'],
    ['price', 'signed'],
    ['quantity', 'signed'],
  ],
  [TEMPLATE_MODIFY]: [
    ['order_id', 'unsigned'],
    ['quantity', 'signed'],
  ],
  [TEMPLATE_DELETE]: [['order_id', 'unsigned']],
  [TEMPLATE_TRADE]: [
    ['instrument', 'u32'],
    ['price', 'signed'],
    ['quantity', 'signed'],
    ['maker_order_id', 'unsigned', PRESENT_MAKER],
    ['taker_side', 'byte', PRESENT_TAKER],
  ],
};

/** Messages by the names of the format's fields; what a trade does not have is null. */
export class FastLikeDescriber implements MessageDescriber {
  readonly #reader: VarintReader = new VarintReader();
  readonly #datagram: Datagram = new Datagram();

  describe(bytes: Uint8Array, offset: number, length: number): DescribedMessage | null {
    const reader = this.#reader;
    this.#datagram.attach(bytes);
    reader.attach(this.#datagram);
    reader.at = offset;
    reader.end = offset + length;
    if (!reader.readPresence()) return null;
    const presence = reader.low;
    if (!reader.read() || reader.high !== 0) return null;
    const template = reader.low;
    const fields = FIELDS[template];
    if (fields === undefined || !reader.read()) return null;
    const values: Record<string, MessageValue> = { template };
    for (const [name, read, present = 0] of fields) {
      const isThere = present === 0 || (presence & present) !== 0;
      const value = isThere ? this.#value(read) : null;
      if (isThere && value === null) return null;
      values[name] = value;
    }
    return { schema: NAMES[template]!, fields: values };
  }

  #value(read: Read): bigint | number | null {
    const reader = this.#reader;
    if (read === 'byte') return reader.readByte() ? reader.low : null;
    if (read === 'signed') return reader.readZigzag() ? toBigInt(reader.high, reader.low) : null;
    if (!reader.read()) return null;
    return read === 'u32' ? reader.low >>> 0 : toBigUint(reader.high, reader.low);
  }
}
