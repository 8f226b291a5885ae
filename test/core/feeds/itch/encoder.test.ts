import { describe, expect, test } from 'vitest';
import { describeMessage } from '../../../../src/core/feeds/itch/fields.ts';
import { MESSAGE_BYTES_MAX } from '../../../../src/core/feeds/itch/layout.ts';
import { OutgoingMessage, writeMessage } from '../../../../src/core/feeds/itch/message-writer.ts';
import { MoldPacketEncoder } from '../../../../src/core/feeds/itch/mold-encoder.ts';
import { moldPacket } from './harness.ts';
import { SAMPLES, sampleBytes, sampleOf } from './samples.ts';

/** The types that writeMessage writes, each filled as its sample is. */
const FILLED: Readonly<Record<string, (message: OutgoingMessage) => void>> = {
  S: (m) => (m.code = 0x4f),
  H: (m) => Object.assign(m, { code: 0x48, text: 0x4c554450 }),
  A: (m) => Object.assign(m, { shares: 100, price: 1_234_500 }),
  F: (m) => Object.assign(m, { side: 0x53, shares: -1, price: 2_000_000_000, text: 0x4d4d4b52 }),
  E: (m) => (m.shares = 50),
  C: (m) => Object.assign(m, { shares: 50, code: 0x4e, price: 1_234_501 }),
  X: (m) => (m.shares = 10),
  D: () => undefined,
  U: (m) => Object.assign(m, { newOrderHigh: -0x80000000, newOrderLow: 1, shares: 200, price: 1_234_502 }),
  P: (m) => Object.assign(m, { shares: 12, price: 1_234_500 }),
  Q: (m) => Object.assign(m, { sharesHigh: 1, shares: 2, price: 1_234_500, code: 0x43 }),
  B: () => undefined,
};

function filled(type: string): OutgoingMessage {
  const message = new OutgoingMessage();
  message.type = type.charCodeAt(0);
  message.locate = 5;
  message.tracking = 2;
  message.setTime(34_200_000_000_000);
  message.orderHigh = 0x01020304;
  message.orderLow = 0x05060708;
  message.matchHigh = 0xfedcba98 | 0;
  message.matchLow = 0x76543210;
  message.setStock('MDX');
  FILLED[type]!(message);
  return message;
}

describe('writeMessage', () => {
  test.each(Object.keys(FILLED))('%s: what was written by hand', (type) => {
    const bytes = new Uint8Array(MESSAGE_BYTES_MAX + 3);
    const length = writeMessage(new DataView(bytes.buffer), 3, filled(type));
    expect(bytes.slice(3, 3 + length)).toEqual(sampleOf(type));
  });

  test('refuses the types it does not write', () => {
    const message = new OutgoingMessage();
    message.type = 'R'.charCodeAt(0);
    expect(() => writeMessage(new DataView(new ArrayBuffer(64)), 0, message)).toThrow(
      'only encodeMessage writes',
    );
  });

  test('a symbol of eight characters', () => {
    const message = filled('A');
    message.setStock('ABCDEFGH');
    const bytes = new Uint8Array(MESSAGE_BYTES_MAX);
    writeMessage(new DataView(bytes.buffer), 0, message);
    expect(describeMessage(bytes, 0, 36)?.fields['stock']).toBe('ABCDEFGH');
  });
});

describe('MoldPacketEncoder', () => {
  const options = { session: '5', sequence: 7, packetBytesMax: 100 };

  test('writes packets as they are written by hand', () => {
    const encoder = new MoldPacketEncoder({ ...options, packetBytesMax: 1400 });
    expect(encoder.appendFields('R', SAMPLES.find(({ type }) => type === 'R')!.fields)).toBe(true);
    expect(encoder.append(filled('D'))).toBe(true);
    expect(encoder.appendBytes(Uint8Array.of(0x7a, 1))).toBe(true);
    expect(encoder.appendBytes(new Uint8Array(0))).toBe(true);
    expect(encoder).toMatchObject({ count: 4, nextSequence: 11 });
    const expected = moldPacket([sampleOf('R'), sampleOf('D'), Uint8Array.of(0x7a, 1), new Uint8Array(0)], {
      session: '         5',
      sequence: 7n,
    });
    expect(encoder.bytesUsed).toBe(expected.length);
    expect(encoder.finish().slice()).toEqual(expected);
    expect(encoder.append(filled('X'))).toBe(true);
    expect(encoder.finish().slice()).toEqual(
      moldPacket([sampleOf('X')], { session: '         5', sequence: 11n }),
    );
  });

  test('packets end where the next message does not fit', () => {
    const encoder = new MoldPacketEncoder(options);
    // 20 + 38 + 33 = 91 bytes; 9 are left.
    expect([encoder.append(filled('A')), encoder.append(filled('E')), encoder.append(filled('D'))]).toEqual([
      true,
      true,
      false,
    ]);
    expect(encoder.appendFields('D', {})).toBe(false);
    expect(encoder.appendBytes(new Uint8Array(8))).toBe(false);
    expect(encoder.appendBytes(new Uint8Array(7))).toBe(true);
    expect(encoder.finish().length).toBe(100);
  });

  test('heartbeat and end of session name the next number', () => {
    const encoder = new MoldPacketEncoder({ ...options, sequence: 2 ** 40 });
    encoder.append(filled('D'));
    expect(() => encoder.heartbeat()).toThrow('1 messages wait');
    encoder.finish();
    const header = { session: '         5', sequence: 2n ** 40n + 1n };
    expect(encoder.heartbeat().slice()).toEqual(moldPacket([], { ...header, count: 0 }));
    expect(encoder.finish().slice()).toEqual(moldPacket([], { ...header, count: 0 }));
    expect(encoder.endOfSession().slice()).toEqual(moldPacket([], { ...header, count: 0xffff }));
  });

  test('packets without numbers', () => {
    const encoder = new MoldPacketEncoder({ ...options, session: '', sequence: 0 });
    encoder.append(filled('D'));
    encoder.finish();
    encoder.append(filled('D'));
    expect(encoder.finish().slice()).toEqual(
      moldPacket([sampleOf('D')], { session: ' '.repeat(10), sequence: 0n }),
    );
  });

  test('refuses what no packet can hold', () => {
    expect(() => new MoldPacketEncoder({ ...options, session: '12345678901' })).toThrow('at most 10');
    expect(() => new MoldPacketEncoder({ ...options, session: '\u20ac' })).toThrow('ASCII');
    expect(() => new MoldPacketEncoder({ ...options, packetBytesMax: 71 })).toThrow(
      '72 to 65535 bytes, not 71',
    );
    const encoder = new MoldPacketEncoder(options);
    expect(() => encoder.appendBytes(new Uint8Array(79))).toThrow('does not fit');
    expect(() => encoder.append(new OutgoingMessage())).toThrow('does not fit');
    expect(() => encoder.appendFields('?', {})).toThrow('unknown type');
    expect(encoder.count).toBe(0);
  });

  test('every sample goes through it unchanged', () => {
    const encoder = new MoldPacketEncoder({ ...options, packetBytesMax: 1400 });
    for (const { type, fields } of SAMPLES) expect(encoder.appendFields(type, fields)).toBe(true);
    expect(encoder.finish().slice(20)).toEqual(moldPacket(SAMPLES.map(sampleBytes)).slice(20));
  });
});
