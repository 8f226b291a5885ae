import { describe, expect, test } from 'vitest';
import { FastLikePacketEncoder, MESSAGE_BYTES_MAX } from '../../../../src/core/feeds/fast-like/encoder.ts';
import { fastLike } from '../../../../src/core/feeds/fast-like/index.ts';
import { HEADER_DAMAGED, HEADER_DATA } from '../../../../src/core/feeds/feed.ts';
import { DATA } from '../../../world/data.ts';
import { capturePayloads, captures } from '../itch/captures.ts';
import { concat, datagramOf } from '../itch/harness.ts';
import { hex } from '../itch/samples.ts';
import { append, Bench, encoded } from './harness.ts';
import { type SlowMessage, slowBytes, slowFrame, slowPacketBytes, slowVarint } from './slow.ts';

const NUMBER = hex('00 00 00 00 00 00 00 05');

/** The examples of the format: messages and their bytes. */
const EXAMPLES: readonly (readonly [name: string, message: SlowMessage, bytes: Uint8Array])[] = [
  [
    'add',
    { template: 1, id: 1001n, instrument: 7n, side: 0, price: 14_693n, quantity: 25n },
    hex('00 01 08 E9 07 07 00 CA E5 01 32'),
  ],
  ['modify', { template: 2, id: 1001n, quantity: 20n }, hex('00 02 03 E9 07 28')],
  [
    'trade',
    { template: 4, instrument: 7n, price: 14_693n, quantity: 5n, maker: 1001n, taker: 1 },
    hex('03 04 08 07 CA E5 01 0A E9 07 01'),
  ],
  ['delete', { template: 3, id: 1001n }, hex('00 03 02 E9 07')],
];
const ALL = EXAMPLES.map(([, message]) => message);

function decoded(payload: Uint8Array, bench: Bench = new Bench()): Bench {
  const datagram = datagramOf(payload);
  const decoder = bench.decoder();
  decoder.readHeader(datagram);
  decoder.decode(datagram, decoder.first, 0, decoder.count);
  return bench;
}

describe('the examples of the format', () => {
  test.each(EXAMPLES)('%s, read and written byte for byte', (_, message, bytes) => {
    const packet = concat([NUMBER, bytes]);
    expect(decoded(packet).messages).toEqual([message]);
    expect(encoded(5, [message])).toEqual(packet);
    expect(slowBytes(message)).toEqual([...bytes]);
  });

  test('in one packet: its number and time are those of all', () => {
    const packet = concat([NUMBER, ...EXAMPLES.map(([, , bytes]) => bytes)]);
    expect(encoded(5, ALL)).toEqual(packet);
    const bench = new Bench();
    const time = 1_700_000_000_123_456_789n;
    const datagram = datagramOf(packet, time);
    const decoder = bench.decoder();
    expect(decoder.readHeader(datagram)).toBe(HEADER_DATA);
    expect(decoder).toMatchObject({ session: 0, first: 5, count: 1, headerBytes: 8 });
    decoder.decode(datagram, 5, 0, 1);
    expect(bench.events).toEqual(
      ALL.map((message) => ({ sequence: 5, venueTime: time, receiveTime: time, message })),
    );
    expect([...bench.counts.byType]).toEqual([0, 1, 1, 1, 1]);
    expect([...bench.counts.totals]).toEqual([4, 0, 0]);
    expect([1, 2, 3, 4].map((type) => fastLike.typeName(type))).toEqual(['1', '2', '3', '4']);
  });
});

describe('the header', () => {
  const headerOf = (payload: Uint8Array): Record<string, number> => {
    const decoder = new Bench().decoder();
    const answer = decoder.readHeader(datagramOf(payload));
    const { first, count, damageOffset } = decoder;
    return { answer, first, count, damageOffset };
  };

  test('a packet of its number alone has no message and uses its number', () => {
    expect(headerOf(NUMBER)).toMatchObject({ answer: HEADER_DATA, first: 5, count: 1 });
    expect(decoded(NUMBER).events).toEqual([]);
  });

  test('number 0 is none', () => {
    const packet = slowPacketBytes(0n, ALL.map(slowBytes));
    expect(headerOf(packet)).toMatchObject({ answer: HEADER_DATA, first: 0, count: 1 });
    expect(decoded(packet).events.map(({ sequence }) => sequence)).toEqual([0, 0, 0, 0]);
  });

  test('numbers to 2^53 - 1', () => {
    const at = (number: bigint): Record<string, number> => headerOf(slowPacketBytes(number, []));
    expect(at(2n ** 53n - 1n)).toMatchObject({ answer: HEADER_DATA, first: 2 ** 53 - 1 });
    for (const number of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n])
      expect(at(number)).toEqual({ answer: HEADER_DAMAGED, first: 0, count: 0, damageOffset: 0 });
    const packet = slowPacketBytes(2n ** 53n - 1n, [slowBytes(ALL[3])]);
    expect(decoded(packet).events[0].sequence).toBe(2 ** 53 - 1);
  });

  test('shorter than the number', () => {
    for (let length = 0; length < 8; length += 1) {
      expect(headerOf(NUMBER.slice(0, length))).toEqual({
        answer: HEADER_DAMAGED,
        first: 0,
        count: 0,
        damageOffset: length,
      });
    }
  });

  test('cut anywhere: the whole messages in front of the cut, which are told and counted', () => {
    const packet = encoded(5, ALL);
    const ends = [8, 19, 25, 36, 41];
    expect(packet.length).toBe(41);
    for (let length = 8; length < packet.length; length += 1) {
      const cut = packet.slice(0, length);
      const count = ends.findLastIndex((end) => end <= length);
      const whole = ends[count] === length;
      expect(headerOf(cut)).toMatchObject(
        whole
          ? { answer: HEADER_DATA, first: 5, count: 1 }
          : { answer: HEADER_DAMAGED, first: 5, count, damageOffset: ends[count] },
      );
      const bench = new Bench();
      bench.decoder().tally(datagramOf(cut), count);
      expect(bench.counts.messages).toBe(count);
      expect(bench.events).toEqual([]);
      expect(bench.dictionary.books).toEqual([]);
      expect(decoded(cut).messages).toEqual(ALL.slice(0, count));
    }
  });

  test.each([
    ['a template id of eleven bytes', [0, ...slowVarint(3n, 11), 2, 0xe9, 7], 8],
    ['a template id of 65 bits', [0, ...slowVarint(2n ** 64n), 2, 0xe9, 7], 8],
    ['a length of 2^32', [0, 3, ...slowVarint(2n ** 32n), 1], 8],
    ['a length of 2^31', [0, 3, ...slowVarint(2n ** 31n), 1], 8],
    ['a length of 2^64 - 1', [0, 3, ...slowVarint(2n ** 64n - 1n), 1], 8],
    ['a length one byte past the end', [0, 3, 2, 1], 8],
    ['behind a whole message', [0, 3, 1, 1, 0x80], 12],
  ])('%s is damage', (_, message, damageOffset) => {
    const count = damageOffset === 8 ? 0 : 1;
    expect(headerOf(slowPacketBytes(5n, [message]))).toEqual({
      answer: HEADER_DAMAGED,
      first: 5,
      count,
      damageOffset,
    });
  });
});

describe('messages', () => {
  const messageOf = (bytes: readonly number[]): SlowMessage | string => {
    const bench = decoded(slowPacketBytes(1n, [bytes]));
    const [kind] = Object.keys(bench.problems);
    return kind ?? bench.messages[0];
  };

  test('of unknown templates are left out by their length, and counted', () => {
    const unknown = [0n, 5n, 127n, 128n, 2n ** 32n + 1n, 2n ** 53n - 1n, 2n ** 64n - 1n];
    const frames = unknown.map((template) => slowFrame([0], template, [1, 2, 3]));
    const bench = decoded(slowPacketBytes(1n, [slowBytes(ALL[0]), ...frames, slowBytes(ALL[3])]));
    expect(bench.messages).toEqual([ALL[0], ALL[3]]);
    expect([...bench.counts.totals]).toEqual([2, 7, 0]);
    expect(Object.keys(bench.problems)).toEqual([
      'template 0',
      'template 5',
      'template 127',
      'template 128',
      'template 4294967297',
      'template 9007199254740991',
      'template 0xffffffffffffffff',
    ]);
    expect(bench.counts.problems.get('template 5')).toMatchObject({ packetNumber: 1, offset: 25 });
  });

  test('with a body that ends in front of a field are malformed, at every length', () => {
    for (const message of ALL) {
      const whole = slowBytes(message);
      const body = whole.slice(3);
      for (let length = 0; length < body.length; length += 1) {
        const frame = slowFrame([whole[0]], BigInt(message.template), body.slice(0, length));
        // The next message must not lend its bytes.
        const bench = decoded(slowPacketBytes(1n, [frame, slowBytes(ALL[3])]));
        expect(bench.messages).toEqual([ALL[3]]);
        expect([...bench.counts.totals]).toEqual([1, 0, 1]);
        expect(Object.keys(bench.problems)[0]).toMatch(
          new RegExp(`^template ${message.template}: a field runs past`),
        );
      }
    }
  });

  test('with more in their body than their fields are read as far as those go', () => {
    for (const message of ALL) {
      const whole = slowBytes(message);
      const longer = slowFrame([whole[0]], BigInt(message.template), [...whole.slice(3), 0xff, 0xff]);
      expect(messageOf(longer)).toEqual(message);
    }
  });

  test('have a presence map of nine bytes at most', () => {
    const body = slowVarint(1001n);
    const continued = (bytes: number): number[] => Array.from({ length: bytes }, () => 0x80);
    expect(messageOf(slowFrame([...continued(3), 0], 3n, body))).toEqual(ALL[3]);
    expect(messageOf(slowFrame([...continued(8), 0], 3n, body))).toEqual(ALL[3]);
    // The ninth says that more follow: reading stops all the same.
    expect(messageOf(slowFrame(continued(9), 3n, body))).toEqual(ALL[3]);
    const trade = slowBytes(ALL[2]).slice(3);
    expect(messageOf(slowFrame([0x83, 0x80, 0x01], 4n, trade))).toEqual(ALL[2]);
  });

  test('only trades look at it', () => {
    for (const message of [ALL[0], ALL[1], ALL[3]]) {
      expect(messageOf([0x7f, ...slowBytes(message).slice(1)])).toEqual(message);
    }
  });

  test.each([
    ['the largest', 2n ** 64n - 1n, 10],
    ['with needless bytes', 1001n, 10],
    ['of nine bytes', 2n ** 63n - 1n, 9],
  ])('varints: %s', (_, id, bytes) => {
    expect(messageOf(slowFrame([0], 3n, slowVarint(id, bytes)))).toEqual({ template: 3, id });
  });

  test.each([
    ['eleven bytes', slowVarint(1n, 11)],
    ['ten bytes that go on', Array.from({ length: 10 }, () => 0x80)],
    ['65 bits', slowVarint(2n ** 64n)],
    ['a bit 69', [...Array.from({ length: 9 }, () => 0x80), 0x40]],
  ])('varints: %s are none', (_, bytes) => {
    expect(messageOf(slowFrame([0], 3n, [...bytes, 1, 1]))).toMatch(/^template 3: a field runs past/);
  });

  test('instruments are cut to 32 bits', () => {
    const trade = (instrument: bigint): number[] => slowFrame([0], 4n, [...slowVarint(instrument), 2, 2]);
    const bench = decoded(
      slowPacketBytes(
        1n,
        [7n, 2n ** 32n + 7n, 2n ** 64n - 1n, 2n ** 32n - 1n, 2n ** 63n + 2n ** 31n].map(trade),
      ),
    );
    expect(bench.messages.map((message) => (message as { instrument: bigint }).instrument)).toEqual([
      7n,
      7n,
      2n ** 32n - 1n,
      2n ** 32n - 1n,
      2n ** 31n,
    ]);
    expect(bench.dictionary.books).toHaveLength(3);
  });

  test('every side but 0 is the ask', () => {
    for (const side of [1, 2, 0x80, 0xff]) {
      expect(messageOf(slowBytes({ ...ALL[0], side } as SlowMessage))).toMatchObject({ side: 1 });
      expect(messageOf(slowBytes({ ...ALL[2], taker: side } as SlowMessage))).toMatchObject({ taker: 1 });
    }
  });

  test('a packet may have more of them than a batch', () => {
    const messages = Array.from({ length: 100 }, (_, index) => ALL[index % 4]);
    for (const capacity of [2, 3, 7, 64]) {
      const bench = decoded(encoded(7, messages), new Bench(capacity));
      expect(bench.messages).toEqual(messages);
      expect(new Set(bench.events.map(({ sequence }) => sequence))).toEqual(new Set([7]));
    }
    expect(() => new Bench(1).decoder()).toThrow('needs 2 records');
  });
});

describe('times', () => {
  test('venue time is receive time, however far packets are apart', () => {
    const times = [0n, 1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 33n + 5n, 7n, 2n ** 60n];
    const bench = new Bench();
    const decoder = bench.decoder();
    times.forEach((time, index) => {
      const datagram = datagramOf(encoded(index + 1, [ALL[3]]), time);
      decoder.readHeader(datagram);
      decoder.decode(datagram, decoder.first, 0, 1);
    });
    expect(bench.events.map(({ receiveTime }) => receiveTime)).toEqual(times);
    expect(bench.events.map(({ venueTime }) => venueTime)).toEqual(times);
  });
});

describe('the encoder', () => {
  const largest: SlowMessage = {
    template: 1,
    id: 2n ** 64n - 1n,
    instrument: 2n ** 32n - 1n,
    side: 1,
    price: -(2n ** 63n),
    quantity: -(2n ** 63n),
  };

  test('fills packets and numbers them', () => {
    const encoder = new FastLikePacketEncoder({ sequence: 2 ** 40, packetBytesMax: 100 });
    expect(encoder.empty).toBe(true);
    const packets: Uint8Array[] = [];
    for (let index = 0; index < 6; index += 1) {
      if (!append(encoder, largest)) {
        packets.push(encoder.finish().slice());
        expect(append(encoder, largest)).toBe(true);
      }
      expect(encoder.empty).toBe(false);
    }
    expect(encoder.sequence).toBe(2 ** 40 + 2);
    packets.push(encoder.finish().slice());
    expect(packets.map(({ length }) => length)).toEqual([86, 86, 86]);
    packets.forEach((packet, index) => {
      const { events } = decoded(packet);
      expect(events.map(({ message }) => message)).toEqual([largest, largest]);
      expect(events[0].sequence).toBe(2 ** 40 + index);
    });
    expect(encoder.finish()).toEqual(slowPacketBytes(2n ** 40n + 3n, []));
  });

  test('a message of the most bytes fits the smallest packet', () => {
    expect(slowBytes(largest)).toHaveLength(MESSAGE_BYTES_MAX);
    const packetBytesMax = 8 + MESSAGE_BYTES_MAX;
    const encoder = new FastLikePacketEncoder({ sequence: 1, packetBytesMax });
    expect(append(encoder, largest)).toBe(true);
    expect(append(encoder, ALL[3])).toBe(false);
    expect(encoder.finish()).toHaveLength(packetBytesMax);
    for (const bytes of [packetBytesMax - 1, 65_536])
      expect(() => new FastLikePacketEncoder({ sequence: 1, packetBytesMax: bytes })).toThrow(RangeError);
  });

  test('without numbers all are 0', () => {
    const encoder = new FastLikePacketEncoder({ sequence: 0, packetBytesMax: 100 });
    encoder.finish();
    expect(encoder.finish()).toEqual(new Uint8Array(8));
  });
});

describe('detection', () => {
  const isOne = (payload: Uint8Array): boolean => fastLike.detectDatagram!(datagramOf(payload)) === 'yes';

  test('every message makes a packet of the feed', () => {
    for (const message of ALL) expect(isOne(encoded(1, [message]))).toBe(true);
    expect(isOne(encoded(2 ** 53 - 1, ALL))).toBe(true);
    expect(isOne(encoded(0, ALL))).toBe(true);
  });

  test.each([
    ['its number alone', NUMBER],
    ['no bytes', new Uint8Array(0)],
    ['seven bytes', NUMBER.slice(1)],
    ['a number of 2^53', slowPacketBytes(2n ** 53n, ALL.map(slowBytes))],
    ['a byte too few', encoded(1, ALL).slice(0, -1)],
    ['a byte too many', concat([encoded(1, ALL), Uint8Array.of(0)])],
    ['an unknown template', slowPacketBytes(1n, [slowFrame([0], 5n, [1])])],
    ['a byte left in a body', slowPacketBytes(1n, [slowFrame([0], 3n, [1, 1])])],
    ['a body that is too short', slowPacketBytes(1n, [slowFrame([0], 2n, [1])])],
    ['zero bytes', new Uint8Array(200)],
  ])('%s makes none', (_, payload) => {
    expect(isOne(payload)).toBe(false);
  });

  test.skipIf(DATA === null)('no datagram of the real captures is one', () => {
    let seen = 0;
    for (const path of captures()) {
      for (const { payload } of capturePayloads(path)) {
        expect(isOne(payload)).toBe(false);
        seen += 1;
      }
    }
    expect(seen).toBe(161);
  });
});
