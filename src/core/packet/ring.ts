/**
 * Single-producer single-consumer ring of 32-bit numbers in shared memory:
 *
 *     0 written · 16 read · 32 … the numbers (each counter on a cache line of its own)
 *
 * Counters run freely in 32 bits. The producer puts numbers and publishes them in batches; the consumer takes
 * numbers and gives the room back in batches. A waiting consumer sleeps on the written counter.
 */
export class Ring {
  readonly capacity: number;
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #mask: number;
  /** Producer: put but not published, and the consumer's position as last seen. */
  #put: number;
  #seenRead: number;
  /** Consumer: taken but not given back, and the producer's position as last seen. */
  #taken: number;
  #seenWritten: number;

  /** @param capacity a power of two. */
  constructor(capacity: number, memory: SharedArrayBuffer | null = null) {
    if (capacity < 1 || (capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`a ring of ${capacity}, a power of two was expected`);
    }
    this.capacity = capacity;
    this.memory = memory ?? new SharedArrayBuffer((HEAD_WORDS + capacity) * 4);
    this.#words = new Int32Array(this.memory);
    this.#mask = capacity - 1;
    this.#put = Atomics.load(this.#words, WRITTEN);
    this.#seenRead = Atomics.load(this.#words, READ);
    this.#taken = this.#seenRead;
    this.#seenWritten = this.#put;
  }

  /** Producer. @returns false when the ring is full. */
  put(value: number): boolean {
    if (((this.#put - this.#seenRead) | 0) === this.capacity) {
      this.#seenRead = Atomics.load(this.#words, READ);
      if (((this.#put - this.#seenRead) | 0) === this.capacity) return false;
    }
    this.#words[HEAD_WORDS + (this.#put & this.#mask)] = value;
    this.#put = (this.#put + 1) | 0;
    return true;
  }

  /** Producer: shows what was put to the consumer and wakes it. */
  publish(): void {
    if (Atomics.load(this.#words, WRITTEN) === this.#put) return;
    Atomics.store(this.#words, WRITTEN, this.#put);
    Atomics.notify(this.#words, WRITTEN);
  }

  /** Consumer. @returns the next number, or −1 when there is none: the numbers in a ring are never negative. */
  take(): number {
    if (this.#taken === this.#seenWritten) {
      this.#seenWritten = Atomics.load(this.#words, WRITTEN);
      if (this.#taken === this.#seenWritten) return -1;
    }
    const value = this.#words[HEAD_WORDS + (this.#taken & this.#mask)]!;
    this.#taken = (this.#taken + 1) | 0;
    return value;
  }

  /** Consumer: gives the room of what was taken back to the producer. */
  release(): void {
    Atomics.store(this.#words, READ, this.#taken);
  }

  /** Numbers that are published and not yet given back, as either side sees it. */
  get waiting(): number {
    return (Atomics.load(this.#words, WRITTEN) - Atomics.load(this.#words, READ)) | 0;
  }

  /** Consumer: sleeps until something is published, at most so long; not on a thread that must not block. */
  wait(ms: number): void {
    Atomics.wait(this.#words, WRITTEN, this.#seenWritten, ms);
  }

  /** Consumer: the same without blocking the thread. */
  async waitAsync(ms: number): Promise<void> {
    const { async, value } = Atomics.waitAsync(this.#words, WRITTEN, this.#seenWritten, ms);
    if (async) await value;
  }
}

const WRITTEN = 0;
const READ = 16;
const HEAD_WORDS = 32;
