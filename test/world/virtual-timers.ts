import type { RecoveryTimers } from '../../src/core/merge/recovery/surroundings.ts';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until the test moves it. What is due at one time runs in the order it was set. */
export class VirtualTimers implements RecoveryTimers {
  #now = 0;
  #order = 0;
  #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  utc(): string {
    return String(1_692_712_800_000_000_000n + BigInt(this.#now));
  }

  after(ns: number, run: () => void): () => void {
    const timer = { due: this.#now + Math.max(0, ns), order: this.#order, run };
    this.#order += 1;
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that are set. */
  get count(): number {
    return this.#timers.length;
  }

  /** Moves to the next timer and runs it. @returns false when none is set. */
  step(): boolean {
    const next = this.#timers.toSorted((a, b) => a.due - b.due || a.order - b.order)[0];
    if (next === undefined) return false;
    this.#timers = this.#timers.filter((other) => other !== next);
    this.#now = next.due;
    next.run();
    return true;
  }

  /** Runs what is due until `ns` from now, and stands there. */
  advance(ns: number): void {
    const end = this.#now + ns;
    while (this.#timers.some(({ due }) => due <= end)) this.step();
    this.#now = end;
  }
}
