import { describe, expect, test } from 'vitest';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_TRUNCATED,
  detectCapture,
} from '../../../src/core/capture/capture-reader.ts';
import { type ByteOrder, concat, counting, hex, toHex, u16, u32 } from './bytes.ts';
import { Blocks } from './pcapng-blocks.ts';
import { walk } from './walk.ts';

const DATA = counting(5);
const TIME = 1_700_000_000_123_456_789n;
const little = new Blocks('little');

function times(bytes: Uint8Array): bigint[] {
  return walk(bytes).packets.map(({ time }) => time);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

describe.each<ByteOrder>(['little', 'big'])('%s endian', (order) => {
  const blocks = new Blocks(order);

  test('section, interface, packets of all three kinds', () => {
    const file = concat(
      blocks.section(),
      blocks.interface(1, 0, blocks.resolution(9)),
      blocks.packet(0, TIME, DATA, { original: 77 }),
      blocks.oldPacket(0, TIME + 1n, counting(4)),
      blocks.simplePacket(3, counting(3)),
    );
    expect(detectCapture(file)).toBe('pcapng');
    expect(toHex(file.subarray(8, 12))).toBe(order === 'little' ? '4d3c2b1a' : '1a2b3c4d');
    const { packets, answer } = walk(file);
    expect(answer).toBe(CAPTURE_END);
    expect(packets).toMatchObject([
      { time: TIME, data: '0102030405', originalLength: 77, linkType: 1, interfaceId: 0, packetNumber: 1 },
      { time: TIME + 1n, data: '01020304', originalLength: 4, packetNumber: 2 },
      { time: TIME + 1n, data: '010203', originalLength: 3, packetNumber: 3 },
    ]);
  });

  test('interface options', () => {
    const file = concat(
      blocks.section(),
      blocks.interface(
        113,
        1500,
        blocks.option(2, text('A')),
        blocks.option(3, text('mdx/1 line=A\0')),
        blocks.option(13, [4]),
        blocks.resolution(9),
        blocks.option(0, []),
        blocks.resolution(3),
      ),
      blocks.packet(0, 5n, DATA),
    );
    const { packets, reader } = walk(file);
    expect(packets).toMatchObject([{ time: 5n, linkType: 113, fcsLength: 4 }]);
    expect(reader.interfaces).toMatchObject([
      { linkType: 113, snapLength: 1500, fcsLength: 4, name: 'A', description: 'mdx/1 line=A' },
    ]);
  });
});

describe('times', () => {
  test.each<[string, Uint8Array[], bigint, bigint]>([
    ['microseconds unless said', [], 1_700_000_000_123_456n, 1_700_000_000_123_456_000n],
    ['seconds', [little.resolution(0)], 1_700_000_000n, 1_700_000_000_000_000_000n],
    ['picoseconds', [little.resolution(12)], 1_700_000_123_456_789n, 1_700_000_123_456n],
    ['10^-19 s', [little.resolution(19)], 18_446_744_073_709_551_615n, 1_844_674_407n],
    ['10^-28 s', [little.resolution(28)], 18_446_744_073_709_551_615n, 1n],
    ['10^-29 s', [little.resolution(29)], 18_446_744_073_709_551_615n, 0n],
    ['10^-127 s', [little.resolution(127)], 18_446_744_073_709_551_615n, 0n],
    ['2^-32 s', [little.resolution(0xa0)], (1_700_000_000n << 32n) | 0x80000001n, 1_700_000_000_500_000_000n],
    ['2^-20 s', [little.resolution(0x94)], (1_700_000_000n << 20n) | 1n, 1_700_000_000_000_000_953n],
    ['2^0 s', [little.resolution(0x80)], 1_700_000_000n, 1_700_000_000_000_000_000n],
    ['2^-127 s', [little.resolution(0xff)], 18_446_744_073_709_551_615n, 0n],
    ['an offset', [little.resolution(9), little.timeOffset(1_700_000_000n)], 7n, 1_700_000_000_000_000_007n],
    ['a negative offset', [little.timeOffset(-10n)], 9_999_999n, -1_000n],
  ])('%s', (_, options, count, time) => {
    expect(
      times(concat(little.section(), little.interface(1, 0, ...options), little.packet(0, count, DATA))),
    ).toEqual([time]);
  });

  test('a simple packet before any other has time 0', () => {
    expect(times(concat(little.section(), little.interface(1, 0), little.simplePacket(5, DATA)))).toEqual([
      0n,
    ]);
  });
});

describe('interfaces', () => {
  test('of different link type and unit, described late', () => {
    const file = concat(
      little.section(),
      little.interface(1, 0, little.resolution(9)),
      little.packet(0, 1n, DATA),
      little.interface(101, 0),
      little.packet(1, 1n, DATA),
      little.packet(0, 2n, DATA),
    );
    expect(
      walk(file).packets.map(({ interfaceId, linkType, time }) => [interfaceId, linkType, time]),
    ).toEqual([
      [0, 1, 1n],
      [1, 101, 1000n],
      [0, 1, 2n],
    ]);
  });

  test('are counted anew in every section, which has its own byte order', () => {
    const big = new Blocks('big');
    const file = concat(
      little.section(),
      little.interface(1, 0, little.resolution(9)),
      little.interface(113, 0),
      little.packet(1, 1n, DATA),
      big.section([1, 2]),
      big.interface(276, 0, big.resolution(3)),
      big.packet(0, 2n, DATA),
      little.section(),
      little.packet(0, 3n, DATA),
    );
    const { packets, answer, problem } = walk(file);
    expect(packets.map(({ linkType, time, packetNumber }) => [linkType, time, packetNumber])).toEqual([
      [113, 1000n, 1],
      [276, 2_000_000n, 2],
    ]);
    expect(answer).toBe(CAPTURE_DAMAGED);
    expect(problem).toContain('interface 0');
  });

  test('more than 4096 are refused', () => {
    const described = Array.from({ length: 4097 }, () => little.interface(1, 0));
    expect(walk(concat(little.section(), ...described.slice(1))).answer).toBe(CAPTURE_END);
    expect(walk(concat(little.section(), ...described)).answer).toBe(CAPTURE_DAMAGED);
  });
});

describe('simple packets', () => {
  const interfaceOf = (snapLength: number): Uint8Array =>
    concat(little.section(), little.interface(1, snapLength));

  test('are cut to the snap length of interface 0', () => {
    expect(walk(concat(interfaceOf(3), little.simplePacket(9, counting(3)))).packets).toMatchObject([
      { data: '010203', originalLength: 9 },
    ]);
  });

  test('are cut to their block', () => {
    expect(walk(concat(interfaceOf(0), little.simplePacket(900, counting(8)))).packets).toMatchObject([
      { data: '0102030405060708', originalLength: 900 },
    ]);
  });

  test('need an interface', () => {
    expect(walk(concat(little.section(), little.simplePacket(5, DATA))).answer).toBe(CAPTURE_DAMAGED);
  });
});

describe('other blocks', () => {
  test('are skipped: name resolution, statistics, secrets, local use, unknown', () => {
    const skipped = [4, 5, 10, 0x80006d78, 0x0bad, 0x40000bad, 0xffffffff, 0].map((type) =>
      little.block(type, counting(16)),
    );
    const file = concat(
      little.section([1, 0], little.option(4, text('any writer'))),
      ...skipped,
      little.interface(1, 0),
      little.block(99, []),
      little.packet(0, 1n, DATA, { options: little.option(4, counting(8)) }),
      ...skipped,
    );
    for (const chunk of [1, 7, file.length]) {
      const { packets, answer } = walk(file, chunk);
      expect(answer).toBe(CAPTURE_END);
      expect(packets).toMatchObject([{ data: '0102030405', packetNumber: 1 }]);
    }
  });

  test('larger than the window are skipped in pieces', () => {
    const file = concat(
      little.section([1, 0], little.option(1, new Uint8Array(60_000))),
      little.block(5, new Uint8Array(3_000_000)),
      little.interface(1, 0),
      little.packet(0, 1n, DATA),
    );
    const { packets, answer } = walk(file, 65_536);
    expect(answer).toBe(CAPTURE_END);
    expect(packets).toHaveLength(1);
  });
});

describe('damage', () => {
  const start = concat(little.section(), little.interface(1, 0), little.packet(0, 1n, DATA));
  const broken: [string, Uint8Array, string][] = [
    ['total length not a multiple of 4', little.block(5, counting(8), { total: 21 }), 'total length 21'],
    ['total length too small', little.block(5, counting(8), { total: 8 }), 'total length 8'],
    ['total length 0', little.block(6, counting(8), { total: 0 }), 'total length 0'],
    ['lengths that differ, packet', little.block(6, new Uint8Array(20), { trailer: 36 }), '36 behind'],
    ['lengths that differ, skipped block', little.block(5, counting(8), { trailer: 24 }), '24 behind'],
    ['a packet of 4 GB', little.block(6, new Uint8Array(20), { total: 0xfffffffc }), '4294967292'],
    [
      'a packet block just too long',
      little.block(6, new Uint8Array(20), { total: (1 << 20) + 4 }),
      '1048580',
    ],
    ['captured beyond the block', little.packet(0, 1n, DATA, { captured: 9 }), '9 captured'],
    ['captured 2^32 − 1', little.packet(0, 1n, DATA, { captured: 0xffffffff }), '4294967295 captured'],
    ['a packet block without room for its header', little.block(6, counting(16)), 'at least 32'],
    ['an interface that is not there', little.packet(1, 1n, DATA), 'interface 1'],
    [
      'an interface option beyond its block',
      little.interface(1, 0, Uint8Array.from(hex('02002c01'))),
      'option 2',
    ],
    ['an interface block too short', little.block(1, counting(4)), 'at least 20'],
    ['a section of version 2', little.section([2, 0]), '2.0'],
    ['a section with a strange order', little.block(0x0a0d0d0a, counting(16)), 'byte-order'],
  ];

  test.each(broken)('%s', (_, block, said) => {
    const { packets, answer, problem, problemOffset } = walk(
      concat(start, block, little.packet(0, 2n, DATA)),
    );
    expect(answer).toBe(CAPTURE_DAMAGED);
    expect(packets).toHaveLength(1);
    expect(problem).toContain(said);
    expect(problemOffset).toBeGreaterThanOrEqual(start.length);
    expect(problemOffset).toBeLessThan(start.length + block.length);
  });

  test('a skippable block longer than the file ends it', () => {
    const file = concat(start, little.block(5, counting(8), { total: 0xfffffffc }));
    expect(walk(file)).toMatchObject({ answer: CAPTURE_TRUNCATED, packets: [{ packetNumber: 1 }] });
  });

  test('no section at the beginning', () => {
    const { answer } = walk(little.interface(1, 0), 1000, 'pcapng');
    expect(answer).toBe(CAPTURE_DAMAGED);
  });

  test('an original length below the captured one is raised to it', () => {
    expect(walk(concat(start, little.packet(0, 1n, DATA, { original: 0 }))).packets[1]).toMatchObject({
      data: '0102030405',
      originalLength: 5,
    });
  });
});

describe('the end', () => {
  const parts = [
    little.section(),
    little.interface(1, 0),
    little.packet(0, 1n, DATA),
    little.block(5, counting(8)),
    little.packet(0, 2n, counting(4)),
  ];
  const file = concat(...parts);
  const ends = parts.map((_, index) => concat(...parts.slice(0, index + 1)).length);

  test('after every number of bytes', () => {
    for (let length = 1; length <= file.length; length += 1) {
      const { packets, answer, problem } = walk(file.subarray(0, length), length, 'pcapng');
      const whole = [ends[2]!, ends[4]!].filter((end) => end <= length).length;
      const expected = ends.includes(length) ? CAPTURE_END : CAPTURE_TRUNCATED;
      expect([length, packets.length, answer]).toEqual([length, whole, expected]);
      expect(problem === null).toBe(answer === CAPTURE_END);
    }
  });

  test.each([1, 7])('in chunks of %i the packets are the same', (chunk) => {
    expect(walk(file, chunk).packets).toEqual(walk(file).packets);
  });
});

test('the beginning is told by type and magic', () => {
  expect(detectCapture(concat(hex('0a0d0d0a'), u32(28), u32(0x1a2b3c4d)))).toBe('pcapng');
  expect(detectCapture(concat(hex('0a0d0d0a'), u32(28), u32(0x12345678)))).toBeNull();
  expect(detectCapture(concat(hex('0a0d0d0a'), u16(0)))).toBe('pcapng');
});
