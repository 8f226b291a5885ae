import type { Datagram } from '../packet/datagram.ts';
import type { CapturedPacket } from './captured-packet.ts';
import {
  ETHER_IPV4,
  ETHERNET_BYTES,
  LINK_ETHERNET,
  LINK_NOT_IP,
  LINK_UNKNOWN,
  LinkLayer,
} from './link-layer.ts';

/** Answers of `UdpExtractor.extract`: a UDP payload, or why the way down to one ended early. */
export const UDP_OK = 0;
export const SKIP_NOT_IP = 1;
export const SKIP_NOT_UDP = 2;
/** A piece of a fragmented IP packet; pieces are not put together. */
export const SKIP_FRAGMENT = 3;
/** The payload is not captured to its end. */
export const SKIP_SNAPPED = 4;
export const SKIP_BAD_IP = 5;
export const SKIP_BAD_UDP = 6;
/** A link type that is not known. */
export const SKIP_LINK_TYPE = 7;

/** What reports call the answers. */
export const SKIP_NAMES: readonly string[] = [
  'ok',
  'notIp',
  'notUdp',
  'fragment',
  'snapped',
  'badIp',
  'badUdp',
  'linkType',
];

const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
/** More than any IP packet has. */
const IP_BYTES_MAX = 65536 + IPV6_BYTES;

const NEXT_HOP_BY_HOP = 0;
const NEXT_UDP = 17;
const NEXT_ROUTING = 43;
const NEXT_FRAGMENT = 44;
const NEXT_AUTHENTICATION = 51;
const NEXT_DESTINATION = 60;
/** IPv6 extension headers read behind one another. */
const EXTENSION_HEADERS_MAX = 16;

/** Where captured packets lie: a window over a file, or memory shared with the kernel. */
export interface PacketBytes {
  readonly bytes: Uint8Array;
  /** Of exactly these bytes. */
  readonly view: DataView;
}

/**
 * Takes the UDP payload out of a captured packet: link layer → VLAN tags → IPv4 or IPv6 → UDP. The payload ends
 * where UDP says, and UDP must end where IP says at the latest; what the frame carries behind that (padding, a
 * check sequence, a trailer) is never read. Checksums are not looked at: captures made on the sending host and
 * anonymised ones have wrong ones.
 */
export class UdpExtractor {
  readonly #link: LinkLayer = new LinkLayer();

  /**
   * Points `datagram` at the payload where it lies in the window. @returns UDP_OK or one of SKIP_*.
   *
   * With SKIP_SNAPPED addresses and ports are set if the UDP header was captured; if not, the ports are 0.
   */
  extract(packet: CapturedPacket, window: PacketBytes, datagram: Datagram): number {
    if (datagram.bytes !== window.bytes) datagram.attach(window.bytes);
    datagram.timeHigh = packet.timeHigh;
    datagram.timeLow = packet.timeLow;
    datagram.packetNumber = packet.packetNumber;
    const { view } = window;
    const { dataOffset, linkType, fcsLength } = packet;
    let end = dataOffset + packet.capturedLength;
    const whole = packet.capturedLength === packet.originalLength;
    if (fcsLength > 0 && whole) end = Math.max(dataOffset, end - fcsLength);

    // The usual case first: Ethernet, no tag, IPv4.
    if (
      linkType === LINK_ETHERNET &&
      end - dataOffset >= ETHERNET_BYTES &&
      view.getUint16(dataOffset + 12) === ETHER_IPV4
    ) {
      return readIpv4(view, dataOffset + ETHERNET_BYTES, end, whole, datagram);
    }
    const at = this.#link.read(view, linkType, dataOffset, end);
    if (at >= 0) {
      return this.#link.type === ETHER_IPV4
        ? readIpv4(view, at, end, whole, datagram)
        : readIpv6(view, at, end, whole, datagram);
    }
    if (at === LINK_UNKNOWN) return SKIP_LINK_TYPE;
    return at === LINK_NOT_IP || whole ? SKIP_NOT_IP : snapped(datagram);
  }
}

/** 0 version, header words · 2 u16 total length · 6 u16 fragment · 9 protocol · 12 source · 16 destination. */
function readIpv4(view: DataView, at: number, end: number, whole: boolean, datagram: Datagram): number {
  if (end - at < IPV4_BYTES) return whole ? SKIP_BAD_IP : snapped(datagram);
  const first = view.getUint8(at);
  const headerBytes = (first & 15) * 4;
  if (first >>> 4 !== 4 || headerBytes < IPV4_BYTES) return SKIP_BAD_IP;
  const total = view.getUint16(at + 2);
  // 0 is left by cards that cut large packets into frames: then the frame is what there is.
  let ipEnd = at + total;
  if (total === 0) ipEnd = whole ? end : at + IP_BYTES_MAX;
  else if (total < headerBytes) return SKIP_BAD_IP;
  // More-fragments flag and fragment offset; don't-fragment left out.
  if ((view.getUint16(at + 6) & 0x3fff) !== 0) return SKIP_FRAGMENT;
  if (view.getUint8(at + 9) !== NEXT_UDP) return SKIP_NOT_UDP;
  const { source, destination } = datagram;
  if (datagram.ipVersion !== 4) {
    datagram.ipVersion = 4;
    source.fill(0);
    destination.fill(0);
  }
  source[3] = view.getInt32(at + 12);
  destination[3] = view.getInt32(at + 16);
  return readUdp(view, at + headerBytes, end, ipEnd, datagram);
}

/** 0 version · 4 u16 payload length · 6 next header · 8 source · 24 destination · 40 extension headers. */
function readIpv6(view: DataView, at: number, end: number, whole: boolean, datagram: Datagram): number {
  if (end - at < IPV6_BYTES) return whole ? SKIP_BAD_IP : snapped(datagram);
  if (view.getUint8(at) >>> 4 !== 6) return SKIP_BAD_IP;
  const payloadBytes = view.getUint16(at + 4);
  let ipEnd = at + IPV6_BYTES + payloadBytes;
  if (payloadBytes === 0) ipEnd = whole ? end : at + IP_BYTES_MAX;
  let next = view.getUint8(at + 6);
  let from = at + IPV6_BYTES;
  for (let headers = 0; isExtension(next); headers += 1) {
    if (headers === EXTENSION_HEADERS_MAX || ipEnd - from < 8) return SKIP_BAD_IP;
    if (end - from < 8) return snapped(datagram);
    const length = view.getUint8(from + 1);
    if (next === NEXT_FRAGMENT) {
      // Offset in the high 13 bits, more-fragments in the lowest; both 0 is a whole packet.
      if ((view.getUint16(from + 2) & 0xfff9) !== 0) return SKIP_FRAGMENT;
      next = view.getUint8(from);
      from += 8;
    } else {
      const headerBytes = next === NEXT_AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
      next = view.getUint8(from);
      from += headerBytes;
    }
  }
  if (next !== NEXT_UDP) return SKIP_NOT_UDP;
  datagram.ipVersion = 6;
  const { source, destination } = datagram;
  for (let word = 0; word < 4; word += 1) {
    source[word] = view.getInt32(at + 8 + word * 4);
    destination[word] = view.getInt32(at + 24 + word * 4);
  }
  return readUdp(view, from, end, ipEnd, datagram);
}

function isExtension(next: number): boolean {
  return (
    next === NEXT_HOP_BY_HOP ||
    next === NEXT_ROUTING ||
    next === NEXT_FRAGMENT ||
    next === NEXT_AUTHENTICATION ||
    next === NEXT_DESTINATION
  );
}

/**
 * 0 u16 source port · 2 u16 destination port · 4 u16 length, these 8 bytes included · 6 u16 checksum.
 * @param end where the captured bytes end; @param ipEnd where the IP packet ends.
 */
function readUdp(view: DataView, at: number, end: number, ipEnd: number, datagram: Datagram): number {
  if (ipEnd - at < UDP_BYTES) return SKIP_BAD_IP;
  if (end - at < UDP_BYTES) return snapped(datagram);
  datagram.sourcePort = view.getUint16(at);
  datagram.destinationPort = view.getUint16(at + 2);
  const length = view.getUint16(at + 4);
  if (length < UDP_BYTES || at + length > ipEnd) return SKIP_BAD_UDP;
  if (at + length > end) return SKIP_SNAPPED;
  datagram.offset = at + UDP_BYTES;
  datagram.length = length - UDP_BYTES;
  return UDP_OK;
}

/** Cut in front of the ports. */
function snapped(datagram: Datagram): number {
  datagram.sourcePort = 0;
  datagram.destinationPort = 0;
  return SKIP_SNAPPED;
}
