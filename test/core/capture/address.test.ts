import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress, isMulticast, parseAddress } from '../../../src/core/capture/address.ts';

const words = fc.array(fc.oneof(fc.constant(0), fc.integer()), { minLength: 4, maxLength: 4 });

describe('IPv4', () => {
  test.each([
    ['0.0.0.0', 0],
    ['239.192.1.1', 0xefc00101 | 0],
    ['255.255.255.255', -1],
  ])('%s', (text, word) => {
    expect(parseAddress(text)).toEqual({ words: Int32Array.of(0, 0, 0, word), ipVersion: 4 });
    expect(formatAddress(Int32Array.of(0, 0, 0, word), 4)).toBe(text);
  });

  test.each([
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '1.2.3.-4',
    '1..3.4',
    'localhost',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeNull();
  });
});

describe('IPv6', () => {
  test.each([
    ['::', [0, 0, 0, 0]],
    ['::1', [0, 0, 0, 1]],
    ['1::', [0x10000, 0, 0, 0]],
    ['ff02::1:3', [0xff020000, 0, 0, 0x00010003]],
    ['2001:db8::1', [0x20010db8, 0, 0, 1]],
    ['2001:db8:0:1:1:1:1:1', [0x20010db8, 1, 0x00010001, 0x00010001]],
    ['2001:0:0:1::1', [0x20010000, 1, 0, 1]],
    ['::ffff:10.0.0.1', [0, 0, 0xffff, 0x0a000001]],
    ['1:2:3:4:5:6:7:8', [0x00010002, 0x00030004, 0x00050006, 0x00070008]],
  ])('%s', (text, expected) => {
    expect(parseAddress(text)).toEqual({ words: Int32Array.from(expected), ipVersion: 6 });
    expect(formatAddress(Int32Array.from(expected), 6)).toBe(text);
  });

  test.each([
    ':',
    ':::',
    '1:2',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8:9',
    '12345::',
    'g::',
    'fe80::1%eth0',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeNull();
  });
});

test('what is written reads back, and the system agrees that it is an address', () => {
  fc.assert(
    fc.property(words, (values) => {
      const address = Int32Array.from(values);
      const text = formatAddress(address, 6);
      expect(isIPv6(text)).toBe(true);
      expect(parseAddress(text)).toEqual({ words: address, ipVersion: 6 });
    }),
  );
});

test('what the system takes for an address is read, and nothing else', () => {
  const part = fc.stringMatching(/^[0-9a-f:.]{0,24}$/);
  fc.assert(
    fc.property(part, (text) => {
      expect(parseAddress(text)?.ipVersion ?? 0).toBe(isIPv4(text) ? 4 : isIPv6(text) ? 6 : 0);
    }),
    { numRuns: 2000 },
  );
});

test('groups', () => {
  const isGroup = (text: string): boolean => {
    const { words: address, ipVersion } = parseAddress(text)!;
    return isMulticast(address, ipVersion);
  };
  expect(['224.0.0.1', '239.255.255.255', 'ff02::1'].map(isGroup)).toEqual([true, true, true]);
  expect(['223.255.255.255', '240.0.0.0', 'fe80::1'].map(isGroup)).toEqual([false, false, false]);
});
