import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PcapngWriter } from '../../../../src/core/capture/capture-writer.ts';
import { KIND_GAP, NO_BOOK } from '../../../../src/core/event/record.ts';
import { EventBatcher, EventJoiner } from '../../../../src/core/pipeline/zeromq/event-batches.ts';
import { PacketBatcher, PacketJoiner } from '../../../../src/core/pipeline/zeromq/packet-batches.ts';
import { concat, dictionaryOf, EPOCH, type Event, framesOf, readBack } from '../../journal/streams.ts';

/** A stream of packets whose second interface comes in its middle. */
function packets(count: number): { readonly bytes: Uint8Array; readonly chunks: readonly Uint8Array[] } {
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((chunk) => chunks.push(chunk.slice()));
  const first = writer.addInterface({ name: 'A', description: 'mdx/1 line=A' });
  writer.interfaceId = first;
  for (let index = 0; index < count; index += 1) {
    if (index === count >> 1)
      writer.interfaceId = writer.addInterface({ name: 'B', description: 'mdx/1 line=B' });
    writer.writeFrame(1, index, new Uint8Array(60 + (index % 7)).fill(index), 0, 60 + (index % 7), 100);
    if (index % 5 === 0) writer.flush();
  }
  writer.flush();
  return { bytes: concat(chunks), chunks };
}

const event = (sequence: number, book: number): Event => ({
  channel: 0,
  kind: 1,
  flags: 1,
  book,
  sequence,
  venue: BigInt(sequence),
  receive: 5n,
  body: [sequence, 0, 5, 0, 1, 0],
  second: null,
});

describe('packets in batches', () => {
  it('are the stream they were cut from, however it was cut', () => {
    const { bytes } = packets(40);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 30 }), (sizes) => {
        const batcher = new PacketBatcher();
        const joiner = new PacketJoiner();
        const joined: Uint8Array[] = [];
        let count = 0;
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length]!;
          // What is given is not the batcher's to keep.
          const given = Buffer.from(bytes.subarray(at, at + size));
          for (const part of batcher.add(given)) {
            count += part.count;
            joined.push(joiner.join(part.payload)!);
          }
          given.fill(0xee);
          at += size;
        }
        joined.push(joiner.join(batcher.end().payload)!);
        expect(count).toBe(40);
        // The second interface may stand a few packets earlier.
        expect(concat(joined).length).toBe(bytes.length);
      }),
    );
  });

  it('can each be read alone', () => {
    const { chunks } = packets(40);
    const batcher = new PacketBatcher();
    const parts = chunks.flatMap((chunk) => batcher.add(chunk));
    expect(parts.length).toBeGreaterThan(4);
    for (const { payload } of parts) expect(new PacketJoiner().join(payload)).toBe(payload);
  });

  it('that are no section are refused', () => {
    const { bytes } = packets(3);
    const joiner = new PacketJoiner();
    for (const wrong of [
      bytes.subarray(0, 30),
      bytes.subarray(28),
      bytes.subarray(0, bytes.length - 1),
      concat([bytes, bytes]),
    ]) {
      expect(joiner.join(wrong)).toBeNull();
    }
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const copy = bytes.slice();
        copy[at] = value;
        new PacketJoiner().join(copy);
      }),
    );
  });
});

describe('events in batches', () => {
  const dictionary = dictionaryOf(4);
  const gap: Event = { ...event(50, NO_BOOK), kind: KIND_GAP };
  const events = [event(1, 0), event(2, 1), event(3, 1), gap, event(60, 3), event(61, NO_BOOK), event(62, 0)];
  const parts = (): Uint8Array[] => {
    const batcher = new EventBatcher(EPOCH);
    const bytes = Buffer.from(concat(framesOf(events, dictionary, 2)));
    const made = [...batcher.add(bytes.subarray(0, 100)), ...batcher.add(bytes.subarray(100))];
    bytes.fill(0xee);
    expect(made.reduce((sum, { count }) => sum + count, 0)).toBe(events.length);
    return [...made, batcher.end()].map(({ payload }) => payload);
  };

  it('are one stream again', () => {
    const back = readBack(concat(parts()), 50);
    expect(back).toMatchObject({ problem: null, closed: true });
    // The reader numbers books as it meets them.
    const named = (of: typeof dictionary, list: readonly Event[]): object[] =>
      list.map((each) => ({ ...each, book: of.books[each.book]?.instrument }));
    expect(named(back.dictionary, back.events)).toEqual(named(dictionary, events));
    expect(back.lost.every((lost) => lost === 0)).toBe(true);
  });

  it('can each be read alone, with the books they name', () => {
    const joiner = new EventJoiner();
    for (const payload of parts()) expect(joiner.join(payload)).toBe(payload);
    expect(readBack(parts()[1]!).dictionary.books.map(({ symbol }) => symbol)).toEqual([
      dictionary.books[1]!.symbol,
    ]);
  });

  it('tell how many are missing in front of them', () => {
    const all = parts();
    expect(readBack(concat(all.slice(1))).lost[0]).toBe(2);
    expect(readBack(concat(all.toSpliced(1, 2))).lost).toEqual([0, 2, ...all.slice(4).map(() => 0)]);
    expect(readBack(concat(all.toSpliced(-2, 1))).lost.at(-1)).toBeGreaterThan(0);
  });

  it('that are no segment are refused', () => {
    const joiner = new EventJoiner();
    const [first, second] = parts();
    for (const wrong of [
      new Uint8Array(0),
      first!.subarray(8),
      first!.subarray(0, 100),
      concat([first!, second!]),
    ]) {
      expect(joiner.join(wrong)).toBeNull();
    }
    for (let bit = 0; bit < first!.length * 8; bit += 7) {
      const copy = new Uint8Array(first!);
      copy[bit >> 3]! ^= 1 << (bit & 7);
      expect(joiner.join(copy)).toBeNull();
    }
  });
});
