import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../pipeline/pacer.ts';

/** The machine's clock for paced inputs; sleeping ends with the signal. */
export function realClock(signal: AbortSignal): Clock {
  return {
    now: () => performance.now() * 1e6,
    async sleep(ns) {
      try {
        await sleep(ns / 1e6, undefined, { signal });
      } catch {
        // Whoever asked to stop looks at the signal.
      }
    },
  };
}
