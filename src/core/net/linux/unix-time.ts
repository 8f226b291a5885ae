const NS_PER_SECOND = 1_000_000_000;
const TWO_32 = 4294967296;

/**
 * Turns seconds and nanoseconds since 1970 UTC, as the kernel gives times, into the halves of one 64-bit count of
 * nanoseconds. What a second begins with is kept, because most packets come in the second of the one before.
 */
export class UnixTime {
  high = 0;
  low = 0;
  #seconds = 0;
  #startHigh = 0;
  /** Low half of the second's begin, unsigned. */
  #startLow = 0;

  /** @param seconds below 2^32 (the year 2106); @param nanoseconds below 10^9. */
  set(seconds: number, nanoseconds: number): void {
    if (seconds !== this.#seconds) this.#begin(seconds);
    const low = this.#startLow + nanoseconds;
    this.low = low | 0;
    this.high = (this.#startHigh + (low >= TWO_32 ? 1 : 0)) | 0;
  }

  #begin(seconds: number): void {
    const lower = (seconds & 0xffff) * NS_PER_SECOND;
    const upper = (seconds >>> 16) * NS_PER_SECOND + Math.floor(lower / 65536);
    this.#seconds = seconds;
    this.#startLow = (upper % 65536) * 65536 + (lower % 65536);
    this.#startHigh = Math.floor(upper / 65536) | 0;
  }
}
