import type { Clock } from '../core/pipeline/pacer.ts';
import type { Interruption } from './signals.ts';

/** The machine's clock for paced runs; whoever sleeps on it wakes when somebody asks to stop. */
export function wallClock(interruption: Interruption): Clock {
  let wake = (): void => {};
  interruption.onRequest(() => wake());
  return {
    now: () => Number(process.hrtime.bigint()),
    sleep: (ns) =>
      new Promise((resolve) => {
        if (interruption.signal !== null) return resolve();
        // Timers hold 2^31 ms at most; a longer sleep is 24 days away.
        const timer = setTimeout(resolve, Math.min(Math.ceil(ns / 1e6), 0x7fffffff));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
  };
}
