import type { Datagram } from '../../packet/datagram.ts';

const UDP_BYTES = 8;
const PROTOCOL_UDP = 17;

/**
 * Whether the UDP checksum of a datagram in a frame is right (RFC 768, RFC 8200 §8.1), or there is none, which only
 * IPv4 allows. For frames that neither the card nor the kernel has checked: the UDP stack would drop a wrong one.
 */
export function hasGoodChecksum(view: DataView, datagram: Datagram): boolean {
  const at = datagram.offset - UDP_BYTES;
  if (view.getUint16(at + 6) === 0) return datagram.ipVersion === 4;
  const length = UDP_BYTES + datagram.length;
  let sum = length + PROTOCOL_UDP;
  for (let word = 0; word < 4; word += 1) {
    const source = datagram.source[word]!;
    const destination = datagram.destination[word]!;
    sum += (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
  }
  const end = at + (length & ~1);
  for (let half = at; half < end; half += 2) sum += view.getUint16(half);
  if ((length & 1) !== 0) sum += view.getUint8(end) << 8;
  // At most 32,768 halves: the sum is below 2^31, and twice folded a 16-bit number.
  const folded = (sum & 0xffff) + (sum >>> 16);
  return (((folded & 0xffff) + (folded >>> 16)) & 0xffff) === 0xffff;
}
