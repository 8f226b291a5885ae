import { describe, expect, test } from 'vitest';
import { describeMessage, encodeMessage, messageBytes } from '../../../../src/core/feeds/itch/fields.ts';
import { HEAD_BYTES, MESSAGE_BYTES_MAX, MESSAGES, typeName } from '../../../../src/core/feeds/itch/layout.ts';
import { SAMPLES, sampleBytes, sampleOf } from './samples.ts';

/** Lengths of the specification, apart from the table. */
const LENGTHS: Readonly<Record<string, number>> = {
  S: 12,
  R: 39,
  H: 25,
  Y: 20,
  L: 26,
  V: 35,
  W: 12,
  K: 28,
  J: 35,
  h: 21,
  A: 36,
  F: 40,
  E: 31,
  C: 36,
  X: 23,
  D: 19,
  U: 35,
  P: 44,
  Q: 40,
  B: 19,
  I: 50,
  N: 20,
  O: 48,
};

describe('the layout table', () => {
  test('has the 23 messages with the lengths of the specification', () => {
    const lengths = Object.fromEntries(MESSAGES.map((layout) => [typeName(layout.type), layout.length]));
    expect(lengths).toEqual(LENGTHS);
    expect(MESSAGE_BYTES_MAX).toBe(Math.max(...Object.values(LENGTHS)));
  });

  test.each(MESSAGES)('$name: the fields fill the length', (layout) => {
    let end = 1;
    for (const field of layout.fields) {
      expect(field.offset).toBe(end);
      end += field.bytes;
    }
    expect(end).toBe(layout.length);
    expect(layout.fields[2]).toMatchObject({ name: 'timestamp', offset: 5, bytes: 6 });
    expect(layout.fields[2].offset + layout.fields[2].bytes).toBe(HEAD_BYTES);
  });
});

describe('describeMessage', () => {
  test('there is a sample of every type', () => {
    expect(SAMPLES.length).toBe(23);
    expect(new Set(SAMPLES.map(({ type }) => type))).toEqual(new Set(Object.keys(LENGTHS)));
  });

  test.each(SAMPLES)('$type: bytes written by hand', (sample) => {
    const bytes = sampleBytes(sample);
    expect(bytes.length).toBe(LENGTHS[sample.type]);
    const described = describeMessage(bytes, 0, bytes.length);
    expect(described?.type).toBe(sample.type);
    expect(described?.fields).toEqual(sample.fields);
  });

  test('reads in the middle of a buffer and leaves out what a longer message has', () => {
    const message = sampleOf('D');
    const bytes = new Uint8Array(64).fill(0xaa);
    bytes.set(message, 9);
    expect(describeMessage(bytes, 9, message.length + 5)).toEqual(
      describeMessage(message, 0, message.length),
    );
  });

  test('answers null for what is no message', () => {
    const message = sampleOf('D');
    expect(describeMessage(message, 0, message.length - 1)).toBeNull();
    expect(describeMessage(message, 0, message.length + 1)).toBeNull();
    expect(describeMessage(message, 0, 0)).toBeNull();
    expect(describeMessage(new Uint8Array(60).fill(0x7a), 0, 60)).toBeNull();
  });

  test('a byte of text that is no ASCII is one character', () => {
    const message = sampleOf('Y');
    message[11] = 0xe9;
    expect(describeMessage(message, 0, message.length)?.fields['stock']).toBe('\xe9DX');
  });
});

describe('encodeMessage', () => {
  test.each(SAMPLES)('$type: writes what was written by hand', (sample) => {
    const target = new Uint8Array(64).fill(0xaa);
    const written = encodeMessage(sample.type, sample.fields, target, 3);
    expect(written).toBe(messageBytes(sample.type));
    expect(target.slice(3, 3 + written)).toEqual(sampleBytes(sample));
    expect(target.slice(3 + written)).toEqual(new Uint8Array(64 - 3 - written).fill(0xaa));
  });

  test('what is not given is 0 or blanks', () => {
    const target = new Uint8Array(20);
    encodeMessage('Y', {}, target, 0);
    expect(Buffer.from(target).toString('latin1')).toBe(`Y${'\0'.repeat(10)}${' '.repeat(9)}`);
  });

  test.each([
    ['?', {}, 'unknown type "?"'],
    ['AA', {}, 'unknown type "AA"'],
    ['D', { shares: 1 }, 'D: it has no field shares'],
    ['X', { canceledShares: 2 ** 32 }, 'canceledShares holds unsigned 32 bits, not 4294967296'],
    ['X', { canceledShares: -1 }, 'canceledShares holds unsigned 32 bits, not -1'],
    ['X', { canceledShares: 0.5 }, 'canceledShares holds unsigned 32 bits, not 0.5'],
    ['X', { canceledShares: '5' }, 'canceledShares holds unsigned 32 bits, not 5'],
    ['D', { timestamp: 2n ** 48n }, 'timestamp holds unsigned 48 bits, not 281474976710656'],
    ['Y', { stock: 'NINECHARS' }, 'stock holds 8 characters, not NINECHARS'],
    ['Y', { stock: '\u20ac' }, 'stock holds 8 characters, not \u20ac'],
  ])('refuses %s %o', (type, fields, message) => {
    expect(() => encodeMessage(type, fields, new Uint8Array(64), 0)).toThrow(message);
  });
});
