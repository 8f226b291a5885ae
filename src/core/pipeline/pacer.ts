import { nsBetween } from '../binary/time.ts';

/** Clock and sleep of a paced run; tests bring a virtual one. */
export interface Clock {
  /** Monotonic, ns. */
  now(): number;
  sleep(ns: number): Promise<void>;
}

/** Shorter waits are not worth a timer: the events go out a little early, never late. */
const WAIT_NS_MIN = 1_000_000;

/**
 * Plays recorded times back at a factor. Every due time is computed from one anchor, so lateness never adds up.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #factor: number;
  #anchored = false;
  #anchorNow = 0;
  #anchorHigh = 0;
  #anchorLow = 0;

  constructor(clock: Clock, factor: number) {
    this.#clock = clock;
    this.#factor = factor;
  }

  /** How long to wait, ns, before what was received at this time is due; 0 = go on. */
  waitNs(timeHigh: number, timeLow: number): number {
    if (!this.#anchored) {
      this.#anchored = true;
      this.#anchorNow = this.#clock.now();
      this.#anchorHigh = timeHigh;
      this.#anchorLow = timeLow;
      return 0;
    }
    const due =
      this.#anchorNow + nsBetween(timeHigh, timeLow, this.#anchorHigh, this.#anchorLow) / this.#factor;
    const wait = due - this.#clock.now();
    return wait >= WAIT_NS_MIN ? wait : 0;
  }

  /** What comes next is due now, and the rest counts from there: after a pause. */
  restart(): void {
    this.#anchored = false;
  }

  sleep(ns: number): Promise<void> {
    return this.#clock.sleep(ns);
  }
}
