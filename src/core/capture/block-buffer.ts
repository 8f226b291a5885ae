/** Takes bytes that were written; they are its own only until it returns. */
export type ByteSink = (chunk: Uint8Array) => void;

/** Collects small writes into one reused buffer that goes to the sink when it is full, or on `flush`. */
export class BlockBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly #sink: ByteSink;
  #used = 0;

  constructor(sink: ByteSink, capacity: number) {
    this.#sink = sink;
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /**
   * Makes room and counts it as written.
   * @returns where to write in `bytes` and `view`. The room holds old bytes: write all of it.
   */
  reserve(length: number): number {
    if (this.#used + length > this.bytes.length) {
      if (length > this.bytes.length)
        throw new RangeError(`a block of ${length} bytes, at most ${this.bytes.length}`);
      this.flush();
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }

  flush(): void {
    if (this.#used === 0) return;
    const chunk = this.bytes.subarray(0, this.#used);
    this.#used = 0;
    this.#sink(chunk);
  }
}
