import { describe, expect, test } from 'vitest';
import { bigHigh, bigLow } from '../../../../src/core/binary/time.ts';
import { eobiReleases } from '../../../../src/core/feeds/eobi/index.ts';
import type { TransportReader } from '../../../../src/core/feeds/feed.ts';
import { Datagram } from '../../../../src/core/packet/datagram.ts';
import { type PacketHead, packet, TIME } from './harness.ts';

const TWO_32 = 2 ** 32;

/** Reads packets with one reader, as those of both lines are. */
class Reading {
  readonly reader: TransportReader = eobiReleases[0]!.transport!();

  /** @returns session and number. */
  of(head: PacketHead & { readonly after?: number }): [session: number, first: number] {
    const bytes = packet({ ...head, time: TIME + BigInt(head.after ?? 0) });
    const datagram = new Datagram();
    datagram.attach(bytes);
    datagram.length = bytes.length;
    datagram.timeHigh = bigHigh(TIME);
    datagram.timeLow = bigLow(TIME);
    this.reader.readHeader(datagram);
    return [this.reader.session, this.reader.first];
  }
}

describe('sessions of a partition', () => {
  test('a reset that both lines show is one, and packets sent before it stay in their session', () => {
    const reading = new Reading();
    expect(reading.of({ number: 7, after: 10 })).toEqual([1, 7]);
    expect(reading.of({ number: 1, reset: 1, after: 30 })).toEqual([2, 1]);
    expect(reading.of({ number: 8, after: 20 })).toEqual([1, 8]);
    expect(reading.of({ number: 2, after: 40 })).toEqual([2, 2]);
    expect(reading.of({ number: 1, reset: 1, after: 30 })).toEqual([2, 1]);
    expect(reading.of({ number: 3, after: 50 })).toEqual([2, 3]);
  });

  test('several packets in a row may say reset, also with one of them lost or behind, on both lines', () => {
    const reading = new Reading();
    reading.of({ number: 9, after: 1 });
    expect(reading.of({ number: 2, reset: 1, after: 12 })).toEqual([2, 2]);
    expect(reading.of({ number: 1, reset: 1, after: 11 })).toEqual([2, 1]);
    expect(reading.of({ number: 4, reset: 1, after: 14 })).toEqual([2, 4]);
    expect(reading.of({ number: 1, reset: 1, after: 11 })).toEqual([2, 1]);
    expect(reading.of({ number: 3, reset: 1, after: 13 })).toEqual([2, 3]);
    expect(reading.of({ number: 5, reset: 1, after: 15 })).toEqual([2, 5]);
  });

  test('two resets, the second line behind both', () => {
    const reading = new Reading();
    for (const [number, reset, after] of [
      [5, 0, 1],
      [1, 1, 10],
      [2, 0, 11],
      [1, 1, 20],
    ] as const) {
      reading.of({ number, reset, after });
    }
    expect(reading.of({ number: 5, after: 1 })).toEqual([1, 5]);
    expect(reading.of({ number: 1, reset: 1, after: 10 })).toEqual([2, 1]);
    expect(reading.of({ number: 3, after: 12 })).toEqual([2, 3]);
    expect(reading.of({ number: 1, reset: 1, after: 20 })).toEqual([3, 1]);
  });
});

describe('numbers beyond 32 bits', () => {
  test('go on behind a wrap, and back for packets from before it', () => {
    const reading = new Reading();
    expect(reading.of({ number: TWO_32 - 2 })).toEqual([1, TWO_32 - 2]);
    expect(reading.of({ number: 1 })).toEqual([1, TWO_32 + 1]);
    expect(reading.of({ number: TWO_32 - 1 })).toEqual([1, TWO_32 - 1]);
    expect(reading.of({ number: 0 })).toEqual([1, TWO_32]);
    expect(reading.of({ number: 2 })).toEqual([1, TWO_32 + 2]);
  });

  test('wrap only near the top, and to near 0', () => {
    const edge = 2 ** 24;
    const below = new Reading();
    below.of({ number: TWO_32 - edge - 1 });
    expect(below.of({ number: 5 })).toEqual([1, 5]);
    const above = new Reading();
    above.of({ number: TWO_32 - edge });
    expect(above.of({ number: edge })).toEqual([1, edge]);
    expect(above.of({ number: edge - 1 })).toEqual([1, TWO_32 + edge - 1]);
  });

  test('a reset is no wrap', () => {
    const reading = new Reading();
    reading.of({ number: TWO_32 - 1 });
    expect(reading.of({ number: 1, reset: 1, after: 1 })).toEqual([2, 1]);
  });

  test('stay whole numbers, however often they wrap', () => {
    const reading = new Reading();
    let highest = 0;
    for (let wraps = 0; wraps < 2 ** 21 + 4; wraps += 1) {
      reading.of({ number: TWO_32 - 1 });
      const [, first] = reading.of({ number: 0 });
      highest = Math.max(highest, first);
      if (wraps > 8) wraps += 1000;
    }
    expect(Number.isSafeInteger(highest)).toBe(true);
  });
});
