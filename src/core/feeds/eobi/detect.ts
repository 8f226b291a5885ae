import type { Datagram } from '../../packet/datagram.ts';
import type { Detection } from '../feed.ts';
import { ID_HEARTBEAT, MESSAGE_HEAD_BYTES, PACKET_HEADER_BYTES, type Release } from './layout.ts';
import { SEGMENT_OFFSET } from './packet.ts';
import { hasPacketHeader } from './transport.ts';

const NULL_SEQUENCE = -1;

/**
 * Is it a packet of this release? Its messages must be such that the release has, each of exactly its length, fill the
 * payload to the byte, and be numbered one after the other.
 * @param headerIds TemplateIDs of the PacketHeader that the release is known by.
 */
export function detectPacket(datagram: Datagram, release: Release, headerIds: readonly number[]): Detection {
  if (!hasPacketHeader(datagram)) return 'no';
  const { view, offset, length } = datagram;
  if (!headerIds.includes(view.getUint16(offset + 2, true))) return 'no';
  if (view.getInt32(offset + 4, true) !== NULL_SEQUENCE || view.getInt32(offset + SEGMENT_OFFSET, true) < 0)
    return 'no';
  const end = offset + length;
  let at = offset + PACKET_HEADER_BYTES;
  let before = NULL_SEQUENCE;
  while (end - at >= MESSAGE_HEAD_BYTES) {
    const bytes = view.getUint16(at, true);
    const template = view.getUint16(at + 2, true);
    const sequence = view.getUint32(at + 4, true);
    if (release.messages.get(template)?.bodyLength !== bytes || bytes > end - at) return 'no';
    if (template === release.packetHeader.templateId) return 'no';
    if (template !== ID_HEARTBEAT) {
      if (before !== NULL_SEQUENCE && sequence !== before + 1) return 'no';
      before = sequence;
    }
    at += bytes;
  }
  return at === end && at > offset + PACKET_HEADER_BYTES ? 'yes' : 'no';
}
