import { describe, expect, test } from 'vitest';
import {
  HEADER_DAMAGED,
  HEADER_DATA,
  HEADER_END_OF_SESSION,
  HEADER_HEARTBEAT,
} from '../../../../src/core/feeds/feed.ts';
import { Bench, blocksOf, concat, datagramOf, moldPacket } from './harness.ts';
import { sampleOf } from './samples.ts';

const DELETE = sampleOf('D');
const THREE = [sampleOf('A'), sampleOf('E'), DELETE];

/** What readHeader says of one payload. */
function headerOf(payload: Uint8Array): Record<string, number | string | null> {
  const decoder = new Bench().packetDecoder();
  const answer = decoder.readHeader(datagramOf(payload));
  const { first, count, session, damageOffset } = decoder;
  return { answer, first, count, session: decoder.sessionText(session), damageOffset };
}

describe('the header', () => {
  test('of data', () => {
    expect(headerOf(moldPacket(THREE, { sequence: 2n ** 40n + 5n }))).toEqual({
      answer: HEADER_DATA,
      first: 2 ** 40 + 5,
      count: 3,
      session: '000010059D',
      damageOffset: 0,
    });
  });

  test('of a heartbeat and an end of session: the next number', () => {
    expect(headerOf(moldPacket([], { sequence: 9n }))).toMatchObject({
      answer: HEADER_HEARTBEAT,
      first: 9,
      count: 0,
    });
    expect(headerOf(moldPacket([], { sequence: 9n, count: 0xffff }))).toMatchObject({
      answer: HEADER_END_OF_SESSION,
      first: 9,
      count: 0,
    });
  });

  test('bytes behind the last block are not looked at', () => {
    const packet = concat([moldPacket(THREE), new Uint8Array(7).fill(0xff)]);
    expect(headerOf(packet)).toMatchObject({ answer: HEADER_DATA, count: 3 });
    const heartbeat = concat([moldPacket([], { count: 0 }), new Uint8Array(7).fill(0xff)]);
    expect(headerOf(heartbeat)).toMatchObject({ answer: HEADER_HEARTBEAT });
  });

  test('number 0 is no number', () => {
    const bench = new Bench();
    const decoder = bench.packetDecoder();
    const datagram = datagramOf(moldPacket(THREE, { sequence: 0n }));
    expect(decoder.readHeader(datagram)).toBe(HEADER_DATA);
    expect(decoder.first).toBe(0);
    decoder.decode(datagram, 0, 0, 3);
    decoder.decode(datagram, 0, 1, 2);
    expect(bench.events.map(({ sequence }) => sequence)).toEqual([0, 0, 0, 0, 0]);
  });

  test('blocks of length 0 count as messages', () => {
    const bench = new Bench();
    const decoder = bench.packetDecoder();
    const datagram = datagramOf(moldPacket([new Uint8Array(0), DELETE, new Uint8Array(0)]));
    expect(decoder.readHeader(datagram)).toBe(HEADER_DATA);
    expect(decoder.count).toBe(3);
    decoder.decode(datagram, 1, 0, 3);
    expect(bench.events.map(({ sequence }) => sequence)).toEqual([2]);
  });
});

describe('damage', () => {
  test('an empty datagram, and one shorter than its header', () => {
    expect(headerOf(new Uint8Array(0))).toMatchObject({
      answer: HEADER_DAMAGED,
      first: 0,
      count: 0,
      damageOffset: 0,
    });
    expect(headerOf(moldPacket(THREE).slice(0, 19))).toMatchObject({
      answer: HEADER_DAMAGED,
      first: 0,
      count: 0,
      damageOffset: 19,
    });
  });

  test('cut anywhere: the whole messages in front of the cut', () => {
    const packet = moldPacket(THREE, { sequence: 50n });
    const ends = [20, 58, 91, 112];
    expect(packet.length).toBe(112);
    for (let length = 20; length < packet.length; length += 1) {
      const count = ends.findLastIndex((end) => end <= length);
      expect(headerOf(packet.slice(0, length))).toMatchObject({
        answer: HEADER_DAMAGED,
        first: 50,
        count,
        damageOffset: ends[count],
      });
    }
  });

  test('numbers beyond 2^53 - 1', () => {
    const at = (sequence: bigint, count?: number): Record<string, unknown> =>
      headerOf(moldPacket(count === undefined ? THREE : [], { sequence, count: count ?? 3 }));
    expect(at(2n ** 53n - 4n)).toMatchObject({ answer: HEADER_DATA, first: 2 ** 53 - 4, count: 3 });
    const damaged = { answer: HEADER_DAMAGED, first: 0, count: 0, damageOffset: 10 };
    expect(at(2n ** 53n - 3n)).toMatchObject(damaged);
    expect(at(2n ** 64n - 1n)).toMatchObject(damaged);
    expect(at(2n ** 53n - 1n, 0)).toMatchObject({ answer: HEADER_HEARTBEAT, first: 2 ** 53 - 1 });
    expect(at(2n ** 53n, 0)).toMatchObject(damaged);
    expect(at(2n ** 53n, 0xffff)).toMatchObject(damaged);
  });

  test('the whole messages of a damaged datagram decode', () => {
    const bench = new Bench();
    const decoder = bench.packetDecoder();
    const datagram = datagramOf(moldPacket(THREE, { sequence: 0n, count: 4 }));
    expect(decoder.readHeader(datagram)).toBe(HEADER_DAMAGED);
    decoder.decode(datagram, decoder.first, 0, decoder.count);
    expect(bench.events.map(({ kind }) => kind)).toEqual(['add', 'execute', 'delete']);
    expect(bench.problems).toEqual({});
  });
});

describe('sessions', () => {
  test('are numbered in order of first sight and told apart as bytes', () => {
    const decoder = new Bench().packetDecoder();
    const see = (session: string): number => {
      decoder.readHeader(datagramOf(moldPacket([DELETE], { session })));
      return decoder.session;
    };
    const ids = [
      '0000000001',
      '1         ',
      '         1',
      '0000000001',
      ' '.repeat(10),
      '\0'.repeat(10),
      '1\0        ',
    ];
    expect(ids.map(see)).toEqual([1, 2, 3, 1, 0, 0, 4]);
    expect(see('\0 \0 \0 \0 \0 ')).toBe(0);
    expect([0, 1, 2, 3, 4, 5].map((session) => decoder.sessionText(session))).toEqual([
      null,
      '0000000001',
      '1',
      '1',
      '1',
      null,
    ]);
  });

  test('what would write to a terminal is escaped', () => {
    const decoder = new Bench().packetDecoder();
    decoder.readHeader(datagramOf(moldPacket([], { session: 'A\x1b[2J B\xff  ' })));
    expect(decoder.sessionText(1)).toBe('A\\x1b[2J B\\xff');
  });

  test('the 1,025th is damage; those known still are read', () => {
    const decoder = new Bench().packetDecoder();
    const see = (number: number): number =>
      decoder.readHeader(datagramOf(moldPacket([DELETE], { session: String(number).padStart(10) })));
    for (let number = 1; number <= 1024; number += 1) expect(see(number)).toBe(HEADER_DATA);
    expect(see(1025)).toBe(HEADER_DAMAGED);
    expect(decoder).toMatchObject({ first: 0, count: 0, session: 0, damageOffset: 0 });
    expect(see(7)).toBe(HEADER_DATA);
    expect(decoder.session).toBe(7);
  });

  test('a damaged datagram begins none', () => {
    const decoder = new Bench().packetDecoder();
    decoder.readHeader(datagramOf(moldPacket([DELETE], { session: 'DAMAGED', count: 2 })));
    decoder.readHeader(datagramOf(moldPacket([DELETE], { session: 'WHOLE' })));
    expect(decoder.sessionText(decoder.session)).toBe('WHOLE');
    expect(decoder.session).toBe(1);
  });
});

describe('decoding a part of a datagram', () => {
  test('skip and take, with the numbers of the whole', () => {
    const messages = [...THREE, new Uint8Array(0), sampleOf('X')];
    const datagram = datagramOf(moldPacket(messages, { sequence: 10n }));
    for (let skip = 0; skip <= messages.length; skip += 1) {
      for (let take = 0; skip + take <= messages.length; take += 1) {
        const bench = new Bench();
        bench.packetDecoder().decode(datagram, 10, skip, take);
        const expected = messages
          .map((message, index) => ({ sequence: 10 + index, length: message.length }))
          .slice(skip, skip + take)
          .filter(({ length }) => length > 0);
        expect(bench.events.map(({ sequence }) => sequence)).toEqual(
          expected.map(({ sequence }) => sequence),
        );
      }
    }
  });

  test('numbers beyond 32 bits, and a batch that spans 65,536 of them', () => {
    const bench = new Bench(1024);
    const decoder = bench.packetDecoder();
    const numbers = [2 ** 52, 2 ** 52 + 65_535, 2 ** 52 + 65_536, 2 ** 52 + 5];
    for (const first of numbers) decoder.decode(datagramOf(moldPacket([DELETE])), first, 0, 1);
    expect(bench.events.map(({ sequence }) => sequence)).toEqual(numbers);
    expect(bench.recorder.batchSizes).toEqual([2, 1, 1]);
  });

  test('a datagram with the most messages there can be', () => {
    const bench = new Bench(64);
    const payload = concat([
      moldPacket([], { sequence: 1n, count: 0xfffe }),
      blocksOf([DELETE]),
      new Uint8Array(0xfffd * 2),
    ]);
    const datagram = datagramOf(payload);
    const decoder = bench.packetDecoder();
    expect(decoder.readHeader(datagram)).toBe(HEADER_DATA);
    decoder.decode(datagram, 1, 0, decoder.count);
    expect(bench.counts.messages).toBe(1);
  });
});
