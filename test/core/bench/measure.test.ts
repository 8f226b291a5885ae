import { describe, expect, it } from 'vitest';
import { cpuNs, heapUse, latencyOf } from '../../../src/core/bench/measure.ts';

describe('measuring', () => {
  it('counts every sample of a latency, in order', () => {
    let calls = 0;
    const latency = latencyOf(() => {
      calls += 1;
    }, 1000);
    expect(calls).toBe(1000);
    expect(latency.samples).toBe(1000);
    const { p50Ns, p90Ns, p99Ns, p999Ns, maxNs } = latency;
    expect([p50Ns, p90Ns, p99Ns, p999Ns, maxNs].toSorted((a, b) => a - b)).toEqual([
      p50Ns,
      p90Ns,
      p99Ns,
      p999Ns,
      maxNs,
    ]);
  });

  it('sees what is allocated, also what was collected before the end', () => {
    const kept: object[] = [];
    const objects = (count: number, keep: boolean): void => {
      for (let index = 0; index < count; index += 1) {
        const made = { index, next: { index } };
        if (keep || index % 1000 === 0) kept.push(made);
      }
    };
    expect(heapUse(() => objects(200_000, true)).allocatedBytes).toBeGreaterThan(200_000 * 32);
    const dropped = heapUse(() => {
      for (let pass = 0; pass < 40; pass += 1)
        kept.push(...Array.from({ length: 50_000 }, (_, at) => [at]).slice(0, 1));
    });
    expect(dropped.scavenges + dropped.otherCollections).toBeGreaterThan(0);
    expect(dropped.allocatedBytes).toBeGreaterThan(40 * 50_000 * 24);
  });

  it('takes the time of the processor, not that of the wall', () => {
    let sum = 0;
    const used = cpuNs(() => {
      for (let index = 0; index < 5_000_000; index += 1) sum = (sum + index) | 0;
    });
    expect(used).toBeGreaterThan(0);
    // Waiting costs next to nothing.
    const waiting = cpuNs(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200));
    expect(waiting).toBeLessThan(100_000_000);
  });
});
