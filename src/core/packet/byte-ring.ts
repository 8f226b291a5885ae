/*
 * Single-producer single-consumer ring of bytes in shared memory:
 *
 *     32-bit words: 0 bytes written · 16 bytes read · 32 ended (1) · 33 cut (1), to begin anew (2) ·
 *                   48 the producer waits (1) · 64 … the bytes
 *
 * Counters run freely in 32 bits, each on a cache line of its own.
 */

const WRITTEN = 0;
const READ = 16;
const ENDED = 32;
const CUT = 33;
const PRODUCER_WAITS = 48;
const HEAD_WORDS = 64;

const IS_CUT = 1;
const IS_ASKED = 2;

/**
 * A stream of bytes from one thread to another: what does not fit waits, nothing is dropped. A producer that cannot wait
 * may cut the stream; once the consumer has read up to there and asks for it, another one begins in its place.
 */
export class ByteRing {
  readonly capacity: number;
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Uint8Array<SharedArrayBuffer>;
  readonly #mask: number;

  /** @param capacity bytes, a power of two. */
  constructor(capacity: number, memory: SharedArrayBuffer | null = null) {
    if (capacity < 64 || (capacity & (capacity - 1)) !== 0) {
      throw new RangeError(`a ring of ${capacity} bytes, a power of two was expected`);
    }
    this.capacity = capacity;
    this.memory = memory ?? new SharedArrayBuffer(HEAD_WORDS * 4 + capacity);
    this.#words = new Int32Array(this.memory, 0, HEAD_WORDS);
    this.#bytes = new Uint8Array(this.memory, HEAD_WORDS * 4);
    this.#mask = capacity - 1;
  }

  /** The ring that another thread has made. */
  static attach(memory: SharedArrayBuffer): ByteRing {
    return new ByteRing(memory.byteLength - HEAD_WORDS * 4, memory);
  }

  /** Bytes that are written and not read, as either side sees it. */
  get waiting(): number {
    return (Atomics.load(this.#words, WRITTEN) - Atomics.load(this.#words, READ)) | 0;
  }

  /** Producer: bytes that fit now. */
  get room(): number {
    return this.capacity - this.waiting;
  }

  /** Producer: puts as many bytes from `from` on as fit, and wakes the consumer. @returns how many. */
  put(chunk: Uint8Array, from: number): number {
    const written = Atomics.load(this.#words, WRITTEN);
    const room = this.capacity - ((written - Atomics.load(this.#words, READ)) | 0);
    const count = Math.min(room, chunk.length - from);
    if (count === 0) return 0;
    const at = written & this.#mask;
    const first = Math.min(count, this.capacity - at);
    this.#bytes.set(chunk.subarray(from, from + first), at);
    if (count > first) this.#bytes.set(chunk.subarray(from + first, from + count), 0);
    Atomics.store(this.#words, WRITTEN, (written + count) | 0);
    Atomics.notify(this.#words, WRITTEN);
    return count;
  }

  /** Producer: sleeps until something was read, at most so long; not on a thread that must not block. */
  waitForRoom(ms: number): void {
    const read = Atomics.load(this.#words, READ);
    Atomics.store(this.#words, PRODUCER_WAITS, 1);
    if (this.waiting === this.capacity) Atomics.wait(this.#words, READ, read, ms);
    Atomics.store(this.#words, PRODUCER_WAITS, 0);
  }

  /** Producer: nothing more comes. */
  end(): void {
    Atomics.store(this.#words, ENDED, 1);
    Atomics.notify(this.#words, WRITTEN);
  }

  /** Producer: what would come next does not come. */
  cut(): void {
    Atomics.store(this.#words, CUT, IS_CUT);
    Atomics.notify(this.#words, WRITTEN);
  }

  /** Producer: has the consumer read all in front of the cut, and waits for a stream that begins anew? */
  get isAsked(): boolean {
    return Atomics.load(this.#words, CUT) === IS_ASKED;
  }

  /** Producer: sleeps until the consumer asks for a stream behind the cut, at most so long. */
  waitUntilAsked(ms: number): void {
    Atomics.wait(this.#words, CUT, IS_CUT, ms);
  }

  /** Producer: another stream begins. */
  beginAnew(): void {
    Atomics.store(this.#words, CUT, 0);
  }

  /** Consumer: has everything in front of a cut been read? */
  get isCut(): boolean {
    return Atomics.load(this.#words, CUT) === IS_CUT && this.waiting === 0;
  }

  /** Consumer: waits for the stream that begins behind the cut. */
  askAnew(): void {
    Atomics.store(this.#words, CUT, IS_ASKED);
    Atomics.notify(this.#words, CUT);
  }

  /** Consumer: copies what is at hand, as much as fits. @returns bytes, 0 = nothing is at hand. */
  take(into: Uint8Array): number {
    const read = Atomics.load(this.#words, READ);
    const count = Math.min((Atomics.load(this.#words, WRITTEN) - read) | 0, into.length);
    if (count === 0) return 0;
    const at = read & this.#mask;
    const first = Math.min(count, this.capacity - at);
    into.set(this.#bytes.subarray(at, at + first));
    if (count > first) into.set(this.#bytes.subarray(0, count - first), first);
    Atomics.store(this.#words, READ, (read + count) | 0);
    if (Atomics.load(this.#words, PRODUCER_WAITS) === 1) Atomics.notify(this.#words, READ);
    return count;
  }

  /** Consumer: has everything been read that will ever come? */
  get hasEnded(): boolean {
    return Atomics.load(this.#words, ENDED) === 1 && this.waiting === 0;
  }

  /** Consumer: sleeps until something is at hand or the end is, at most so long, without blocking the thread. */
  async wait(ms: number): Promise<void> {
    const written = Atomics.load(this.#words, WRITTEN);
    if (this.waiting > 0 || this.hasEnded || this.isCut) return;
    const { async, value } = Atomics.waitAsync(this.#words, WRITTEN, written, ms);
    if (async) await value;
  }
}
