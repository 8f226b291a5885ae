import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import {
  formatScaled,
  formatScaledBig,
  formatTimeIso,
  formatUnsigned,
  parseScaled,
  parseTime,
} from '../../../src/core/event/format-text.ts';

const scaled = (value: bigint, scale: number): string => formatScaled(bigHigh(value), bigLow(value), scale);
const int64 = fc.oneof(
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.bigInt({ min: -(1n << 55n), max: 1n << 55n }),
);
const scale = fc.integer({ min: 0, max: 20 });

describe('scaled integers', () => {
  test.each([
    [64_780_000_000n, 9, '64.780000000'],
    [-1n, 9, '-0.000000001'],
    [0n, 9, '0.000000000'],
    [0n, 0, '0'],
    [-42n, 0, '-42'],
    [100n, 2, '1.00'],
    [-18_000_000n, 8, '-0.18000000'],
    [(1n << 53n) - 1n, 0, '9007199254740991'],
    [(1n << 53n) + 1n, 0, '9007199254740993'],
    [-(1n << 53n) - 1n, 3, '-9007199254740.993'],
    [(1n << 63n) - 1n, 9, '9223372036.854775807'],
    [-(1n << 63n), 4, '-922337203685477.5808'],
  ])('%s at scale %i is %s', (value, digits, text) => {
    expect(scaled(value, digits)).toBe(text);
    expect(formatScaledBig(value, digits)).toBe(text);
    expect(parseScaled(text, digits)).toBe(value);
  });

  test('text is the integer with a point: without it, the same digits', () => {
    fc.assert(
      fc.property(int64, scale, (value, digits) => {
        const text = scaled(value, digits);
        expect(BigInt(text.replace('.', ''))).toBe(value);
        expect(text.length - 1 - text.indexOf('.')).toBe(digits === 0 ? text.length : digits);
        expect(text).toMatch(/^-?(0|[1-9]\d*)(\.\d+)?$/);
        expect(parseScaled(text, digits)).toBe(value);
      }),
    );
  });

  test('fewer decimals than the scale are filled, more are refused unless they are zeros', () => {
    expect(parseScaled('64.78', 9)).toBe(64_780_000_000n);
    expect(parseScaled('+7', 4)).toBe(70_000n);
    expect(parseScaled('1.2300', 2)).toBe(123n);
    expect(() => parseScaled('1.235', 2)).toThrow('"1.235": it has 3 decimals, this scale holds 2');
  });

  test.each(['', '.', '1.', '.5', '1e3', '0x10', ' 1', '1,5', 'NaN', '--1', '9'.repeat(65)])(
    'refuses %j',
    (text) => {
      expect(() => parseScaled(text, 2)).toThrow(/reading the number ".*": expected decimal digits/);
    },
  );

  test('refuses what passes 64 bits', () => {
    expect(parseScaled('9223372036.854775807', 9)).toBe((1n << 63n) - 1n);
    expect(() => parseScaled('9223372036.854775808', 9)).toThrow('does not fit a signed 64-bit integer');
    expect(parseScaled('-9223372036.854775808', 9)).toBe(-(1n << 63n));
  });
});

test('unsigned integers', () => {
  expect(formatUnsigned(-1, -1)).toBe('18446744073709551615');
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
      expect(formatUnsigned(bigHigh(value), bigLow(value))).toBe(String(value));
    }),
  );
});

describe('times', () => {
  test.each([
    [1_758_742_200_000_860_311n, '2025-09-24T19:30:00.000860311Z'],
    [0n, '1970-01-01T00:00:00.000000000Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [1_709_164_800_000_000_001n, '2024-02-29T00:00:00.000000001Z'],
  ])('%s ns is %s', (ns, text) => {
    expect(formatTimeIso(ns)).toBe(text);
    expect(parseTime(text)).toBe(ns);
  });

  test.each([
    ['2025-09-24T19:30:00Z', 1_758_742_200_000_000_000n],
    ['2025-09-24T19:30Z', 1_758_742_200_000_000_000n],
    ['2025-09-24 15:30:00.5-04:00', 1_758_742_200_500_000_000n],
    ['2025-09-25T01:00:00+0530', 1_758_742_200_000_000_000n],
    ['1758742200000860311', 1_758_742_200_000_860_311n],
  ])('reads %s', (text, ns) => {
    expect(parseTime(text)).toBe(ns);
  });

  test.each([
    '',
    'yesterday',
    '2025-09-24',
    '2025-09-24T19:30:00',
    '2025-02-29T00:00:00Z',
    '2025-13-01T00:00:00Z',
    '2025-01-01T24:00:00Z',
    '2025-01-01T00:00:60Z',
    '2025-01-01T00:00:00.0000000001Z',
    '-5',
    '1.5',
  ])('refuses %j', (text) => {
    expect(() => parseTime(text)).toThrow(/^reading the time ".*": expected/);
  });

  test('refuses times beyond 64 bits, and formats none beyond the calendar', () => {
    expect(() => parseTime('9999-01-01T00:00:00Z')).toThrow('does not fit');
    expect(() => parseTime('9223372036854775808')).toThrow('does not fit');
    expect(() => formatTimeIso(1n << 80n)).toThrow('beyond what a calendar date can say');
  });

  test('every time since 1970 that 64 bits hold survives its text', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), (ns) => {
        const text = formatTimeIso(ns);
        expect(parseTime(text)).toBe(ns);
        const seconds = ns / 1_000_000_000n;
        expect(Date.parse(`${text.slice(0, 19)}Z`)).toBe(Number(seconds) * 1000);
        expect(BigInt(text.slice(20, 29))).toBe(ns % 1_000_000_000n);
      }),
    );
  });
});
