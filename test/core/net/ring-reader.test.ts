import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockReader, FrameReader, type RingReader } from '../../../src/core/net/linux/ring-reader.ts';
import { XdpRings } from '../../../src/core/net/linux/xdp-rings.ts';

/** A packet as the kernel would put it into a ring. */
interface Composed {
  readonly bytes: number;
  readonly cut: number;
  readonly seconds: number;
  readonly nanoseconds: number;
}

const packets = fc.array(
  fc.record({
    bytes: fc.integer({ min: 0, max: 200 }),
    cut: fc.integer({ min: 0, max: 3 }),
    seconds: fc.integer({ min: 0, max: 0xffff_ffff }),
    nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
  }),
  { maxLength: 40 },
);

const BLOCK = 2048;
const MAC = 82;

/** Fills one block with as many packets as fit. @returns how many. */
function writeBlock(view: DataView, start: number, list: readonly Composed[]): number {
  let at = 48;
  let count = 0;
  let last = -1;
  for (const { bytes, cut, seconds, nanoseconds } of list) {
    const step = (MAC + bytes + 15) & ~15;
    if (at + step > BLOCK) break;
    const packet = start + at;
    view.setUint32(packet, step, true);
    view.setUint32(packet + 4, seconds, true);
    view.setUint32(packet + 8, nanoseconds, true);
    view.setUint32(packet + 12, bytes, true);
    view.setUint32(packet + 16, bytes + cut, true);
    view.setUint16(packet + 24, MAC, true);
    last = packet;
    at += step;
    count += 1;
  }
  if (last >= 0) view.setUint32(last, 0, true);
  view.setUint32(start + 12, count, true);
  view.setUint32(start + 16, 48, true);
  view.setUint32(start + 8, 1, true);
  return count;
}

function seen(reader: RingReader): Composed & { at: number } {
  return {
    at: reader.at,
    bytes: reader.captured,
    cut: reader.wire - reader.captured,
    seconds: reader.seconds,
    nanoseconds: reader.nanoseconds,
  };
}

describe('blocks of version 3', () => {
  it('are read in order, round and round, and given back when they are read', () => {
    void fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 4 }), (list, blocks) => {
        const words = new Int32Array((BLOCK * blocks) / 4);
        const view = new DataView(words.buffer);
        const reader = new BlockReader(words, BLOCK, blocks);
        let block = 0;
        let left: readonly Composed[] = list;
        while (left.length > 0) {
          expect(reader.next()).toBe(false);
          const count = writeBlock(view, block * BLOCK, left);
          for (const [index, each] of left.slice(0, count).entries()) {
            // Not before the last packet is done with.
            expect(view.getUint32(block * BLOCK + 8, true)).toBe(1);
            expect(reader.next()).toBe(true);
            const { at, ...rest } = seen(reader);
            expect(rest).toEqual(each);
            if (index === 0) expect(at).toBe(block * BLOCK + 48 + MAC);
          }
          reader.release();
          expect(view.getUint32(block * BLOCK + 8, true)).toBe(0);
          left = left.slice(count);
          block = (block + 1) % blocks;
        }
        expect(reader.damaged).toBe(0);
      }),
    );
  });

  it('that contradict themselves are given back and counted', () => {
    const good = [
      { bytes: 10, cut: 0, seconds: 1, nanoseconds: 2 },
      { bytes: 20, cut: 0, seconds: 3, nanoseconds: 4 },
    ];
    const wrongs: readonly ((view: DataView) => void)[] = [
      (view) => view.setInt32(12, -1, true),
      (view) => view.setUint32(16, BLOCK, true),
      (view) => view.setUint32(16, 49, true),
      (view) => view.setUint32(48 + 12, BLOCK, true),
      (view) => view.setInt32(48 + 12, -5, true),
      (view) => view.setUint32(48, 8, true),
      (view) => view.setUint32(48, 50, true),
      (view) => view.setUint32(48, BLOCK, true),
    ];
    for (const wrong of wrongs) {
      const words = new Int32Array((BLOCK * 2) / 4);
      const view = new DataView(words.buffer);
      const reader = new BlockReader(words, BLOCK, 2);
      writeBlock(view, 0, good);
      wrong(view);
      writeBlock(view, BLOCK, good);
      expect([reader.next(), reader.next(), reader.next()]).toEqual([true, true, false]);
      expect(reader.damaged).toBe(1);
      expect(view.getUint32(8, true)).toBe(0);
    }
  });

  it('tell that packets were lost', () => {
    const words = new Int32Array(BLOCK / 4);
    const reader = new BlockReader(words, BLOCK, 1);
    writeBlock(new DataView(words.buffer), 0, [{ bytes: 10, cut: 0, seconds: 1, nanoseconds: 2 }]);
    words[2] = 1 | 4;
    expect(reader.next()).toBe(true);
    expect(reader.losing).toBe(true);
  });
});

describe('frames of version 2', () => {
  const FRAME = 512;

  it('are read one by one, round and round, and given back', () => {
    void fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 5 }), (list, frames) => {
        const words = new Int32Array((FRAME * frames) / 4);
        const view = new DataView(words.buffer);
        const reader = new FrameReader(words, FRAME, frames);
        for (const [index, each] of list.entries()) {
          const start = (index % frames) * FRAME;
          expect(reader.next()).toBe(false);
          view.setUint32(start + 4, each.bytes + each.cut, true);
          view.setUint32(start + 8, each.bytes, true);
          view.setUint16(start + 12, MAC, true);
          view.setUint32(start + 16, each.seconds, true);
          view.setUint32(start + 20, each.nanoseconds, true);
          view.setUint32(start, 1, true);
          expect(reader.next()).toBe(true);
          expect(seen(reader)).toEqual({ ...each, at: start + MAC });
          expect(view.getUint32(start, true)).toBe(1);
          reader.release();
          expect(view.getUint32(start, true)).toBe(0);
        }
      }),
    );
  });

  it('that contradict themselves are given back and counted', () => {
    const words = new Int32Array((FRAME * 2) / 4);
    const view = new DataView(words.buffer);
    const reader = new FrameReader(words, FRAME, 2);
    for (const start of [0, FRAME]) {
      view.setUint32(start + 8, start === 0 ? FRAME : 100, true);
      view.setUint16(start + 12, MAC, true);
      view.setUint32(start, 1, true);
    }
    expect(reader.next()).toBe(true);
    expect([reader.at, reader.damaged]).toEqual([FRAME + MAC, 1]);
    expect(view.getUint32(0, true)).toBe(0);
  });
});

describe('rings of an XDP socket', () => {
  const CHUNK = 2048;
  const layout = (entries: number, entryBytes: number, start: number) => {
    const words = new Int32Array((64 + entries * entryBytes) / 4);
    // Positions run freely: they begin shortly before the end of 32 bits.
    words[0] = start;
    words[4] = start;
    return { words, producer: 0, consumer: 16, descriptors: 64, flags: 32, entries };
  };

  it('give each chunk back once, in batches, across the end of 32 bits', () => {
    void fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: -20, max: 20 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { maxLength: 20 }),
        (power, start, batches) => {
          const entries = 8 << power;
          const [rx, fill] = [layout(entries, 16, start), layout(entries, 8, start)];
          const rings = new XdpRings(rx, fill, CHUNK, entries * CHUNK);
          rings.giveAll(CHUNK);
          expect(fill.words[0]).toBe((start + entries) | 0);
          // The kernel's side: takes chunks off the fill ring, puts frames on the RX ring.
          let taken = start;
          let produced = start;
          for (const batch of batches) {
            const lengths: number[] = [];
            for (let each = 0; each < batch; each += 1) {
              expect((fill.words[0]! - taken) | 0).toBeGreaterThan(0);
              const chunk = fill.words[16 + (taken & (entries - 1)) * 2]!;
              expect(chunk % CHUNK).toBe(0);
              const word = 16 + (produced & (entries - 1)) * 4;
              rx.words[word] = chunk + 256;
              rx.words[word + 2] = 60 + each;
              lengths.push(60 + each);
              taken = (taken + 1) | 0;
              produced = (produced + 1) | 0;
            }
            expect(rings.next()).toBe(false);
            rx.words[0] = produced;
            for (const length of lengths) {
              expect(rings.next()).toBe(true);
              expect([rings.at % CHUNK, rings.length]).toEqual([256, length]);
            }
            expect(rings.next()).toBe(false);
            // Nothing is given back before the batch is done with.
            expect(rx.words[4]).toBe((produced - batch) | 0);
            rings.publish();
            expect(rx.words[4]).toBe(produced);
            expect((fill.words[0]! - taken) | 0).toBe(entries);
          }
        },
      ),
    );
  });

  it('pass over entries outside the packet memory, and see the wish to be woken', () => {
    const [rx, fill] = [layout(8, 16, 0), layout(8, 8, 0)];
    const rings = new XdpRings(rx, fill, CHUNK, 8 * CHUNK);
    for (const [index, [at, length]] of [
      [8 * CHUNK - 10, 60],
      [256, -1],
      [3, 60],
      [CHUNK + 256, 60],
    ].entries()) {
      rx.words[16 + index * 4] = at!;
      rx.words[16 + index * 4 + 2] = length!;
    }
    rx.words[0] = 4;
    expect([rings.next(), rings.at, rings.next(), rings.damaged]).toEqual([true, CHUNK + 256, false, 3]);
    expect(rings.wantsWakeup).toBe(false);
    fill.words[8] = 1;
    expect(rings.wantsWakeup).toBe(true);
  });
});
