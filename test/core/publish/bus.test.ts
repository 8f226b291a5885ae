import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameBus, FrameRun } from '../../../src/core/publish/bus.ts';

const run = new FrameRun();

function frame(cursor: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, place) => (cursor * 31 + place) & 255);
}

describe('the bus of frames', () => {
  test('gives every reader the frames from its cursor on, in the longest pieces that lie together', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 300 });
    void fc.assert(
      fc.property(
        lengths,
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 1000 }),
        (all, frames, most) => {
          const bus = new FrameBus({ frames, bytes: 1 << 20, chunkBytes: 1024 });
          for (const [cursor, length] of all.entries()) bus.append(frame(cursor, length), length);
          expect(bus.next).toBe(all.length);
          expect(bus.oldest).toBe(Math.max(0, all.length - frames));
          let cursor = bus.oldest;
          while (bus.run(cursor, most, run)) {
            const expected = all
              .slice(run.from, run.to)
              .map((length, index) => frame(cursor + index, length));
            expect(run.bytes().equals(Buffer.concat(expected))).toBe(true);
            expect(run.to - run.from === 1 || run.end - run.start <= most).toBe(true);
            cursor = run.to;
          }
          expect(cursor).toBe(bus.next);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('has frames that were skipped for nobody, and says which one is next', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5 })), {
      maxLength: 30,
    });
    void fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 300 }), (all, frames) => {
        const bus = new FrameBus({ frames, bytes: 1 << 20, chunkBytes: 1024 });
        const made: number[] = [];
        for (const [count, skipped] of all) {
          for (let more = 0; more < count; more += 1) {
            made.push(bus.next);
            bus.append(frame(bus.next, 50), 0);
          }
          bus.skipTo(bus.next + skipped);
        }
        const kept = made.filter((cursor) => cursor >= bus.oldest);
        for (let cursor = 0; cursor <= bus.next; cursor += 1) {
          const next = kept.find((each) => each >= cursor) ?? bus.next;
          expect(bus.keptFrom(cursor)).toBe(next);
          expect(bus.run(cursor, 1, run)).toBe(kept.includes(cursor));
          if (kept.includes(cursor)) expect(run.bytes().equals(Buffer.from(frame(cursor, 50)))).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  test('lets the oldest frames go when memory is used up, whatever their number', () => {
    const bus = new FrameBus({ frames: 1_000_000, bytes: 4096, chunkBytes: 1024 });
    for (let cursor = 0; cursor < 1000; cursor += 1) bus.append(frame(cursor, 100), 0);
    expect(bus.bytes).toBeLessThanOrEqual(4096);
    expect(bus.next - bus.oldest).toBeGreaterThanOrEqual(20);
    expect(bus.run(bus.oldest - 1, 1024, run)).toBe(false);
    expect(bus.run(bus.next, 1024, run)).toBe(false);
    expect(bus.run(bus.oldest, 1024, run)).toBe(true);
    expect(
      run
        .bytes()
        .subarray(0, 100)
        .equals(Buffer.from(frame(bus.oldest, 100))),
    ).toBe(true);
  });

  test('does not write over what a socket still reads from, and counts it', () => {
    const bus = new FrameBus({ frames: 30, bytes: 4096, chunkBytes: 1024 });
    for (let cursor = 0; cursor < 10; cursor += 1) bus.append(frame(cursor, 100), 0);
    expect(bus.run(0, 1024, run)).toBe(true);
    const chunk = run.chunk!;
    const bytes = run.bytes();
    const before = Buffer.from(bytes);
    bus.pin(chunk);
    for (let cursor = 10; cursor < 500; cursor += 1) bus.append(frame(cursor, 100), 0);
    expect(chunk.gone).toBe(true);
    expect(bus.pinnedBytes).toBe(1024);
    expect(bytes.equals(before)).toBe(true);
    bus.unpin(chunk);
    expect(bus.pinnedBytes).toBe(0);
  });

  test('goes on from the cursor of a history', () => {
    const bus = new FrameBus({ frames: 8, bytes: 4096 }, 7000);
    expect([bus.oldest, bus.next]).toEqual([7000, 7000]);
    expect(bus.chunkAt(7000)).toBeNull();
    bus.append(frame(1, 50), 99);
    expect(bus.chunkAt(7000)!.tags[0]).toBe(99);
    expect(bus.chunkAt(7001)).toBeNull();
  });

  test('publishes what is written in place, and nothing before it is committed', () => {
    const bus = new FrameBus({ frames: 8, bytes: 4096 });
    const at = bus.reserve(60);
    bus.view.setUint32(at, 0x01020304);
    expect(bus.next).toBe(0);
    bus.commit(4, 1);
    expect(bus.run(0, 100, run)).toBe(true);
    expect([...run.bytes()]).toEqual([1, 2, 3, 4]);
    expect(() => bus.reserve(bus.frameBytesMax + 1)).toThrow(RangeError);
  });
});
