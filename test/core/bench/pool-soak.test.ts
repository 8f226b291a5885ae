import { describe, expect, it } from 'vitest';
import { countSlots, linePlan, type SoakOptions, soakPool } from '../../../src/core/bench/pool-soak.ts';
import { SoakChecker, SoakFiller, type SoakLine } from '../../../src/core/bench/soak-line.ts';
import { PacketPool } from '../../../src/core/packet/packet-pool.ts';
import { Ring } from '../../../src/core/packet/ring.ts';

const SMALL: SoakOptions = {
  buffers: 96,
  size: 64,
  iterations: 2000,
  burst: 16,
  workers: 2,
  signal: null,
  progress: () => {},
};

const SLOTS = 8;

/** A line of which a test does both ends in one thread. */
function line(): SoakLine & { readonly plan: ReturnType<typeof linePlan> } {
  const plan = linePlan(0, SLOTS, 1);
  return {
    line: 0,
    pool: new PacketPool(SLOTS, 64),
    owners: new Int32Array(new SharedArrayBuffer(SLOTS * 4)),
    free: new Ring(plan.capacity, plan.free),
    filled: new Ring(plan.capacity, plan.filled),
    plan,
  };
}

describe('a soak of the packet pool', () => {
  it('finds nothing wrong with threads that keep to the rules', async () => {
    const result = await soakPool(SMALL);
    expect(result).toMatchObject({
      verdict: 'pass',
      ops: 32_000,
      misses: 0,
      returnDrops: 0,
      leaked: 0,
      duplicated: 0,
      torn: 0,
      outOfOrder: 0,
      missing: 0,
      preallocatedBytes: 96 * (64 + 64),
    });
    const { start, middle, end } = result.memory;
    for (const { residentBytes, heapBytes } of [start, middle, end]) {
      expect(residentBytes).toBeGreaterThan(heapBytes);
      expect(heapBytes).toBeGreaterThan(1e6);
    }
  });

  it('works where all of the pool is one burst', async () => {
    expect(await soakPool({ ...SMALL, buffers: 32, iterations: 200 })).toMatchObject({ verdict: 'pass' });
  });

  it('refuses bursts that no worker has the buffers for', async () => {
    await expect(soakPool({ ...SMALL, buffers: 31 })).rejects.toMatchObject({ code: 'usage' });
  });

  it('ends early when asked, and counts what was done', async () => {
    const controller = new AbortController();
    const result = await soakPool({
      ...SMALL,
      iterations: 100_000_000,
      signal: controller.signal,
      progress: () => controller.abort(),
    });
    expect(result).toMatchObject({ verdict: 'pass', leaked: 0, missing: 0 });
    expect(result.ops).toBeLessThan(100_000_000 * SMALL.burst);
  });
});

describe('both ends of a soak', () => {
  it('see a slot that is given back twice', () => {
    const both = line();
    const filler = new SoakFiller(both);
    const checker = new SoakChecker(both);
    filler.burst(4);
    expect(checker.burst(2)).toBe(2);
    const twice = new Ring(both.plan.capacity, both.plan.free);
    // One more return of slot 0, which is free already.
    twice.put(0);
    twice.publish();
    filler.burst(SLOTS - 1);
    expect(filler.duplicated + checker.duplicated).toBeGreaterThan(0);
  });

  it('see a slot that does not come back', () => {
    const both = line();
    const filler = new SoakFiller(both);
    const checker = new SoakChecker(both);
    both.free.take();
    filler.burst(SLOTS);
    expect(filler.misses).toBe(1);
    checker.burst(SLOTS);
    expect(countSlots(SLOTS, [both.plan])).toEqual({ leaked: 1, duplicated: 0 });
  });

  it('see a slot that is free twice in the end', () => {
    const { plan, free, owners } = line();
    const slot = free.take();
    free.take();
    free.release();
    owners.fill(0);
    const ring = new Ring(plan.capacity, plan.free);
    for (const value of [slot, slot]) ring.put(value);
    ring.publish();
    expect(countSlots(SLOTS, [plan])).toEqual({ leaked: 1, duplicated: 1 });
  });

  it('see a word that was written over, and a packet out of its place', () => {
    const both = line();
    const filler = new SoakFiller(both);
    const checker = new SoakChecker(both);
    filler.burst(3);
    both.pool.bytes[64 + 17]! ^= 1;
    checker.burst(3);
    expect(checker.torn).toBe(1);
    filler.sent += 1;
    filler.burst(2);
    checker.burst(2);
    expect(checker).toMatchObject({ torn: 1, outOfOrder: 1 });
  });

  it('see a return that the ring has no room for', () => {
    const both = line();
    const filler = new SoakFiller(both);
    const checker = new SoakChecker(both);
    filler.burst(1);
    const full = new Ring(both.plan.capacity, both.plan.free);
    full.put(0);
    full.publish();
    // The checker's end sees the ring as it was made: one that is full now.
    const late = new SoakChecker({ ...both, free: new Ring(both.plan.capacity, both.plan.free) });
    late.burst(1);
    expect(late.returnDrops).toBe(1);
    expect(checker.received).toBe(0);
  });
});
