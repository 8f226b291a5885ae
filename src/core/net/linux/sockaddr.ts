import type { Address } from '../../capture/address.ts';
import { AF_INET, AF_INET6, AF_PACKET, AF_XDP } from './constants.ts';

/**
 * Address structures as bytes. Integers are the host's (little endian), ports and IP addresses big endian:
 *
 *     sockaddr_in 16    family · port@2 · address@4          sockaddr_in6 28   family · port@2 · address@8 · scope@24
 *     sockaddr_ll 20    family · protocol@2 · ifindex@4      sockaddr_xdp 16   family · flags@2 · ifindex@4 · queue@8 · fd@12
 *     ip_mreqn 12       group@0 · address@4 · ifindex@8
 *     group_req 136     ifindex@0 · group@8                  group_source_req 264   ifindex@0 · group@8 · source@136
 */
export function socketAddress(address: Address, port: number, scope: number): Uint8Array {
  const bytes = new Uint8Array(address.ipVersion === 4 ? 16 : 28);
  writeSocketAddress(new DataView(bytes.buffer), 0, address, port, scope);
  return bytes;
}

function writeSocketAddress(view: DataView, at: number, address: Address, port: number, scope: number): void {
  view.setUint16(at + 2, port);
  if (address.ipVersion === 4) {
    view.setUint16(at, AF_INET, true);
    view.setInt32(at + 4, address.words[3]!);
    return;
  }
  view.setUint16(at, AF_INET6, true);
  for (let word = 0; word < 4; word += 1) view.setInt32(at + 8 + word * 4, address.words[word]!);
  view.setUint32(at + 24, scope, true);
}

/** @param protocol EtherType. */
export function packetAddress(protocol: number, ifindex: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setUint32(4, ifindex, true);
  return bytes;
}

export function xdpAddress(flags: number, ifindex: number, queue: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_XDP, true);
  view.setUint16(2, flags, true);
  view.setUint32(4, ifindex, true);
  view.setUint32(8, queue, true);
  return bytes;
}

/** ip_mreqn without a group: the interface that a sender uses, and the address that it gives as its own. */
export function multicastInterface(ifindex: number, source: Address | null): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, source?.words[3] ?? 0);
  view.setUint32(8, ifindex, true);
  return bytes;
}

/** group_req, or group_source_req with a source. */
export function groupRequest(ifindex: number, group: Address, source: Address | null): Uint8Array {
  const bytes = new Uint8Array(source === null ? 136 : 264);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ifindex, true);
  writeSocketAddress(view, 8, group, 0, 0);
  if (source !== null) writeSocketAddress(view, 136, source, 0, 0);
  return bytes;
}

/** Link-local addresses go with the number of their interface. */
export function scopeOf({ words, ipVersion }: Address, index: number): number {
  if (ipVersion === 4) return 0;
  const first = words[0]! >>> 16;
  const isLocal = (first & 0xffc0) === 0xfe80 || (first & 0xff0f) === 0xff02 || (first & 0xff0f) === 0xff01;
  return isLocal ? index : 0;
}
