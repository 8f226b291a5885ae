/** Clock of a sender; tests bring a virtual one. */
export interface WireClock {
  /** Monotonic, ns. */
  now(): number;
  /** Returns at this time, exactly; the thread waits. */
  block(until: number): void;
  /** Comes back about so many ns later, and lets others work meanwhile. */
  sleep(ns: number): Promise<void>;
}

/** The last part of a wait: the thread keeps it for itself, because timers are not exact. */
const BLOCK_NS = 2_000_000;
/** The thread answers nobody while it blocks; at least this often it lets others work. */
const TURN_NS = 20_000_000;

/**
 * Holds what is sent to its plan. There is one anchor, the start: a datagram that went out late makes none of the later
 * ones late, and after a stall they follow each other until the plan is met again. Nothing goes out early.
 */
export class WirePacer {
  readonly #clock: WireClock;
  #anchor: number | null = null;
  #turn = 0;
  #rest = 0;

  constructor(clock: WireClock) {
    this.#clock = clock;
  }

  /** @param due ns after the start, which is the first call. @returns whether the time has not come yet. */
  isAhead(due: number): boolean {
    const now = this.#clock.now();
    if (this.#anchor === null) {
      this.#anchor = now - due;
      this.#turn = now;
    }
    return this.#anchor + due > now;
  }

  /** Blocks until then where that is soon. @returns false where `rest` has to be awaited first. */
  block(due: number): boolean {
    const now = this.#clock.now();
    const until = this.#anchor! + due;
    this.#rest = Math.max(0, until - now - BLOCK_NS);
    if (this.#rest > 0 || now - this.#turn > TURN_NS) return false;
    this.#clock.block(until);
    return true;
  }

  /** Others work meanwhile. */
  async rest(): Promise<void> {
    if (this.#rest > 0) await this.#clock.sleep(this.#rest);
    this.#rest = 0;
    this.#turn = this.#clock.now();
  }

  /** How long ago what goes out now was due, ns. */
  lateness(due: number): number {
    return this.#clock.now() - (this.#anchor! + due);
  }
}
