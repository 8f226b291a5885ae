import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fastLike } from '../../../../src/core/feeds/fast-like/index.ts';
import { HEADER_DAMAGED, HEADER_DATA } from '../../../../src/core/feeds/feed.ts';
import { Bench, datagramOf, encoded } from './harness.ts';
import { type SlowMessage, slowBytes, slowFrame, slowPacket, slowPacketBytes, slowVarint } from './slow.ts';

/** Integers of every length in bits, with the ends of each. */
const unsigned = (bits: number): fc.Arbitrary<bigint> =>
  fc
    .tuple(fc.integer({ min: 0, max: bits }), fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n }), fc.nat(3))
    .map(([length, value, choice]) => {
      const bound = 2n ** BigInt(length);
      return choice === 0 ? bound - 1n : choice === 1 ? (bound / 2n) % bound : value % bound;
    });
const signed: fc.Arbitrary<bigint> = unsigned(64).map((value) => BigInt.asIntN(64, value));
const side = fc.integer({ min: 0, max: 1 });

const anyMessage: fc.Arbitrary<SlowMessage> = fc.oneof(
  fc.record({
    template: fc.constant(1 as const),
    id: unsigned(64),
    instrument: unsigned(32),
    side,
    price: signed,
    quantity: signed,
  }),
  fc.record({ template: fc.constant(2 as const), id: unsigned(64), quantity: signed }),
  fc.record({ template: fc.constant(3 as const), id: unsigned(64) }),
  fc.record({
    template: fc.constant(4 as const),
    instrument: unsigned(32),
    price: signed,
    quantity: signed,
    // An order id of 0 is the same as none in an event.
    maker: fc.option(unsigned(64).map((id) => (id === 0n ? 1n : id))),
    taker: fc.option(side),
  }),
);

const number = unsigned(53);

/** Packets that are almost right: foreign templates, needless bytes, cut and changed. */
const nearlyPacket: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: number }, unsigned(64)),
    fc.array(
      fc.oneof(
        anyMessage.map(slowBytes),
        fc
          .tuple(fc.nat(6), fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(255), { maxLength: 11 }))
          .map(([template, body, presence]) => slowFrame([...presence, 0], BigInt(template), [...body])),
        fc
          .tuple(unsigned(64), fc.integer({ min: 1, max: 11 }))
          .map(([id, bytes]) => slowFrame([0], 3n, slowVarint(id, bytes))),
      ),
      { maxLength: 6 },
    ),
    fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 3 }),
    fc.option(fc.nat(200)),
  )
  .map(([first, messages, changes, length]) => {
    const bytes = slowPacketBytes(first, messages);
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return length === null ? bytes : bytes.slice(0, length);
  });

describe('messages', () => {
  test('are written as the format says, and read as they were', () => {
    fc.assert(
      fc.property(number, fc.array(anyMessage, { maxLength: 20 }), (first, messages) => {
        const packet = encoded(Number(first), messages);
        expect([...packet]).toEqual([...slowPacketBytes(first, messages.map(slowBytes))]);
        const bench = new Bench();
        const decoder = bench.decoder();
        const datagram = datagramOf(packet, new Uint8Array(0));
        expect(decoder.readHeader(datagram)).toBe(HEADER_DATA);
        decoder.decode(datagram, decoder.first, 0, decoder.count);
        expect(bench.messages).toEqual(messages);
        expect(fastLike.detectDatagram!(datagram)).toBe(messages.length > 0 ? 'yes' : 'no');
      }),
    );
  });
});

describe('whatever the bytes', () => {
  test('a packet is read as another decoder reads it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
          { weight: 9, arbitrary: nearlyPacket },
        ),
        // What stands behind a packet must not be read as part of it, nor missed where there is nothing.
        fc.uint8Array({ maxLength: 12 }),
        (payload, behind) => {
          const expected = slowPacket(payload);
          const bench = new Bench(8);
          const decoder = bench.decoder();
          const datagram = datagramOf(payload, behind);
          const answer = decoder.readHeader(datagram);
          expect(answer).toBe(expected.damage === null ? HEADER_DATA : HEADER_DAMAGED);
          expect(decoder.first).toBe(Number(expected.number ?? 0n));
          if (expected.damage !== null) {
            expect(decoder.damageOffset).toBe(expected.damage);
            expect(decoder.count).toBe(expected.messages.length);
          }
          if (expected.number !== null) decoder.decode(datagram, decoder.first, 0, 1);
          const whole = expected.messages.filter((message) => typeof message !== 'string');
          expect(bench.messages).toEqual(whole.map(asSeen));
          const count = (what: string): number => expected.messages.filter((each) => each === what).length;
          const totals = [whole.length, count('unknown'), count('malformed')];
          expect([...bench.counts.totals]).toEqual(totals);

          const tallied = new Bench();
          if (expected.number !== null) tallied.decoder().tally(datagram, expected.messages.length);
          expect([...tallied.counts.totals]).toEqual(totals);
          expect(tallied.counts.byType).toEqual(bench.counts.byType);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

/** What an event can tell of a message: a side is one of two, and an order id of 0 none. */
function asSeen(message: SlowMessage): SlowMessage {
  if (message.template === 1) return { ...message, side: message.side === 0 ? 0 : 1 };
  if (message.template !== 4) return message;
  const { maker, taker } = message;
  return {
    ...message,
    maker: maker === 0n ? null : maker,
    taker: taker === null || taker === 0 ? taker : 1,
  };
}
