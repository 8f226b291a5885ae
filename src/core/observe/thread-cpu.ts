const NOTE_MS = 1000;
const NS_PER_MS = 1e6;
const NS_PER_US = 1000;
const NS_PER_SECOND = 1e9;

const SPENT = 0;
const LOAD = 1;

/**
 * Processor time of a thread in shared memory: the thread notes it about once a second, whoever looks after it reads. Also
 * for threads that never come back to an event loop.
 */
export class ThreadCpu {
  readonly memory: SharedArrayBuffer;
  readonly #values: Float64Array;
  #notedMs: number = Number.NEGATIVE_INFINITY;

  /** @param memory that another thread has made; absent: new. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.memory = memory;
    this.#values = new Float64Array(memory);
  }

  /** Notes the time of the calling thread, where that is due. @param now ms of `performance.now`. */
  note(now: number): void {
    const passedMs = now - this.#notedMs;
    if (passedMs < NOTE_MS) return;
    const values = this.#values;
    const { user, system } = process.threadCpuUsage();
    const spent = (user + system) * NS_PER_US;
    values[LOAD] = (spent - values[SPENT]!) / (passedMs * NS_PER_MS);
    values[SPENT] = spent;
    this.#notedMs = now;
  }

  get ns(): number {
    return this.#values[SPENT]!;
  }

  get seconds(): number {
    return this.ns / NS_PER_SECOND;
  }

  /** Of the time between the last two notes, the part that it had a processor. */
  get load(): number {
    return this.#values[LOAD]!;
  }
}
