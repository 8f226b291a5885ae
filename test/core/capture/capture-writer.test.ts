import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { parseAddress } from '../../../src/core/capture/address.ts';
import { CAPTURE_END } from '../../../src/core/capture/capture-reader.ts';
import {
  type ByteSink,
  type CaptureWriter,
  PcapngWriter,
  PcapWriter,
  type UdpHeader,
} from '../../../src/core/capture/capture-writer.ts';
import { UDP_PAYLOAD_BYTES_MAX } from '../../../src/core/capture/ethernet.ts';
import { concat, counting, hex, toHex } from './bytes.ts';
import { walk } from './walk.ts';

/** Bytes that a writer gives away; copies, because they are the sink's only during the call. */
function written(write: (sink: ByteSink) => CaptureWriter): Uint8Array<ArrayBuffer> {
  const chunks: Uint8Array[] = [];
  write((chunk) => chunks.push(chunk.slice())).flush();
  return concat(...chunks);
}

function header(time: bigint, source: string, destination: string): UdpHeader {
  const to = parseAddress(destination)!;
  return {
    timeHigh: bigHigh(time),
    timeLow: bigLow(time),
    ipVersion: to.ipVersion,
    source: parseAddress(source)!.words,
    sourcePort: 0x1388,
    destination: to.words,
    destinationPort: 0x6720,
  };
}

const TIME = 1_700_000_000_123_456_789n; // 0x6553f100 s, 0x075bcd15 ns; in all 0x17979cfe3d85cd15
const GROUP_4 = header(TIME, '192.0.2.1', '239.192.1.1');
const GROUP_6 = header(TIME, '2001:db8::1', 'ff3e::8000:1');
const SECTION = '0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000';

describe('hand-checked bytes', () => {
  test('pcap over IPv4', () => {
    const file = written((sink) => {
      const writer = new PcapWriter(sink, { line: 'B' });
      writer.writeUdp(GROUP_4, counting(9), 2, 3);
      return writer;
    });
    expect(toHex(file)).toBe(
      toHex(
        Uint8Array.from(
          hex(`4d3cb2a1 0200 0400 00000000 00000000 00000400 01000000
               00f15365 15cd5b07 2d000000 2d000000
               01005e400101 026d64780042 0800
               4500 001f 0000 4000 4011 880b c0000201 efc00101
               1388 6720 000b 0000 030405`),
        ),
      ),
    );
  });

  test('pcap in microseconds', () => {
    const file = written((sink) => {
      const writer = new PcapWriter(sink, { unit: 'us' });
      writer.writeFrame(GROUP_4.timeHigh, GROUP_4.timeLow, counting(9), 1, 2, 60);
      return writer;
    });
    expect(toHex(file.subarray(0, 4))).toBe('d4c3b2a1');
    expect(toHex(file.subarray(24))).toBe('00f1536540e20100020000003c0000000203');
  });

  test('pcapng: section, interface, packet over IPv6, statistics', () => {
    const file = written((sink) => {
      const writer = new PcapngWriter(sink);
      writer.addInterface({ name: 'A', description: 'mdx/1' });
      writer.writeUdp(GROUP_6, counting(3), 0, 3);
      writer.writeStatistics(0, 1, 2, { received: 5n, delivered: 4n });
      return writer;
    });
    const blocks = `${SECTION}
      01000000 34000000 0100 0000 00000400 0200 0100 41000000 0300 0500 6d64782f31000000 0900 0100 09000000
      00000000 34000000
      06000000 64000000 00000000 fe9c9717 15cd853d 41000000 41000000
      333380000001 026d64780041 86dd
      60000000 000b 11 40 20010db8000000000000000000000001 ff3e0000000000000000000080000001
      1388 6720 000b d433 010203 000000 64000000
      05000000 34000000 00000000 01000000 02000000 0400 0800 0500000000000000 0800 0800 0400000000000000
      00000000 34000000`;
    expect(toHex(file)).toBe(blocks.replace(/\s/g, ''));
  });
});

/** Sum over big-endian 16-bit words, as RFC 1071 has it; 0xffff says that a checksum among them is right. */
function internetSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 1)
    sum += index % 2 === 0 ? bytes[index]! * 256 : bytes[index]!;
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  return sum;
}

test('checksums are right for any payload and address', () => {
  const words = fc.tuple(fc.integer(), fc.integer(), fc.integer(), fc.integer());
  const payload = fc.uint8Array({ maxLength: 64 });
  fc.assert(
    fc.property(words, words, payload, fc.constantFrom(4, 6), (source, destination, data, ipVersion) => {
      const frame = written((sink) => {
        const writer = new PcapWriter(sink);
        const given = {
          source: Int32Array.from(source),
          destination: Int32Array.from(destination),
          ipVersion,
        };
        writer.writeUdp({ ...GROUP_4, ...given }, data, 0, data.length);
        return writer;
      }).subarray(40);
      if (ipVersion === 4) {
        expect(internetSum(frame.subarray(14, 34))).toBe(0xffff);
        expect(toHex(frame.subarray(40, 42))).toBe('0000');
        return;
      }
      const udp = frame.subarray(54);
      const pseudo = concat(frame.subarray(22, 54), [0, 0, 0, udp.length, 0, 0, 0, 17]);
      expect(internetSum(concat(pseudo, udp))).toBe(0xffff);
      expect(toHex(udp.subarray(6, 8))).not.toBe('0000');
    }),
  );
});

test('unicast and group MAC addresses', () => {
  const macOf = (destination: string): string => {
    const file = written((sink) => {
      const writer = new PcapWriter(sink);
      writer.writeUdp(
        header(0n, destination.includes(':') ? '::1' : '10.0.0.1', destination),
        counting(1),
        0,
        1,
      );
      return writer;
    });
    return toHex(file.subarray(40, 46));
  };
  expect(macOf('224.128.0.5')).toBe('01005e000005');
  expect(macOf('239.255.255.255')).toBe('01005e7fffff');
  expect(macOf('ff02::fb')).toBe('3333000000fb');
  expect(macOf('10.1.2.3')).toBe('026d64780000');
  expect(macOf('fe80::1')).toBe('026d64780000');
});

describe('what is written reads back', () => {
  const packet = fc.record({
    time: fc.bigInt({ min: 0n, max: 4_294_967_295_999_999_999n }),
    length: fc.oneof(fc.integer({ min: 0, max: 70 }), fc.constantFrom(1472, 9000, UDP_PAYLOAD_BYTES_MAX)),
    isIpv6: fc.boolean(),
    line: fc.nat(2),
  });
  const packets = fc.array(packet, { maxLength: 40 });
  const data = counting(UDP_PAYLOAD_BYTES_MAX + 1);
  /** Compared apart, because a difference of 64 KiB is no message. */
  const isData = (payload: string | null, from: number, length: number): boolean =>
    payload === toHex(data.subarray(from, from + length));

  test('pcap', () => {
    fc.assert(
      fc.property(packets, (given) => {
        const file = written((sink) => {
          const writer = new PcapWriter(sink);
          for (const { time, length, isIpv6 } of given) {
            const to = isIpv6 ? GROUP_6 : GROUP_4;
            writer.writeUdp({ ...to, timeHigh: bigHigh(time), timeLow: bigLow(time) }, data, 0, length);
          }
          return writer;
        });
        const { packets: seen, answer } = walk(file);
        expect(answer).toBe(CAPTURE_END);
        expect(seen.map(({ time, udp }) => [time, udp])).toEqual(given.map(({ time }) => [time, 'ok']));
        expect(given.every(({ length }, index) => isData(seen[index]!.payload, 0, length))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('pcapng, with interfaces that come late', () => {
    fc.assert(
      fc.property(packets, (given) => {
        const file = written((sink) => {
          const writer = new PcapngWriter(sink);
          let known = 0;
          for (const { time, length, isIpv6, line } of given) {
            for (; known <= line; known += 1)
              writer.addInterface({ name: 'ABR'[known]!, description: `line ${known}` });
            writer.interfaceId = line;
            const to = isIpv6 ? GROUP_6 : GROUP_4;
            writer.writeUdp({ ...to, timeHigh: bigHigh(time), timeLow: bigLow(time) }, data, 1, length);
          }
          return writer;
        });
        const { packets: seen, answer, reader } = walk(file);
        expect(answer).toBe(CAPTURE_END);
        expect(reader.interfaces.map(({ name }) => name)).toEqual(
          ['A', 'B', 'R'].slice(0, reader.interfaces.length),
        );
        expect(seen.map(({ time, udp, interfaceId }) => [time, udp, interfaceId])).toEqual(
          given.map(({ time, line }) => [time, 'ok', line]),
        );
        expect(given.every(({ length }, index) => isData(seen[index]!.payload, 1, length))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

test('limits are refused before anything is written', () => {
  const sink: ByteSink = () => {};
  const pcap = new PcapWriter(sink);
  expect(() => pcap.writeUdp(GROUP_4, counting(70_000), 0, UDP_PAYLOAD_BYTES_MAX + 1)).toThrow('65508');
  expect(() => pcap.writeFrame(0, 0, counting(300_000), 0, 262_145, 262_145)).toThrow('262145');
  expect(() => pcap.writeUdp(GROUP_4, counting(10), 8, 3)).toThrow('8 … 11');
  expect(() => pcap.writeFrame(-1, 0, counting(1), 0, 1, 1)).toThrow('after 1970');
  const pcapng = new PcapngWriter(sink);
  expect(() => pcapng.writeUdp(GROUP_4, counting(1), 0, 1)).toThrow('interface 0');
  expect(() => pcapng.addInterface({ name: 'A', description: 'x'.repeat(5000) })).toThrow('5000');
});

test('nothing reaches the sink before the buffer is full or flushed, then all of it once', () => {
  const chunks: number[] = [];
  const writer = new PcapWriter((chunk) => chunks.push(chunk.length));
  const frame = counting(60_000);
  for (let index = 0; index < 20; index += 1)
    writer.writeFrame(1, index, frame, 0, frame.length, frame.length);
  expect(chunks).toHaveLength(1);
  writer.flush();
  writer.flush();
  expect(chunks).toHaveLength(2);
  expect(chunks[0]! + chunks[1]!).toBe(24 + 20 * 60_016);
});
