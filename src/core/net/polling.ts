import { availableParallelism } from 'node:os';

/** Weight of the last wait in the mean. */
const SHARE = 1 / 8;
/** Longer waits say no more than this many times the longest look: a line that wakes up is seen soon. */
const LONGEST = 4;
/** How long others have the processor that somebody was put off while polling, ms. */
const BACK_OFF_MS = 50;

/**
 * How long a thread looks again and again for what it waits for before it sleeps. It takes longer to wake a thread than
 * to handle a packet, so while packets come closely it pays to stay awake; where they do not, or where there are fewer
 * processors than threads with something to do, it only takes time from others.
 */
export class Polling {
  readonly #mostMs: number;
  /** What was waited in the mean, ms. */
  #meanMs: number;
  #notBefore = 0;

  /** @param mostMs longest look; 0 = never. With a single processor whoever is waited for could not run meanwhile. */
  constructor(mostMs: number, processors: number = availableParallelism()) {
    this.#mostMs = processors > 1 ? mostMs : 0;
    this.#meanMs = mostMs * LONGEST;
  }

  /** @returns how long to look now, ms; 0 = sleep at once. */
  lookMs(now: number): number {
    return this.#meanMs < this.#mostMs && now >= this.#notBefore ? this.#mostMs : 0;
  }

  /** So long was waited, polling or asleep. */
  note(ms: number): void {
    this.#meanMs += (Math.min(ms, this.#mostMs * LONGEST) - this.#meanMs) * SHARE;
  }

  /** A look has taken so long: much more than it should means that another thread had the processor. */
  looked(ms: number, now: number): void {
    if (ms > 2 * this.#mostMs) this.#notBefore = now + BACK_OFF_MS;
  }
}
