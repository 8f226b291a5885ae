const TRIES = 20;

/** The monotonic clock of the machine, the same on all threads, without allocating: ns. */
export class MachineClock {
  /** From the clock of this thread to that of the machine, ms. */
  readonly #offsetMs: number;

  constructor() {
    let least = Number.POSITIVE_INFINITY;
    let offset = 0;
    // The try that nothing came between is the best one.
    for (let round = 0; round < TRIES; round += 1) {
      const before = performance.now();
      const [seconds, nanos] = process.hrtime();
      const after = performance.now();
      if (after - before >= least) continue;
      least = after - before;
      offset = seconds * 1e3 + nanos / 1e6 - (before + after) / 2;
    }
    this.#offsetMs = offset;
  }

  ns(): number {
    return Math.round((performance.now() + this.#offsetMs) * 1e6);
  }
}
