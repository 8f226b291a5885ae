import { expect, test } from 'vitest';
import { ThreadCpu } from '../../../src/core/observe/thread-cpu.ts';

/** Works until the system has counted as much processor time of this thread. */
function work(ms: number): void {
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  for (const until = spent() + ms; spent() < until; );
}

test('a thread says what processor time it has used, and what part of the time since it said so last', () => {
  const own = new ThreadCpu();
  const seen = new ThreadCpu(own.memory);
  work(1);
  own.note(1000);
  const first = seen.ns;
  expect([first > 0, seen.load]).toEqual([true, 0]);
  work(10);
  own.note(1999);
  expect(seen.ns).toBe(first);
  own.note(3000);
  const used = seen.ns - first;
  expect(used).toBeGreaterThanOrEqual(10e6);
  expect(seen.load).toBeCloseTo(used / 2e9, 12);
  expect(seen.seconds).toBe(seen.ns / 1e9);
});
