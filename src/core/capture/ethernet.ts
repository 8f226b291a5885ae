import { copyBytes } from '../binary/copy-bytes.ts';

/**
 * Ethernet + IP + UDP headers made up for a payload, so that what socket backends and the simulator produce reads
 * like a frame from the wire:
 *
 *     14 Ethernet   destination MAC from the group address, source 02:6d:64:78:00:LINE, EtherType
 *     20 IPv4       no options, don't fragment, header checksum        or   40 IPv6
 *      8 UDP        checksum 0 over IPv4, computed over IPv6 (where 0 is not allowed) unless the payload was cut
 */

const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const HOP_LIMIT = 64;
const PROTOCOL_UDP = 17;

/** Largest payload the 16-bit IPv4 total length can say. */
export const UDP_PAYLOAD_BYTES_MAX: number = 65535 - IPV4_BYTES - UDP_BYTES;

/** Where a payload goes and when; a `Datagram` is one. */
export interface UdpHeader {
  /** ns since 1970 UTC as signed 32-bit halves. */
  readonly timeHigh: number;
  readonly timeLow: number;
  /** 4 or 6. */
  readonly ipVersion: number;
  /** Four 32-bit words in network order; IPv4 in the last one. */
  readonly source: Int32Array;
  readonly sourcePort: number;
  readonly destination: Int32Array;
  readonly destinationPort: number;
}

/** Last byte of the source MAC: the letter of the line. */
export function macByteOf(line: string): number {
  return line.length === 0 ? 0 : line.charCodeAt(0) & 255;
}

/** Length of the frame that `synthesizeEthernet` writes. */
export function frameBytes(ipVersion: number, payloadLength: number): number {
  return ETHERNET_BYTES + (ipVersion === 4 ? IPV4_BYTES : IPV6_BYTES) + UDP_BYTES + payloadLength;
}

/**
 * Writes the frame at `at` of a buffer and its view (same start).
 * @param wireLength length of the payload as its headers say it; ≥ `length` where it was cut.
 * @returns the frame's length. The caller keeps both lengths within UDP_PAYLOAD_BYTES_MAX.
 */
export function synthesizeEthernet(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  header: UdpHeader,
  macByte: number,
  payload: Uint8Array,
  offset: number,
  length: number,
  wireLength: number,
): number {
  writeMac(bytes, view, at, header, macByte);
  const ip = at + ETHERNET_BYTES;
  const udpLength = UDP_BYTES + wireLength;
  const udp =
    header.ipVersion === 4 ? writeIpv4(view, ip, header, udpLength) : writeIpv6(view, ip, header, udpLength);
  view.setUint16(udp, header.sourcePort);
  view.setUint16(udp + 2, header.destinationPort);
  view.setUint16(udp + 4, udpLength);
  view.setUint16(udp + 6, 0);
  copyBytes(payload, offset, length, bytes, udp + UDP_BYTES);
  if (header.ipVersion !== 4 && wireLength === length) {
    view.setUint16(udp + 6, ipv6Checksum(view, ip, udp, udpLength));
  }
  return udp + UDP_BYTES + length - at;
}

function writeMac(bytes: Uint8Array, view: DataView, at: number, header: UdpHeader, macByte: number): void {
  const last = header.destination[3]!;
  if (header.ipVersion === 4 && last >>> 28 === 0xe) {
    // 01:00:5e and the low 23 bits of the group.
    view.setUint16(at, 0x0100);
    view.setInt32(at + 2, 0x5e000000 | (last & 0x7fffff));
  } else if (header.ipVersion !== 4 && header.destination[0]! >>> 24 === 0xff) {
    // 33:33 and the low 32 bits of the group.
    view.setUint16(at, 0x3333);
    view.setInt32(at + 2, last);
  } else {
    view.setUint16(at, 0x026d);
    view.setInt32(at + 2, 0x64780000);
  }
  view.setUint16(at + 6, 0x026d);
  view.setInt32(at + 8, 0x64780000);
  bytes[at + 11] = macByte;
  view.setUint16(at + 12, header.ipVersion === 4 ? 0x0800 : 0x86dd);
}

/** @returns where UDP begins. */
function writeIpv4(view: DataView, at: number, header: UdpHeader, udpLength: number): number {
  view.setUint16(at, 0x4500);
  view.setUint16(at + 2, IPV4_BYTES + udpLength);
  view.setInt32(at + 4, 0x4000);
  view.setUint16(at + 8, (HOP_LIMIT << 8) | PROTOCOL_UDP);
  view.setUint16(at + 10, 0);
  view.setInt32(at + 12, header.source[3]!);
  view.setInt32(at + 16, header.destination[3]!);
  view.setUint16(at + 10, checksum(sum16(view, at, IPV4_BYTES)));
  return at + IPV4_BYTES;
}

/** @returns where UDP begins. */
function writeIpv6(view: DataView, at: number, header: UdpHeader, udpLength: number): number {
  view.setInt32(at, 0x60000000);
  view.setUint16(at + 4, udpLength);
  view.setUint16(at + 6, (PROTOCOL_UDP << 8) | HOP_LIMIT);
  for (let word = 0; word < 4; word += 1) {
    view.setInt32(at + 8 + word * 4, header.source[word]!);
    view.setInt32(at + 24 + word * 4, header.destination[word]!);
  }
  return at + IPV6_BYTES;
}

/** UDP checksum over the pseudo header (both addresses, length, protocol), header and payload (RFC 8200 §8.1). */
function ipv6Checksum(view: DataView, ip: number, udp: number, udpLength: number): number {
  const sum = sum16(view, ip + 8, 32) + udpLength + PROTOCOL_UDP + sum16(view, udp, udpLength);
  const value = checksum(sum);
  return value === 0 ? 0xffff : value;
}

/** Sum of big-endian 16-bit words, an odd last byte padded with 0; below 2^31 for any 64 KiB. */
function sum16(view: DataView, at: number, length: number): number {
  let sum = 0;
  const even = at + (length & ~1);
  for (let index = at; index < even; index += 2) sum += view.getUint16(index);
  if (length & 1) sum += view.getUint8(even) << 8;
  return (sum & 0xffff) + Math.floor(sum / 65536);
}

function checksum(sum: number): number {
  const folded = (sum & 0xffff) + (sum >>> 16);
  return ~((folded & 0xffff) + (folded >>> 16)) & 0xffff;
}
