import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteWindow } from '../../../../src/core/binary/byte-window.ts';
import { HEADER_DAMAGED, HEADER_DATA, STREAM_MORE } from '../../../../src/core/feeds/feed.ts';
import { describeMessage, encodeMessage, type FieldValue } from '../../../../src/core/feeds/itch/fields.ts';
import { itch } from '../../../../src/core/feeds/itch/index.ts';
import { type Field, MESSAGES, typeName } from '../../../../src/core/feeds/itch/layout.ts';
import { Bench, blocksOf, datagramOf, moldPacket } from './harness.ts';
import { SAMPLES, sampleBytes } from './samples.ts';

function anyValue({ type, bytes }: Field): fc.Arbitrary<FieldValue> {
  switch (type) {
    case 'char':
      return fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    case 'text':
      return fc.string({ maxLength: bytes }).map((text) => text.replace(/[^!-~]/g, 'x'));
    case 'u16':
      return fc.integer({ min: 0, max: 0xffff });
    case 'u32':
    case 'price4':
      return fc.integer({ min: 0, max: 0xffffffff });
    default:
      return fc.bigInt({ min: 0n, max: (1n << BigInt(bytes * 8)) - 1n });
  }
}

const anyMessage = fc.constantFrom(...MESSAGES).chain((layout) =>
  fc.tuple(...layout.fields.map(anyValue)).map((values) => ({
    type: typeName(layout.type),
    fields: Object.fromEntries(layout.fields.map((field, index) => [field.name, values[index]!])),
  })),
);

/** Bytes with a grain of sense: samples, cut, lengthened, with bytes overwritten. */
const nearlyMessage = fc
  .tuple(
    fc.constantFrom(...SAMPLES.map(sampleBytes)),
    fc.nat(60),
    fc.array(fc.tuple(fc.nat(49), fc.nat(255)), { maxLength: 3 }),
  )
  .map(([sample, length, changes]) => {
    const bytes = new Uint8Array(length);
    bytes.set(sample.subarray(0, length));
    for (const [at, value] of changes) if (at < length) bytes[at] = value;
    return bytes;
  });

const nearlyPacket = fc
  .tuple(
    fc.array(nearlyMessage, { maxLength: 8 }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.option(fc.nat(0xffff)),
  )
  .map(([messages, sequence, count]) => moldPacket(messages, { sequence, count: count ?? messages.length }));

const noise = fc.oneof(fc.uint8Array({ maxLength: 200 }), nearlyPacket);

describe('fields', () => {
  test('what is written is read, and written again the same', () => {
    fc.assert(
      fc.property(anyMessage, ({ type, fields }) => {
        const bytes = new Uint8Array(64);
        const length = encodeMessage(type, fields, bytes, 0);
        const described = describeMessage(bytes, 0, length)!;
        expect(described).toMatchObject({ type, fields });
        const again = new Uint8Array(64);
        encodeMessage(type, described.fields, again, 0);
        expect(again).toEqual(bytes);
      }),
    );
  });
});

describe('whatever the bytes', () => {
  test('a datagram is read or damaged, and its messages add up', () => {
    fc.assert(
      fc.property(noise, (payload) => {
        const bench = new Bench(8);
        const decoder = bench.packetDecoder();
        const datagram = datagramOf(payload);
        const answer = decoder.readHeader(datagram);
        if (answer === HEADER_DATA || answer === HEADER_DAMAGED) {
          decoder.decode(datagram, decoder.first, 0, decoder.count);
        }
        const { messages, unknown, malformed } = bench.counts;
        expect(bench.events.length).toBe(messages);
        expect(messages + unknown + malformed).toBeLessThanOrEqual(decoder.count);
        const tallied = new Bench();
        tallied.packetDecoder().tally(datagram, decoder.count);
        expect([...tallied.counts.totals]).toEqual([...bench.counts.totals]);
        itch.detectDatagram!(datagram);
      }),
      { numRuns: 2000 },
    );
  });

  test('a stream stops with an answer, the same for every cut', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(nearlyMessage, { maxLength: 8 }).map(blocksOf),
      fc
        .array(nearlyMessage, { maxLength: 8 })
        .map((messages) =>
          blocksOf(
            messages.map((message) => Uint8Array.of('SSSSUAH+Z'.charCodeAt(message.length % 9), ...message)),
          ),
        ),
    );
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom('soupbintcp', 'length-prefixed'),
        fc.integer({ min: 1, max: 40 }),
        (stream, framing, chunk) => {
          itch.detectStream!(stream);
          const answers = [chunk, stream.length + 1].map((size) => {
            const bench = new Bench(8);
            const { dictionary, writer, counts } = bench;
            const decoder = itch.streamDecoder!(
              { channel: 0, dictionary, writer, counts, midnight: 1n << 60n },
              framing,
            );
            const window = new ByteWindow(70_000);
            let answer = STREAM_MORE;
            for (let fed = 0; answer === STREAM_MORE && !window.ended; fed += size) {
              const part = stream.subarray(fed, fed + size);
              window.room().set(part);
              window.commit(part.length);
              window.ended = fed + size >= stream.length;
              answer = decoder.decode(window);
            }
            return {
              answer,
              offset: window.offset,
              problem: decoder.problem,
              events: bench.events,
              problems: bench.problems,
            };
          });
          expect(answers[0]).toEqual(answers[1]);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
