import type { Syscalls } from './syscalls.ts';
import { UnixTime } from './unix-time.ts';

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const TWO_32 = 4294967296;

/**
 * Turns times of CLOCK_MONOTONIC into ns since 1970 UTC, by the difference of the two clocks, which is measured at the
 * start and again when the times have gone on by about a second (2^30 ns): the system clock may be steered meanwhile.
 */
export class MonotonicClock {
  high = 0;
  low = 0;
  readonly #calls: Syscalls;
  readonly #time: UnixTime = new UnixTime();
  #offsetHigh = 0;
  #offsetLow = 0;
  /** Bits 30 … 61 of the time that the difference was measured at. */
  #period = 0;

  constructor(calls: Syscalls) {
    this.#calls = calls;
    this.#measure();
  }

  convert(high: number, low: number): void {
    const period = (high << 2) | (low >>> 30);
    if (period !== this.#period) {
      this.#measure();
      this.#period = period;
    }
    const sum = (low >>> 0) + this.#offsetLow;
    this.low = sum | 0;
    this.high = (high + this.#offsetHigh + (sum >= TWO_32 ? 1 : 0)) | 0;
  }

  #measure(): void {
    const time = this.#time;
    this.#read(CLOCK_MONOTONIC);
    const { high, low } = time;
    this.#read(CLOCK_REALTIME);
    const difference = (time.low >>> 0) - (low >>> 0);
    this.#offsetLow = difference < 0 ? difference + TWO_32 : difference;
    this.#offsetHigh = time.high - high - (difference < 0 ? 1 : 0);
  }

  #read(clock: number): void {
    this.#calls.clockTime(clock);
    const { answer } = this.#calls;
    this.#time.set(answer.getUint32(0, true), answer.getInt32(8, true));
  }
}
