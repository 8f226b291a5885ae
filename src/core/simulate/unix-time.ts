import { bigHigh, bigLow } from '../binary/time.ts';

const TWO_32 = 4294967296;

/** Turns times of the trading day into ns since 1970, as halves. */
export class UnixTime {
  high = 0;
  low = 0;
  readonly #midnightHigh: number;
  readonly #midnightLow: number;

  /** @param midnight ns since 1970 of the midnight that times count from. */
  constructor(midnight: bigint) {
    this.#midnightHigh = bigHigh(midnight);
    this.#midnightLow = bigLow(midnight);
  }

  /** @param time ns since midnight, a safe integer. */
  set(time: number): void {
    this.low = (this.#midnightLow + (time | 0)) | 0;
    const carry = this.low >>> 0 < this.#midnightLow >>> 0 ? 1 : 0;
    this.high = this.#midnightHigh + Math.floor(time / TWO_32) + carry;
  }
}
