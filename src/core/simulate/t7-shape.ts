import { MESSAGE_HEAD_BYTES, PACKET_HEADER_BYTES } from '../feeds/eobi/layout.ts';
import { TYPE_BASE, TYPE_COUNT, typeName } from '../feeds/eobi/message-table.ts';
import type { PacketShape } from './packet-shape.ts';

/** The high byte of the PacketHeader's BodyLen: turned, nobody takes it for one. */
const HEADER_LENGTH_BYTE = 1;

/** T7 packets of EOBI messages. */
export const T7_SHAPE: PacketShape = {
  typeCount: TYPE_COUNT,
  typeName,
  tally(payload, messages, byType) {
    let at = PACKET_HEADER_BYTES;
    for (let left = messages; left > 0; left -= 1) {
      byType[u16(payload, at + 2) - TYPE_BASE] += 1;
      at += u16(payload, at);
    }
  },
  framingByte() {
    return HEADER_LENGTH_BYTE;
  },
  byteInside(payload, messages, random) {
    let at = PACKET_HEADER_BYTES;
    for (let skip = random.below(messages); skip > 0; skip -= 1) at += u16(payload, at);
    return at + MESSAGE_HEAD_BYTES + random.below(u16(payload, at) - MESSAGE_HEAD_BYTES);
  },
};

function u16(payload: Uint8Array, at: number): number {
  return payload[at] | (payload[at + 1] << 8);
}
