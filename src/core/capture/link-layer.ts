export const ETHER_IPV4 = 0x0800;
export const ETHER_IPV6 = 0x86dd;
const ETHER_VLAN = 0x8100;
const ETHER_SERVICE_VLAN = 0x88a8;
const ETHER_SERVICE_VLAN_OLD = 0x9100;
/** Tags read behind one another. */
const VLAN_TAGS_MAX = 4;

export const LINK_ETHERNET = 1;
const LINK_NULL = 0;
const LINK_RAW_12 = 12;
const LINK_RAW_14 = 14;
const LINK_RAW = 101;
const LINK_LOOP = 108;
const LINK_COOKED_1 = 113;
const LINK_IPV4 = 228;
const LINK_IPV6 = 229;
const LINK_NETANALYZER = 240;
const LINK_NETANALYZER_TRANSPARENT = 241;
const LINK_MPACKET = 274;
const LINK_COOKED_2 = 276;

export const ETHERNET_BYTES = 14;
const COOKED_1_BYTES = 16;
const COOKED_2_BYTES = 20;
const PREAMBLE_BYTES = 8;

/** Address families of the loopback link types. */
const FAMILY_IPV4 = 2;

/** Answers of `LinkLayer.read` that are no offset: the captured bytes end inside a header; … */
export const LINK_SHORT: number = -1;
/** … it is no IP packet; … */
export const LINK_NOT_IP: number = -2;
/** … the link type is not one of those read here. */
export const LINK_UNKNOWN: number = -3;

/**
 * Finds where IP begins behind a link header:
 *
 *     1 Ethernet       6 destination · 6 source · u16 type         113 cooked v1   14 bytes · u16 type
 *     240, 241         4 bytes · Ethernet                          276 cooked v2   u16 type · 18 bytes
 *     241, 274         (7 × 55 d5, if there) Ethernet              101, 12, 14     none: first nibble 4 or 6
 *     0, 108 loopback  u32 address family                          228, 229        none: IPv4, IPv6
 *
 * then VLAN tags, each u16 tag · u16 type. All big endian but link type 0, which is in the host's own order.
 */
export class LinkLayer {
  /** ETHER_IPV4 or ETHER_IPV6 after `read` answered an offset. */
  type = 0;

  /** @param start, end the captured bytes. @returns where IP begins, or one of LINK_*. */
  read(view: DataView, linkType: number, start: number, end: number): number {
    switch (linkType) {
      case LINK_ETHERNET:
        return this.#ethernet(view, start, end);
      case LINK_COOKED_1:
        if (end - start < COOKED_1_BYTES) return LINK_SHORT;
        return this.#tags(view, view.getUint16(start + 14), start + COOKED_1_BYTES, end);
      case LINK_COOKED_2:
        if (end - start < COOKED_2_BYTES) return LINK_SHORT;
        return this.#tags(view, view.getUint16(start), start + COOKED_2_BYTES, end);
      case LINK_RAW:
      case LINK_RAW_12:
      case LINK_RAW_14:
        return this.#raw(view, start, end);
      case LINK_IPV4:
        return this.#ip(ETHER_IPV4, start);
      case LINK_IPV6:
        return this.#ip(ETHER_IPV6, start);
      case LINK_NULL:
      case LINK_LOOP:
        return this.#loopback(view, linkType, start, end);
      case LINK_NETANALYZER:
        return this.#ethernet(view, start + 4, end);
      case LINK_NETANALYZER_TRANSPARENT:
        return this.#ethernet(view, skipPreamble(view, start + 4, end), end);
      case LINK_MPACKET:
        return this.#ethernet(view, skipPreamble(view, start, end), end);
      default:
        return LINK_UNKNOWN;
    }
  }

  #ethernet(view: DataView, at: number, end: number): number {
    if (end - at < ETHERNET_BYTES) return LINK_SHORT;
    return this.#tags(view, view.getUint16(at + 12), at + ETHERNET_BYTES, end);
  }

  #tags(view: DataView, first: number, start: number, end: number): number {
    let type = first;
    let at = start;
    for (let tags = 0; tags < VLAN_TAGS_MAX; tags += 1) {
      if (type !== ETHER_VLAN && type !== ETHER_SERVICE_VLAN && type !== ETHER_SERVICE_VLAN_OLD) break;
      if (end - at < 4) return LINK_SHORT;
      type = view.getUint16(at + 2);
      at += 4;
    }
    return type === ETHER_IPV4 || type === ETHER_IPV6 ? this.#ip(type, at) : LINK_NOT_IP;
  }

  #raw(view: DataView, start: number, end: number): number {
    if (end === start) return LINK_SHORT;
    const version = view.getUint8(start) >>> 4;
    if (version === 4) return this.#ip(ETHER_IPV4, start);
    return version === 6 ? this.#ip(ETHER_IPV6, start) : LINK_NOT_IP;
  }

  #loopback(view: DataView, linkType: number, start: number, end: number): number {
    if (end - start < 4) return LINK_SHORT;
    let family = view.getUint32(start);
    // The host that captured may be of either byte order; families are small numbers.
    if (linkType === LINK_NULL && family > 255) family = view.getUint32(start, true);
    if (family === FAMILY_IPV4) return this.#ip(ETHER_IPV4, start + 4);
    // IPv6 has another number on each system: Linux, NetBSD and OpenBSD, FreeBSD, macOS.
    const isIpv6 = family === 10 || family === 24 || family === 28 || family === 30;
    return isIpv6 ? this.#ip(ETHER_IPV6, start + 4) : LINK_NOT_IP;
  }

  #ip(type: number, at: number): number {
    this.type = type;
    return at;
  }
}

/** Seven bytes 55 and one d5 in front of an Ethernet header, if they are there. */
function skipPreamble(view: DataView, at: number, end: number): number {
  if (end - at < PREAMBLE_BYTES || view.getInt32(at) !== 0x55555555) return at;
  return view.getInt32(at + 4) === 0x555555d5 ? at + PREAMBLE_BYTES : at;
}
