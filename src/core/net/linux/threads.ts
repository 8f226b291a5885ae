import { failure } from './failures.ts';
import type { Syscalls } from './syscalls.ts';

const SCHED_FIFO = 1;
const CPUS_MAX = 1024;
/** mlockall: what is mapped now and what will be. */
const MCL_CURRENT_AND_FUTURE = 3;

/** Binds the calling thread to one processor, numbered as in /proc/cpuinfo. Throws MdxError where that cannot be. */
export function pinThread(calls: Syscalls, cpu: number): void {
  const mask = new Uint8Array(CPUS_MAX / 8);
  if (cpu >= 0 && cpu < CPUS_MAX) mask[cpu >>> 3] = 1 << (cpu & 7);
  const result = calls.setAffinity(mask);
  if (result < 0) throw failure(`CPU ${cpu}`, 'affinity', result);
}

/**
 * Gives the calling thread SCHED_FIFO with a priority of 1 to 99. A thread that never waits then takes its processor
 * whole: use it together with `pinThread`. Throws MdxError `right-missing` without the right.
 */
export function realtime(calls: Syscalls, priority: number): void {
  const result = calls.setScheduler(SCHED_FIFO, priority);
  if (result < 0) throw failure(`priority ${priority}`, 'realtime', result);
}

/**
 * Keeps the whole process in RAM. @returns what undoes it: to be called before the process ends, or Node dies of a trap.
 * Throws MdxError without the right or the limit.
 */
export function lockMemory(calls: Syscalls): () => void {
  const result = calls.lockMemory(MCL_CURRENT_AND_FUTURE);
  if (result < 0) throw failure('this process', 'lockMemory', result);
  return () => {
    calls.unlockMemory();
  };
}
