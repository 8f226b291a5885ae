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

  /** Sleeps until it has rung since `look`, `ms` at most, without blocking the thread. */
  async wait(ms: number): Promise<void> {
    const { async, value } = Atomics.waitAsync(this.#words, 0, this.#seen, ms);
    if (async) await value;
  }
}
