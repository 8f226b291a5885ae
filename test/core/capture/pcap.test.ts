import { describe, expect, test } from 'vitest';
import {
  CAPTURE_DAMAGED,
  CAPTURE_END,
  CAPTURE_TRUNCATED,
  detectCapture,
} from '../../../src/core/capture/capture-reader.ts';
import { type ByteOrder, concat, counting, hex, toHex, u16, u32 } from './bytes.ts';
import { walk } from './walk.ts';

interface FileOptions {
  readonly order?: ByteOrder;
  readonly magic?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly snapLength?: number;
  readonly linkWord?: number;
}

function fileHeader(options: FileOptions = {}): Uint8Array {
  const {
    order = 'little',
    magic = 0xa1b23c4d,
    major = 2,
    minor = 4,
    snapLength = 65535,
    linkWord = 1,
  } = options;
  return concat(
    u32(magic, order),
    u16(major, order),
    u16(minor, order),
    u32(0, order),
    u32(0, order),
    u32(snapLength, order),
    u32(linkWord, order),
  );
}

function record(
  seconds: number,
  fraction: number,
  data: Uint8Array,
  lengths: { order?: ByteOrder; captured?: number; original?: number; extra?: number[] } = {},
): Uint8Array {
  const { order = 'little', captured = data.length, original = data.length, extra = [] } = lengths;
  return concat(
    u32(seconds, order),
    u32(fraction, order),
    u32(captured, order),
    u32(original, order),
    extra,
    data,
  );
}

const DATA = counting(5);

describe('byte order and unit', () => {
  const cases: [string, ByteOrder, number, bigint][] = [
    ['d4c3b2a1', 'little', 0xa1b2c3d4, 1_700_000_000_123_456_000n],
    ['a1b2c3d4', 'big', 0xa1b2c3d4, 1_700_000_000_123_456_000n],
    ['4d3cb2a1', 'little', 0xa1b23c4d, 1_700_000_000_000_123_456n],
    ['a1b23c4d', 'big', 0xa1b23c4d, 1_700_000_000_000_123_456n],
  ];
  test.each(cases)('%s', (start, order, magic, time) => {
    const file = concat(
      fileHeader({ order, magic }),
      record(1_700_000_000, 123_456, DATA, { order, original: 9 }),
    );
    expect(toHex(file.subarray(0, 4))).toBe(start);
    expect(detectCapture(file)).toBe('pcap');
    const { packets, answer } = walk(file);
    expect(answer).toBe(CAPTURE_END);
    expect(packets).toMatchObject([
      {
        time,
        data: '0102030405',
        originalLength: 9,
        linkType: 1,
        fcsLength: 0,
        interfaceId: 0,
        packetNumber: 1,
      },
    ]);
  });

  test.each<[string, ByteOrder]>([
    ['34cdb2a1', 'little'],
    ['a1b2cd34', 'big'],
  ])('%s has record headers of 24 bytes, microseconds', (start, order) => {
    const extra = hex('00000007 0800 01 00');
    const file = concat(
      fileHeader({ order, magic: 0xa1b2cd34 }),
      record(3, 4, DATA, { order, extra }),
      record(5, 6, DATA.subarray(1), { order, extra }),
    );
    expect(toHex(file.subarray(0, 4))).toBe(start);
    const { packets, answer } = walk(file);
    expect(answer).toBe(CAPTURE_END);
    expect(packets.map(({ time, data }) => [time, data])).toEqual([
      [3_000_004_000n, '0102030405'],
      [5_000_006_000n, '02030405'],
    ]);
  });
});

describe('times', () => {
  test.each([
    [0xa1b23c4d, 10, 1_000_000_000, 11_000_000_000n],
    [0xa1b23c4d, 10, 4_294_967_295, 14_294_967_295n],
    [0xa1b2c3d4, 10, 1_000_001, 11_000_001_000n],
    [0xa1b2c3d4, 4_294_967_295, 4_294_967_295, 4_294_967_295_000_000_000n + 4_294_967_295_000n],
    [0xa1b23c4d, 4_294_967_295, 999_999_999, 4_294_967_295_999_999_999n],
    [0xa1b23c4d, 0, 0, 0n],
  ])('magic %i: %i s and a fraction of %i are carried', (magic, seconds, fraction, time) => {
    expect(walk(concat(fileHeader({ magic }), record(seconds, fraction, DATA))).packets[0]!.time).toBe(time);
  });

  test('around every place where the low half wraps', () => {
    const times: bigint[] = [];
    for (let high = 1n; high < 1_000_000_000n; high = high * 7n + 3n) {
      for (const low of [-1n, 0n, 1n]) times.push(high * 2n ** 32n + low);
    }
    const records = times.map((time) => record(Number(time / 10n ** 9n), Number(time % 10n ** 9n), DATA));
    expect(walk(concat(fileHeader(), ...records)).packets.map(({ time }) => time)).toEqual(times);
  });

  test('may go backwards', () => {
    const { packets } = walk(concat(fileHeader(), record(9, 0, DATA), record(8, 0, DATA)));
    expect(packets.map(({ time }) => time)).toEqual([9_000_000_000n, 8_000_000_000n]);
  });
});

describe('lengths', () => {
  test('steps by what was captured', () => {
    const file = concat(fileHeader(), record(1, 0, DATA, { original: 1500 }), record(2, 0, counting(3)));
    expect(walk(file).packets.map(({ data, originalLength }) => [data, originalLength])).toEqual([
      ['0102030405', 1500],
      ['010203', 3],
    ]);
  });

  test('are exchanged in versions before 2.3', () => {
    const { packets } = walk(
      concat(fileHeader({ minor: 2 }), record(1, 0, DATA, { captured: 60, original: 5 })),
    );
    expect(packets).toMatchObject([{ data: '0102030405', originalLength: 60 }]);
  });

  test('are exchanged in version 2.3 where the first is larger', () => {
    const file = concat(
      fileHeader({ minor: 3 }),
      record(1, 0, DATA, { captured: 60, original: 5 }),
      record(2, 0, DATA, { captured: 5, original: 61 }),
    );
    expect(walk(file).packets.map(({ data, originalLength }) => [data, originalLength])).toEqual([
      ['0102030405', 60],
      ['0102030405', 61],
    ]);
  });

  test('more captured than there was is damage', () => {
    const file = concat(fileHeader(), record(1, 0, DATA), record(2, 0, DATA, { original: 4 }));
    const { packets, answer, problem, problemOffset } = walk(file);
    expect(packets).toHaveLength(1);
    expect(answer).toBe(CAPTURE_DAMAGED);
    expect(problem).toContain('5 captured bytes out of 4');
    expect(problemOffset).toBe(24 + 21);
  });

  test.each([
    [1500, 262144, true],
    [1500, 262145, false],
    [0, 262144, true],
    [0, 262145, false],
    [0xffffffff, 262144, true],
    [0xffffffff, 262145, false],
    [300_000, 300_000, true],
    [300_000, 300_001, false],
    [0x7fffffff, (1 << 20) - 24, true],
    [0x7fffffff, (1 << 20) - 23, false],
  ])('snap length %i: %i captured bytes are taken: %s', (snapLength, length, taken) => {
    const file = concat(fileHeader({ snapLength }), record(1, 0, new Uint8Array(length)));
    const { packets, answer } = walk(file);
    expect(answer).toBe(taken ? CAPTURE_END : CAPTURE_DAMAGED);
    expect(packets).toHaveLength(taken ? 1 : 0);
  });

  test('an empty packet is a packet', () => {
    expect(walk(concat(fileHeader(), record(1, 0, new Uint8Array(0)))).packets).toMatchObject([
      { data: '', originalLength: 0 },
    ]);
  });
});

describe('file header', () => {
  test('a frame check sequence is announced above the link type', () => {
    const file = concat(fileHeader({ linkWord: 0x24000001 }), record(1, 0, DATA));
    expect(walk(file).packets).toMatchObject([{ linkType: 1, fcsLength: 4 }]);
  });

  test('bits 28 to 31 mean nothing without bit 26, reserved bits nothing at all', () => {
    const file = concat(fileHeader({ linkWord: 0x23ff0071 }), record(1, 0, DATA));
    expect(walk(file).packets).toMatchObject([{ linkType: 113, fcsLength: 0 }]);
  });

  test.each([
    [1, 4],
    [2, 5],
    [3, 0],
  ])('version %i.%i is refused', (major, minor) => {
    const { answer, problem } = walk(concat(fileHeader({ major, minor }), record(1, 0, DATA)));
    expect(answer).toBe(CAPTURE_DAMAGED);
    expect(problem).toContain(`${major}.${minor}`);
  });
});

describe('the end', () => {
  const file = concat(fileHeader(), record(1, 0, DATA), record(2, 0, DATA));
  const ends = [24, 45, 66];

  test('after every number of bytes', () => {
    for (let length = 0; length <= file.length; length += 1) {
      const { packets, answer, problem, problemOffset } = walk(file.subarray(0, length), length, 'pcap');
      const whole = ends.filter((end) => end <= length);
      const start = whole.at(-1) ?? 0;
      const expected = ends.includes(length) ? CAPTURE_END : CAPTURE_TRUNCATED;
      expect([length, packets.length, answer]).toEqual([length, Math.max(0, whole.length - 1), expected]);
      if (answer === CAPTURE_END) continue;
      expect(problemOffset).toBe(start);
      expect(problem).toContain(`${length - start} of `);
    }
  });

  test('the answer stays', () => {
    const { reader } = walk(file.subarray(0, 50));
    expect([reader.next(), reader.next()]).toEqual([CAPTURE_TRUNCATED, CAPTURE_TRUNCATED]);
  });

  test.each([1, 7, 1000])('in chunks of %i the packets are the same', (chunk) => {
    expect(walk(file, chunk).packets).toEqual(walk(file).packets);
  });
});

test('other beginnings are no capture', () => {
  for (const start of ['', 'd4c3b2', '1f8b0800', 'ffd8ffe0', 'd4c3b2a2', '00000000']) {
    expect(detectCapture(Uint8Array.from(hex(start)))).toBeNull();
  }
});
