import { formatScaledBig } from '../../event/format-text.ts';
import type { DescribedMessage, MessageDescriber, MessageValue } from '../message-sink.ts';
import * as layout from './layout.ts';

type Read = 'u8' | 'u32' | 'u64' | 'price';

const BYTES: Readonly<Record<Read, number>> = { u8: 1, u32: 4, u64: 8, price: 8 };

/** Fields by type of frame, in their order. */
const FIELDS: Readonly<Record<number, readonly (readonly [name: string, read: Read])[]>> = {
  [layout.TYPE_HEARTBEAT]: [],
  [layout.TYPE_GAP]: [
    ['from_inclusive', 'u64'],
    ['to_inclusive', 'u64'],
  ],
  [layout.TYPE_SNAPSHOT_START]: [],
  [layout.TYPE_SNAPSHOT_END]: [],
  [layout.TYPE_ADD]: [
    ['order_id', 'u64'],
    ['price_e8', 'price'],
    ['qty', 'u64'],
    ['side', 'u8'],
    ['flags', 'u8'],
  ],
  [layout.TYPE_MODIFY]: [
    ['order_id', 'u64'],
    ['new_price_e8', 'price'],
    ['new_qty', 'u64'],
    ['flags', 'u8'],
  ],
  [layout.TYPE_CANCEL]: [
    ['order_id', 'u64'],
    ['qty_cxl', 'u64'],
    ['reason', 'u8'],
  ],
  [layout.TYPE_EXECUTE]: [
    ['maker_order_id', 'u64'],
    ['trade_qty', 'u64'],
    ['trade_price_e8', 'price'],
    ['aggressor_side', 'u8'],
    ['match_id', 'u64'],
  ],
  [layout.TYPE_SNAPSHOT_HEADER]: [
    ['level_count', 'u32'],
    ['total_orders', 'u32'],
  ],
};

/** Frames by the names of their fields. */
export class RawV1Describer implements MessageDescriber {
  describe(bytes: Uint8Array, offset: number, length: number, pretty: boolean): DescribedMessage | null {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = layout.headerBytes(view, offset, length);
    if (header <= 0) return null;
    const type = view.getUint16(offset + layout.AT_TYPE, true);
    const payload = offset + header;
    const values: Record<string, MessageValue> = {
      message_type: type,
      instrument_id: view.getBigUint64(offset + layout.AT_INSTRUMENT, true),
      sequence: view.getBigUint64(offset + layout.AT_SEQUENCE, true),
      global_sequence:
        header === layout.HEADER_BYTES ? view.getBigUint64(offset + layout.AT_CURSOR, true) : null,
      send_time_ns: view.getBigUint64(payload - layout.BACK_TO_TIME, true),
    };
    let at = payload;
    for (const [name, read] of FIELDS[type] ?? []) {
      values[name] = fieldValue(view, at, read, pretty);
      at += BYTES[read];
    }
    return { schema: layout.typeName(type), fields: values };
  }
}

function fieldValue(view: DataView, at: number, read: Read, pretty: boolean): MessageValue {
  if (read === 'u8') return view.getUint8(at);
  if (read === 'u32') return view.getUint32(at, true);
  if (read === 'u64') return view.getBigUint64(at, true);
  const price = view.getBigInt64(at, true);
  return pretty ? formatScaledBig(price, layout.PRICE_SCALE) : price;
}
