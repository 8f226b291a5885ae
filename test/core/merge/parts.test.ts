import fc from 'fast-check';
import { build } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { PacketStore } from '../../../src/core/merge/packet-store.ts';
import { RangeList } from '../../../src/core/merge/ranges.ts';
import { SkewHistogram } from '../../../src/core/merge/skew.ts';
import { Datagram } from '../../../src/core/packet/datagram.ts';

const contents = (list: RangeList): number[] => {
  const numbers: number[] = [];
  for (let index = 0; index < list.count; index += 1) {
    for (let number = list.from(index); number < list.to(index); number += 1) numbers.push(number);
  }
  return numbers;
};

describe('a list of ranges', () => {
  const span = fc.record({
    add: fc.boolean(),
    from: fc.integer({ min: 0, max: 200 }),
    count: fc.integer({ min: 1, max: 12 }),
  });

  it('is a set of numbers', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 120 }), (steps) => {
        const list = new RangeList();
        const set = new Set<number>();
        for (const { add, from, count } of steps) {
          const to = from + count;
          const wanted = Array.from({ length: count }, (_, at) => from + at);
          const held = wanted.filter((number) => set.has(number));
          expect(list.overlap(from, to)).toBe(held.length);
          if (!add) {
            expect(list.subtract(from, to)).toBe(held.length);
            for (const number of held) set.delete(number);
          } else if (held.length === 0) {
            list.add(from, to, 0);
            for (const number of wanted) set.add(number);
          } else if (list.count > 3) {
            for (const number of Array.from(
              { length: list.to(0) - list.from(0) },
              (_, at) => list.from(0) + at,
            )) {
              set.delete(number);
            }
            list.shift();
          }
          expect(contents(list)).toEqual([...set].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('that is full forgets its lowest numbers, and counts them', () => {
    const list = new RangeList(2);
    list.floor = 3;
    list.push(0, 5, 0);
    list.push(10, 20, 0);
    expect(list.subtract(12, 14)).toBe(2);
    expect(contents(list)).toEqual([10, 11, 14, 15, 16, 17, 18, 19]);
    expect(list.forgotten).toBe(2);
    expect(list.subtract(11, 12)).toBe(1);
    expect(list.subtract(16, 17)).toBe(1);
    expect(contents(list)).toEqual([14, 15, 17, 18, 19]);
    expect(list.forgotten).toBe(3);
  });
});

describe('a store of packets', () => {
  it('gives back what it was given, and takes the same memory again', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(65_507), { minLength: 1, maxLength: 30 }), (lengths) => {
        const store = new PacketStore();
        const read = new Datagram();
        for (const round of [1, 2]) {
          const slots = lengths.map((length, index) => {
            const datagram = new Datagram();
            datagram.attach(new Uint8Array(length + 7).fill(index + round, 7));
            datagram.offset = 7;
            datagram.length = length;
            datagram.timeHigh = round;
            datagram.timeLow = -index;
            datagram.packetNumber = 2 ** 40 + index;
            datagram.sourcePort = 65_535;
            datagram.destinationPort = index;
            datagram.ipVersion = 6;
            datagram.destination.set([1, 2, 3, index]);
            datagram.source.set([-1, -2, -3, -index]);
            return store.keep(datagram, 2 ** 52 + index, index % 3, 2);
          });
          expect(new Set(slots).size).toBe(lengths.length);
          for (const [index, slot] of slots.entries()) {
            store.read(slot, read);
            expect(read).toMatchObject({ length: lengths[index], timeHigh: round, ipVersion: 6 });
            expect([read.timeLow, read.sourcePort, read.destinationPort]).toEqual([0 - index, 65_535, index]);
            expect(read.packetNumber).toBe(2 ** 40 + index);
            expect([...read.destination, ...read.source]).toEqual([1, 2, 3, index, -1, -2, -3, 0 - index]);
            const bytes = read.bytes.subarray(read.offset, read.offset + read.length);
            expect(bytes.every((byte) => byte === index + round)).toBe(true);
            expect(store.first(slot)).toBe(2 ** 52 + index);
            expect(store.line(slot)).toBe(index % 3);
            store.release(slot);
            expect(store.packets).toBe(lengths.length - index);
            store.release(slot);
          }
          expect(store).toMatchObject({ packets: 0, bytes: 0 });
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('skew', () => {
  it('has the quantiles of HDR histograms with three digits', () => {
    // Each is recorded as −ns − 1, too, which has to be a safe integer.
    const time = fc.oneof(fc.nat(5000), fc.nat(2_000_000_000), fc.nat(Number.MAX_SAFE_INTEGER - 1));
    const percents = [1, 50, 90, 99, 100];
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 60 }), (times) => {
        const hdr = build({
          numberOfSignificantValueDigits: 3,
          highestTrackableValue: Number.MAX_SAFE_INTEGER,
        });
        const above = new SkewHistogram();
        const below = new SkewHistogram();
        for (const ns of times) {
          hdr.recordValue(ns);
          above.record(ns);
          below.record(0 - ns - 1);
        }
        for (const percent of percents) {
          expect(above.quantile(percent)).toBe(Math.min(hdr.getValueAtPercentile(percent), 2 ** 53 - 1));
        }
        expect(above.maxNs).toBe(Math.max(...times));
        expect(below.maxNs).toBe(0 - Math.max(...times) - 1);
        expect(below.quantile(100)).toBeLessThan(0);
        expect(below.quantile(0)!).toBeLessThanOrEqual(below.quantile(100)!);
      }),
    );
  });

  it('orders times of both signs', () => {
    const skew = new SkewHistogram();
    expect(skew.quantile(50)).toBeNull();
    for (const ns of [-30, -10, 0, 20, 20]) skew.record(ns);
    expect([0, 20, 40, 50, 60, 80, 100].map((percent) => skew.quantile(percent))).toEqual([
      -30, -30, -10, 0, 0, 20, 20,
    ]);
  });
});
