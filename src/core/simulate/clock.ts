import type { Random } from '../binary/random.ts';

const QUANTILES = 1024;
/** Waits inside a burst, as a share of the average one. */
const BURST_WAIT = 0.05;
const BURST_LENGTH_MIN = 20;
const BURST_LENGTH_MAX = 380;
const BURST_LENGTH_MEAN = (BURST_LENGTH_MIN + BURST_LENGTH_MAX) / 2;

/**
 * When things happen: waits are exponential, shorter while a burst lasts and longer between bursts, so that their
 * mean stays what it was told. Whole ns; time never stands still.
 */
export class Clock {
  /** ns since midnight. */
  time: number;
  /** Actions left of the burst that is on, 0 = none. */
  burst = 0;
  readonly #random: Random;
  readonly #calm: Int32Array;
  readonly #rush: Int32Array;
  readonly #burstChance: number;

  /** @param bursts share of the actions that come in bursts, below 1. */
  constructor(random: Random, time: number, waitNs: number, bursts: number) {
    this.#random = random;
    this.time = time;
    this.#calm = waits((waitNs * (1 - bursts * BURST_WAIT)) / (1 - bursts));
    this.#rush = waits(waitNs * BURST_WAIT);
    this.#burstChance = bursts / (BURST_LENGTH_MEAN * (1 - bursts));
  }

  /** Goes on to the next action. @returns whether a burst begins with it. */
  advance(): boolean {
    const random = this.#random;
    const begins = this.burst === 0 && random.unit() < this.#burstChance;
    if (begins) this.burst = BURST_LENGTH_MIN + random.below(BURST_LENGTH_MAX - BURST_LENGTH_MIN + 1);
    const table = this.burst > 0 ? this.#rush : this.#calm;
    if (this.burst > 0) this.burst -= 1;
    this.time += table[random.below(QUANTILES)];
    return begins;
  }
}

/** Quantiles of an exponential distribution in whole ns, at least 1. */
function waits(mean: number): Int32Array {
  return Int32Array.from({ length: QUANTILES }, (_, index) =>
    Math.max(1, Math.round(-Math.log(1 - (index + 0.5) / QUANTILES) * mean)),
  );
}
