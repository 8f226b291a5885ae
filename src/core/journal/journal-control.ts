/*
 * What both ends of a journal's thread see of each other besides the ring, in shared memory:
 *
 *     64-bit words: 0 last event written · 1 last event that is durable · 2 bytes · 3 segments
 *     32-bit words: 8 state · 9 segments that are due · 10 turns of the thread · 11 messages said · 12 it should stop
 */

/** Where the thread is; 0 until it has opened its journal. */
export const STATE_OPEN = 1;
/** The directory is given back; unless it failed before, everything that was put is written. */
export const STATE_ENDED = 2;
/** It is gone, and said nothing. */
export const STATE_DEAD = 3;

const WRITTEN = 0;
const DURABLE = 1;
const BYTES = 2;
const SEGMENTS = 3;
const STATE = 8;
const DUE = 9;
const TURNS = 10;
const SAID = 11;
const STOP = 12;
const MEMORY_BYTES = 64;

export class JournalControl {
  readonly memory: SharedArrayBuffer;
  readonly #wide: BigInt64Array<SharedArrayBuffer>;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(MEMORY_BYTES)) {
    this.memory = memory;
    this.#wide = new BigInt64Array(memory);
    this.#words = new Int32Array(memory);
  }

  get written(): number {
    return Number(Atomics.load(this.#wide, WRITTEN));
  }

  get durable(): number {
    return Number(Atomics.load(this.#wide, DURABLE));
  }

  get bytes(): number {
    return Number(Atomics.load(this.#wide, BYTES));
  }

  get segments(): number {
    return Number(Atomics.load(this.#wide, SEGMENTS));
  }

  get state(): number {
    return Atomics.load(this.#words, STATE);
  }

  /** Segments that have been due so far. */
  get due(): number {
    return Atomics.load(this.#words, DUE);
  }

  /** Moves while the thread lives and is not waiting for the disk. */
  get turns(): number {
    return Atomics.load(this.#words, TURNS);
  }

  get said(): number {
    return Atomics.load(this.#words, SAID);
  }

  get shouldStop(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  /** Sleeps until the state is another one, at most so long. */
  waitForState(state: number, ms: number): void {
    Atomics.wait(this.#words, STATE, state, ms);
  }

  setState(state: number): void {
    Atomics.store(this.#words, STATE, state);
    Atomics.notify(this.#words, STATE);
  }

  setDue(): void {
    Atomics.add(this.#words, DUE, 1);
  }

  turn(): void {
    Atomics.add(this.#words, TURNS, 1);
  }

  say(): void {
    Atomics.add(this.#words, SAID, 1);
  }

  publish(at: {
    readonly written: number;
    readonly durable: number;
    readonly bytes: number;
    readonly segments: number;
  }): void {
    Atomics.store(this.#wide, BYTES, BigInt(at.bytes));
    Atomics.store(this.#wide, SEGMENTS, BigInt(at.segments));
    Atomics.store(this.#wide, WRITTEN, BigInt(at.written));
    Atomics.store(this.#wide, DURABLE, BigInt(at.durable));
  }
}
