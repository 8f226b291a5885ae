import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * What comes within this time is waited for on the spot, ms: to wake an event loop costs several times what it costs to
 * wake a thread, and at a high rate that is most of what a packet costs.
 */
const MOMENT_MS = 0.2;

/**
 * Wakes one sleeping consumer of several queues: a counter in shared memory that receivers move on when they have
 * published. Whoever wants to sleep looks at it first, then at the queues, and sleeps only while it stands still.
 */
export class Doorbell {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  #seen = 0;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  ring(): void {
    Atomics.add(this.#words, 0, 1);
    Atomics.notify(this.#words, 0);
  }

  /** Before the queues are looked at. */
  look(): void {
    this.#seen = Atomics.load(this.#words, 0);
  }

  /**
   * Sleeps until it has rung since `look`, `ms` at most. Everything else on the thread has its turn before; then the thread
   * is blocked for a moment, and behind that it is not.
   */
  async wait(ms: number): Promise<void> {
    await nextTurn();
    const words = this.#words;
    if (Atomics.wait(words, 0, this.#seen, Math.min(ms, MOMENT_MS)) !== 'timed-out') return;
    const { async, value } = Atomics.waitAsync(words, 0, this.#seen, ms);
    if (async) await value;
  }
}
