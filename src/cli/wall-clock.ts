import type { Clock } from '../core/pipeline/pacer.ts';
import type { WireClock } from '../core/pipeline/wire-pacer.ts';
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

/** Shorter than this the thread does not sleep: waking it takes about as long. */
const SPIN_NS = 100_000;
const NS_PER_MS = 1e6;

/** The same with waits that are exact, for what is sent. */
export function wireClock(interruption: Interruption): WireClock {
  const { sleep } = wallClock(interruption);
  const never = new Int32Array(new SharedArrayBuffer(4));
  const now = (): number => performance.now() * NS_PER_MS;
  return {
    now,
    sleep,
    block(until) {
      for (let left = until - now(); left > 0; left = until - now()) {
        if (left > SPIN_NS) Atomics.wait(never, 0, 0, (left - SPIN_NS) / NS_PER_MS);
      }
    },
  };
}
