import { describe, expect, test } from 'vitest';
import { ByteWindow } from '../../../src/core/binary/byte-window.ts';
import { formatAddress } from '../../../src/core/capture/address.ts';
import { CapturedPacket } from '../../../src/core/capture/captured-packet.ts';
import { SKIP_NAMES, UdpExtractor } from '../../../src/core/capture/udp.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';
import { concat, counting, hex, u16, u32 } from './bytes.ts';
import { ETHERNET, ethernet, ipv4, ipv6, udp } from './frames.ts';

const window = new ByteWindow(4096);
const extractor = new UdpExtractor();
const datagram = new Datagram();

interface Given {
  readonly linkType?: number;
  readonly original?: number;
  readonly fcsLength?: number;
}

/** Extracts from a frame that lies between bytes of other frames. @returns the payload, or why there is none. */
function extract(frame: Uint8Array, given: Given = {}): Uint8Array | string {
  const packet = new CapturedPacket();
  window.bytes.fill(0xee);
  packet.dataOffset = 101;
  window.bytes.set(frame, packet.dataOffset);
  packet.capturedLength = frame.length;
  packet.originalLength = given.original ?? frame.length;
  packet.linkType = given.linkType ?? 1;
  packet.fcsLength = given.fcsLength ?? 0;
  packet.timeHigh = 7;
  packet.timeLow = -8;
  packet.packetNumber = 9;
  const outcome = extractor.extract(packet, window, datagram);
  if (outcome !== 0) return SKIP_NAMES[outcome]!;
  return datagram.bytes.slice(datagram.offset, datagram.offset + datagram.length);
}

const DATA = counting(23);
const PACKET_4 = ipv4(udp(DATA));
const PACKET_6 = ipv6(udp(DATA));

describe('what a datagram says', () => {
  test('over IPv4', () => {
    expect(extract(ethernet(0x0800, PACKET_4))).toEqual(DATA);
    expect(datagram).toMatchObject({
      timeHigh: 7,
      timeLow: -8,
      packetNumber: 9,
      ipVersion: 4,
      sourcePort: 5000,
      destinationPort: 26400,
    });
    expect(formatAddress(datagram.source, 4)).toBe('192.0.2.1');
    expect(formatAddress(datagram.destination, 4)).toBe('239.192.1.1');
    expect(datagram.view.getUint8(datagram.offset + 1)).toBe(2);
  });

  test('over IPv6, and over IPv4 again', () => {
    expect(extract(ethernet(0x86dd, PACKET_6))).toEqual(DATA);
    expect(datagram.ipVersion).toBe(6);
    expect(formatAddress(datagram.source, 6)).toBe('2001:db8::1');
    expect(formatAddress(datagram.destination, 6)).toBe('ff3e::8000:1');
    extract(ethernet(0x0800, PACKET_4));
    expect(datagram.ipVersion).toBe(4);
    expect([...datagram.source]).toEqual([0, 0, 0, 0xc0000201 | 0]);
    expect([...datagram.destination]).toEqual([0, 0, 0, 0xefc00101 | 0]);
  });
});

describe('link types', () => {
  const cooked1 = (type: number): number[] => [...hex('0002 0001 0006 0011223344550000'), ...u16(type)];
  const cooked2 = (type: number): number[] => [
    ...u16(type),
    ...hex('0000 00000003 0001 02 06 0011223344550000'),
  ];
  const preamble = hex('55555555555555d5');
  const frame = ethernet(0x0800, PACKET_4);
  const cases: [string, number, Uint8Array][] = [
    ['Ethernet', 1, frame],
    ['Linux cooked v1', 113, concat(cooked1(0x0800), PACKET_4)],
    ['Linux cooked v1, tagged', 113, concat(cooked1(0x8100), hex('0064 86dd'), PACKET_6)],
    ['Linux cooked v2', 276, concat(cooked2(0x0800), PACKET_4)],
    ['Linux cooked v2, IPv6', 276, concat(cooked2(0x86dd), PACKET_6)],
    ['raw IPv4', 101, PACKET_4],
    ['raw IPv6', 101, PACKET_6],
    ['raw, number 12', 12, PACKET_4],
    ['raw, number 14', 14, PACKET_6],
    ['IPv4', 228, PACKET_4],
    ['IPv6', 229, PACKET_6],
    ['loopback of a little-endian host', 0, concat(u32(2, 'little'), PACKET_4)],
    ['loopback of a big-endian host', 0, concat(u32(2), PACKET_4)],
    ['loopback, IPv6 of Linux', 0, concat(u32(10, 'little'), PACKET_6)],
    ['loopback, IPv6 of OpenBSD', 108, concat(u32(24), PACKET_6)],
    ['loopback, IPv6 of FreeBSD', 0, concat(u32(28, 'little'), PACKET_6)],
    ['loopback, IPv6 of macOS', 0, concat(u32(30, 'little'), PACKET_6)],
    ['OpenBSD loopback', 108, concat(u32(2), PACKET_4)],
    ['netANALYZER', 240, concat(counting(4), frame)],
    ['netANALYZER transparent', 241, concat(counting(4), frame)],
    ['netANALYZER transparent with preamble', 241, concat(counting(4), preamble, frame)],
    ['mPackets', 274, concat(preamble, frame)],
  ];
  test.each(cases)('%s', (_, linkType, bytes) => {
    expect(extract(bytes, { linkType })).toEqual(DATA);
  });

  test.each(cases)(
    '%s cut anywhere says so, whole or not, and reads nothing behind',
    (_, linkType, bytes) => {
      for (let length = 0; length < bytes.length; length += 1) {
        expect([length, extract(bytes.subarray(0, length), { linkType, original: bytes.length })]).toEqual([
          length,
          'snapped',
        ]);
        expect(extract(bytes.subarray(0, length), { linkType })).toMatch(/^(notIp|badIp|snapped)$/);
      }
    },
  );

  test('of a frame cut behind the UDP header the ports are known, before it not', () => {
    extract(frame.subarray(0, 42), { original: frame.length });
    expect(datagram.destinationPort).toBe(26400);
    extract(frame.subarray(0, 41), { original: frame.length });
    expect(datagram.destinationPort).toBe(0);
  });

  test.each([2, 105, 127, 147, 65535])('%i is not known', (linkType) => {
    expect(extract(frame, { linkType })).toBe('linkType');
  });

  test.each<[string, number, Uint8Array]>([
    ['ARP', 1, ethernet(0x0806, counting(46))],
    ['MPLS', 1, ethernet(0x8847, PACKET_4)],
    ['802.3 length', 1, ethernet(0x0040, PACKET_4)],
    ['cooked 802.2', 113, concat(cooked1(4), PACKET_4)],
    ['raw, another version', 101, concat([0x50], PACKET_4.subarray(1))],
    ['loopback, another family', 0, concat(u32(7, 'little'), PACKET_4)],
    ['OpenBSD loopback in the wrong order', 108, concat(u32(2, 'little'), PACKET_4)],
  ])('%s is not IP', (_, linkType, bytes) => {
    expect(extract(bytes, { linkType })).toBe('notIp');
  });
});

describe('VLAN tags', () => {
  const tagged = (...types: number[]): Uint8Array =>
    concat(
      ETHERNET,
      types.flatMap((type) => [...u16(type), ...u16(0x6064)]),
      u16(0x0800),
      PACKET_4,
    );
  test.each([[[0x8100]], [[0x88a8, 0x8100]], [[0x9100, 0x8100]], [[0x88a8, 0x88a8, 0x8100, 0x8100]]])(
    '%j',
    (types) => {
      expect(extract(tagged(...types))).toEqual(DATA);
    },
  );

  test('more than four are not followed', () => {
    expect(extract(tagged(0x8100, 0x8100, 0x8100, 0x8100, 0x8100))).toBe('notIp');
  });
});

describe('the end of the payload', () => {
  test('padding is not read', () => {
    const heartbeat = counting(8);
    const frame = concat(ethernet(0x0800, ipv4(udp(heartbeat))), new Uint8Array(10));
    expect(frame).toHaveLength(60);
    expect(extract(frame)).toEqual(heartbeat);
  });

  test('nor padding behind an empty payload, nor a trailer, nor a check sequence', () => {
    expect(extract(concat(ethernet(0x0800, ipv4(udp([]))), new Uint8Array(18)))).toEqual(new Uint8Array(0));
    expect(extract(concat(ethernet(0x0800, PACKET_4), counting(24)))).toEqual(DATA);
    expect(extract(concat(ethernet(0x86dd, PACKET_6), counting(4)), { fcsLength: 4 })).toEqual(DATA);
  });

  test('UDP shorter than IP: UDP decides', () => {
    expect(extract(ethernet(0x0800, ipv4(udp(DATA, 8 + 5))))).toEqual(DATA.subarray(0, 5));
    expect(extract(ethernet(0x86dd, ipv6(udp(DATA, 8 + 5))))).toEqual(DATA.subarray(0, 5));
  });

  test('UDP longer than IP, or shorter than its header, is bad', () => {
    expect(extract(concat(ethernet(0x0800, ipv4(udp(DATA, 8 + 24))), [0]))).toBe('badUdp');
    expect(extract(ethernet(0x0800, ipv4(udp(DATA, 7))))).toBe('badUdp');
    expect(extract(ethernet(0x86dd, ipv6(udp(DATA, 0))))).toBe('badUdp');
  });

  test('IP longer than the frame is a cut capture, unless the payload is all there', () => {
    expect(extract(ethernet(0x0800, ipv4(udp(DATA, 8 + 30), { total: 58 })))).toBe('snapped');
    expect(extract(ethernet(0x0800, ipv4(udp(DATA), { total: 1000 })))).toEqual(DATA);
  });

  test('a total length of 0 means the frame', () => {
    expect(extract(ethernet(0x0800, ipv4(udp(DATA), { total: 0 })))).toEqual(DATA);
    expect(extract(concat(ethernet(0x0800, ipv4(udp(DATA, 31), { total: 0 })), [0, 0]))).toEqual(DATA);
    expect(extract(ethernet(0x0800, ipv4(udp(DATA, 32), { total: 0 })))).toBe('badUdp');
    expect(extract(ethernet(0x0800, ipv4(udp(DATA, 32), { total: 0 })), { original: 99 })).toBe('snapped');
    expect(extract(ethernet(0x86dd, ipv6(udp(DATA), { payloadLength: 0 })))).toEqual(DATA);
  });

  test('a check sequence belongs to the frame only where it was captured', () => {
    const frame = concat(ethernet(0x0800, ipv4(udp(DATA, 8 + 27), { total: 0 })), counting(4));
    expect(extract(frame)).toHaveLength(27);
    expect(extract(frame, { fcsLength: 4 })).toBe('badUdp');
    expect(extract(frame, { fcsLength: 4, original: 200 })).toHaveLength(27);
    expect(extract(counting(3), { fcsLength: 14 })).toBe('notIp');
  });
});

describe('IPv4', () => {
  test('options are stepped over', () => {
    for (const words of [1, 2, 10]) {
      const packet = ipv4(udp(DATA), { options: Array(words * 4).fill(1) });
      expect(extract(ethernet(0x0800, packet))).toEqual(DATA);
    }
  });

  test.each([
    ['another version', { version: 5 }, 'badIp'],
    ['a header of 16 bytes', { headerWords: 4 }, 'badIp'],
    ['a total below the header', { total: 19 }, 'badIp'],
    ['a total without room for UDP', { total: 27 }, 'badIp'],
    ['the first piece', { fragment: 0x2000 }, 'fragment'],
    ['a middle piece', { fragment: 0x2001 }, 'fragment'],
    ['the last piece', { fragment: 0x0010 }, 'fragment'],
    ['a piece of TCP', { fragment: 0x0010, protocol: 6 }, 'fragment'],
    ['TCP', { protocol: 6 }, 'notUdp'],
    ['ICMP', { protocol: 1 }, 'notUdp'],
  ])('%s: %s %s', (_, options, reason) => {
    expect(extract(ethernet(0x0800, ipv4(udp(DATA), options)))).toBe(reason);
  });

  test('a cut TCP packet is no UDP', () => {
    expect(
      extract(ethernet(0x0800, ipv4(udp(DATA), { protocol: 6 })).subarray(0, 40), { original: 90 }),
    ).toBe('notUdp');
  });

  test('a frame too short for IP is bad', () => {
    expect(extract(ethernet(0x0800, counting(19)))).toBe('badIp');
  });
});

describe('IPv6 extension headers', () => {
  const generic = (next: number, words: number): number[] => [next, words, ...Array(words * 8 + 6).fill(0)];
  const fragment = (next: number, field: number): number[] => [next, 0, ...u16(field), ...u32(77)];
  const authentication = (next: number, words: number): number[] => [
    next,
    words,
    ...Array(words * 4 + 6).fill(0),
  ];
  const readable: [string, number, number[]][] = [
    ['hop by hop', 0, generic(17, 0)],
    ['routing', 43, generic(17, 2)],
    ['destination options', 60, generic(17, 1)],
    ['authentication', 51, authentication(17, 4)],
    ['a whole packet with a fragment header', 44, fragment(17, 0)],
    ['three in a row', 0, [...generic(43, 1), ...generic(60, 2), ...generic(17, 0)]],
  ];
  test.each(readable)('%s', (_, next, extensions) => {
    expect(extract(ethernet(0x86dd, ipv6(udp(DATA), { next, extensions })))).toEqual(DATA);
  });

  test.each<[string, number, number[], string]>([
    ['first piece', 44, fragment(17, 0x0001), 'fragment'],
    ['last piece', 44, fragment(17, 0x0008), 'fragment'],
    ['nothing follows', 59, [], 'notUdp'],
    ['TCP', 6, [], 'notUdp'],
    ['TCP behind options', 0, generic(6, 0), 'notUdp'],
    ['seventeen headers', 60, [...Array(16).fill(generic(60, 0)).flat(), ...generic(17, 0)], 'badIp'],
    ['a header beyond the packet', 60, generic(60, 0).with(1, 9), 'badIp'],
  ])('%s', (_, next, extensions, reason) => {
    expect(extract(ethernet(0x86dd, ipv6(udp(DATA), { next, extensions })))).toBe(reason);
  });

  test('sixteen headers are read', () => {
    const extensions = [...Array(15).fill(generic(60, 0)).flat(), ...generic(17, 0)];
    expect(extract(ethernet(0x86dd, ipv6(udp(DATA), { next: 60, extensions })))).toEqual(DATA);
  });

  test('another version is bad', () => {
    expect(extract(ethernet(0x86dd, PACKET_4))).toBe('badIp');
  });
});
