import { describe, expect, it } from 'vitest';
import { processCpuNs, threadCpuNs } from '../../../src/core/bench/cpu-time.ts';

/** Work of some tenths of a millisecond: less than lies between two ticks of the system's clock. */
function work(): number {
  let sum = 0;
  for (let step = 0; step < 200_000; step += 1) sum = (sum + Math.imul(step, 31)) | 0;
  return sum;
}

describe('CPU time', () => {
  it.each([
    ['of a thread', threadCpuNs],
    ['of the process', processCpuNs],
  ])('%s tells runs that are shorter than a tick of the clock', (_, clock) => {
    for (let run = 0; run < 50; run += 1) {
      const before = clock();
      work();
      expect(clock() - before).toBeGreaterThan(0);
    }
  });
});
