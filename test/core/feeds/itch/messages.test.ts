import { describe, expect, test } from 'vitest';
import { NO_BOOK } from '../../../../src/core/event/record.ts';
import { Bench, datagramOf, moldPacket, type SeenEvent } from './harness.ts';
import { SAMPLE_LOCATE, SAMPLE_TIME, SAMPLES, sampleBytes, sampleOf } from './samples.ts';

const MIDNIGHT = 1_692_676_800_000_000_000n;
const RECEIVED = MIDNIGHT + SAMPLE_TIME + 21_000n;

/** Decodes packets and returns what became of them. */
function decode(
  bench: Bench,
  packets: readonly Uint8Array[],
  midnight: bigint | null = MIDNIGHT,
): SeenEvent[] {
  const decoder = bench.packetDecoder(midnight);
  packets.forEach((packet, index) => {
    const datagram = datagramOf(packet, RECEIVED, index + 1);
    decoder.readHeader(datagram);
    decoder.decode(datagram, decoder.first, 0, decoder.count);
  });
  return bench.events;
}

function at(message: Uint8Array, ns: bigint): Uint8Array {
  const copy = Buffer.from(message);
  copy.writeUIntBE(Number(ns), 5, 6);
  return Uint8Array.from(copy);
}

function locatedAt(message: Uint8Array, locate: number): Uint8Array {
  const copy = message.slice();
  copy[1] = locate >> 8;
  copy[2] = locate & 0xff;
  return copy;
}

describe('every message is the event that the README says', () => {
  test.each(SAMPLES)('$type', (sample) => {
    const { event } = sample;
    const bench = new Bench();
    const [seen, ...more] = decode(bench, [moldPacket([sampleBytes(sample)], { sequence: 77n })]);
    expect(more).toEqual([]);
    expect(seen).toEqual({
      kind: event.kind,
      last: true,
      ask: event.ask ?? false,
      sequence: 77,
      book: 0,
      id: event.id ?? 0n,
      price: event.price ?? 0n,
      quantity: event.quantity ?? 0n,
      venueTime: MIDNIGHT + SAMPLE_TIME,
      receiveTime: RECEIVED,
      extension:
        event.extension === undefined
          ? null
          : {
              aggressor: 0,
              condition: event.extension.condition ?? 0,
              related: event.extension.related ?? 0n,
              price: event.extension.price ?? 0n,
              match: event.extension.match ?? 0n,
            },
    });
    expect(bench.byType).toEqual({ [sample.type]: 1 });
    expect(bench.counts.messages).toBe(1);
    expect(bench.problems).toEqual({});
  });

  test('a printable C has no condition', () => {
    const message = sampleOf('C');
    message[31] = 'Y'.charCodeAt(0);
    expect(decode(new Bench(), [moldPacket([message])])[0]?.extension?.condition).toBe(0);
  });

  test('all of them in one packet, in batches of any size', () => {
    const packet = moldPacket(SAMPLES.map(sampleBytes), { sequence: 1000n });
    const whole = decode(new Bench(), [packet]);
    expect(whole.map(({ sequence }) => sequence)).toEqual(SAMPLES.map((_, index) => 1000 + index));
    for (const capacity of [2, 3, 4, 7]) expect(decode(new Bench(capacity), [packet])).toEqual(whole);
    expect(() => new Bench(1).packetDecoder()).toThrow('needs 2 records, the batch has 1');
  });
});

describe('books', () => {
  test('a locate is numbered at first sight and named by the first message with a symbol', () => {
    const bench = new Bench();
    const events = decode(bench, [
      moldPacket([
        locatedAt(sampleOf('D'), 900),
        locatedAt(sampleOf('X'), 65535),
        locatedAt(sampleOf('A'), 900),
        locatedAt(sampleOf('I'), 65535),
      ]),
    ]);
    expect(events.map(({ book }) => book)).toEqual([0, 1, 0, 1]);
    expect(bench.dictionary.books).toMatchObject([
      { number: 0, source: 'itch-5.0', publisher: 0, instrument: 900n, channel: 0, symbol: 'MDX' },
      { number: 1, instrument: 65535n, priceScale: 4, quantityScale: 0, tick: null, symbol: 'MDX' },
    ]);
  });

  test.each(SAMPLES.filter(({ fields }) => 'stock' in fields))('$type names its book', (sample) => {
    const bench = new Bench();
    decode(bench, [moldPacket([locatedAt(sampleOf('D'), SAMPLE_LOCATE), sampleBytes(sample)])]);
    expect(bench.dictionary.books.map(({ symbol }) => symbol)).toEqual(['MDX']);
  });

  test('the first symbol stays; a blank one is none', () => {
    const bench = new Bench();
    const blank = sampleOf('A');
    blank.fill(0x20, 24, 32);
    const other = sampleOf('R');
    other[11] = 'X'.charCodeAt(0);
    decode(bench, [moldPacket([locatedAt(blank, 8), sampleOf('A'), other])]);
    expect(bench.dictionary.books.map(({ symbol }) => symbol)).toEqual([null, 'MDX']);
  });

  test('locate 0 is no book', () => {
    const bench = new Bench();
    const events = decode(bench, [moldPacket([locatedAt(sampleOf('S'), 0), locatedAt(sampleOf('H'), 0)])]);
    expect(events.map(({ book }) => book)).toEqual([NO_BOOK, NO_BOOK]);
    expect(bench.dictionary.books).toEqual([]);
  });

  test('the same locate on another channel is another book', () => {
    const bench = new Bench();
    for (const channel of [0, 1]) {
      const decoder = bench.packetDecoder(null, channel);
      decoder.decode(datagramOf(moldPacket([sampleOf('A')])), 1, 0, 1);
    }
    expect(bench.events.map(({ book }) => book)).toEqual([0, 1]);
    expect(bench.dictionary.books.map(({ channel }) => channel)).toEqual([0, 1]);
  });
});

describe('times', () => {
  test('differences of any size and direction', () => {
    const times = [
      0n,
      2_147_483_647n,
      2_147_483_648n,
      1n,
      86_399_999_999_999n,
      5n,
      4_294_967_295n,
      4_294_967_296n,
    ];
    const events = decode(new Bench(), [moldPacket(times.map((ns) => at(sampleOf('D'), ns)))]);
    expect(events.map(({ venueTime }) => venueTime)).toEqual(times.map((ns) => MIDNIGHT + ns));
    expect(events.map(({ receiveTime }) => receiveTime)).toEqual(times.map(() => RECEIVED));
    expect(events.map(({ sequence }) => sequence)).toEqual(times.map((_, index) => index + 1));
  });

  test('without a date they count from midnight', () => {
    const events = decode(new Bench(), [moldPacket([sampleOf('D')])], null);
    expect(events[0]?.venueTime).toBe(SAMPLE_TIME);
  });

  test('a batch goes on from packet to packet, and keeps its base', () => {
    const bench = new Bench();
    const packets = [0n, 1n, 2n].map((n) =>
      moldPacket([at(sampleOf('D'), SAMPLE_TIME + n)], { sequence: n + 1n }),
    );
    expect(decode(bench, packets).map(({ venueTime }) => venueTime - MIDNIGHT - SAMPLE_TIME)).toEqual([
      0n,
      1n,
      2n,
    ]);
    expect(bench.recorder.batchSizes).toEqual([3]);
  });
});

describe('what cannot be read is counted and uses its number', () => {
  const good = sampleOf('D');
  const cases: readonly (readonly [name: string, message: Uint8Array, problems: Record<string, number>])[] = [
    ['short', sampleOf('A').slice(0, 35), { 'A shorter than 36 bytes': 1 }],
    ['shorter than every message', sampleOf('A').slice(0, 1), { 'A shorter than 36 bytes': 1 }],
    ['unknown', new Uint8Array(40).fill(0x7a), { 'type z': 1 }],
    ['unknown and short', Uint8Array.of(7), { 'type 0x07': 1 }],
    ['without side', sampleOf('F').fill(0x3f, 19, 20), { 'F without side': 1 }],
    ['of length 0', new Uint8Array(0), {}],
  ];

  test.each(cases)('%s', (_, message, problems) => {
    const bench = new Bench();
    const events = decode(bench, [moldPacket([good, message, good], { sequence: 5n })]);
    expect(events.map(({ sequence }) => sequence)).toEqual([5, 7]);
    expect(bench.problems).toEqual(problems);
    expect(bench.counts.messages).toBe(2);
    expect(bench.counts.malformed + bench.counts.unknown).toBe(Object.keys(problems).length);
  });

  test.each(cases)('%s, of a stock whose name is known', (_, message, problems) => {
    const bench = new Bench();
    const events = decode(bench, [moldPacket([sampleOf('A'), message, good], { sequence: 5n })]);
    expect(events.map(({ sequence }) => sequence)).toEqual([5, 7]);
    expect(bench.problems).toEqual(problems);
  });

  test.each(cases)('%s: the tally says the same', (_, message) => {
    const packet = datagramOf(moldPacket([message, good, good, message]));
    const decoded = new Bench();
    decoded.packetDecoder().decode(packet, 1, 0, 3);
    const tallied = new Bench();
    tallied.packetDecoder().tally(packet, 3);
    expect([...tallied.counts.totals]).toEqual([...decoded.counts.totals]);
    expect(tallied.byType).toEqual(decoded.byType);
    expect(tallied.problems).toEqual(decoded.problems);
    expect(tallied.events).toEqual([]);
  });

  test('the first of a kind is located', () => {
    const bench = new Bench();
    decode(bench, [moldPacket([good]), moldPacket([good, Uint8Array.of(0x7a), Uint8Array.of(0x7a)])]);
    // 20 bytes of header, a block of 2 + 19, a length of 2.
    expect([...bench.counts.problems.values()]).toEqual([
      { kind: 'type z', count: 2, packetNumber: 2, offset: 20 + 21 + 2 },
    ]);
  });

  test('a longer message is read as far as it is known', () => {
    const bench = new Bench();
    const longer = new Uint8Array(50).fill(0xff);
    longer.set(sampleOf('A'));
    expect(decode(bench, [moldPacket([longer])])).toEqual(decode(new Bench(), [moldPacket([sampleOf('A')])]));
    expect(bench.problems).toEqual({});
  });
});
