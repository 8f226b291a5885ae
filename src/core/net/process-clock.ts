const NS_PER_SECOND = 1_000_000_000;
const TWO_32 = 4294967296;
/** The system's clock was set, or the other one runs away: ms. */
const DIFFERENCE_MS_MAX = 2;

/**
 * UTC as this process sees it, to about a microsecond, in halves and without allocating: for packets that have no
 * time of the kernel, and for what is noted about the stream.
 */
export class ProcessClock {
  high = 0;
  low = 0;
  #origin: number = performance.timeOrigin;

  /** Sets `high` and `low` to now, ns since 1970. */
  read(): void {
    const ms = this.#origin + performance.now();
    const seconds = Math.floor(ms / 1000);
    const nanos = Math.floor((ms - seconds * 1000) * 1000) * 1000;
    const low = (Math.imul(seconds, NS_PER_SECOND) + nanos) | 0;
    this.low = low;
    this.high = Math.floor((seconds * NS_PER_SECOND + nanos - (low >>> 0)) / TWO_32 + 0.5) | 0;
  }

  /** Follows the system's clock where it was set; to be called now and then. */
  adjust(): void {
    const difference = Date.now() - (this.#origin + performance.now());
    // Date.now cuts to the millisecond.
    if (Math.abs(difference + 0.5) > DIFFERENCE_MS_MAX) this.#origin += difference + 0.5;
  }
}
