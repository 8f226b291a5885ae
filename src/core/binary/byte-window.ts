/**
 * A sliding window over a byte stream: sources write at its end, decoders read at its position, and what is
 * not consumed is moved to the front when room is needed. One fixed ArrayBuffer, so one DataView serves for all.
 *
 *     bytes:  [ consumed | position … limit | free ]        base = stream offset of bytes[0]
 */
export class ByteWindow {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  position = 0;
  limit = 0;
  /** Stream offset of `bytes[0]`; a safe integer. */
  base = 0;
  /** No more bytes will come: what cannot be read now is cut off. */
  ended = false;
  /** Bytes behind `limit` that are there and not shown yet. */
  #hidden = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Forgets everything: the window is about to slide over another stream. */
  reset(): void {
    this.position = 0;
    this.limit = 0;
    this.base = 0;
    this.ended = false;
    this.#hidden = 0;
  }

  /** Bytes that can be read now. */
  get available(): number {
    return this.limit - this.position;
  }

  /** Stream offset of the next byte to read. */
  get offset(): number {
    return this.base + this.position;
  }

  /** Moves what is unread to the front and returns the free room behind it (may be empty when a reader stalls). */
  room(): Uint8Array<ArrayBuffer> {
    if (this.position > 0) {
      this.bytes.copyWithin(0, this.position, this.limit + this.#hidden);
      this.base += this.position;
      this.limit -= this.position;
      this.position = 0;
    }
    return this.bytes.subarray(this.limit + this.#hidden);
  }

  /** Shows only the next `count` bytes of those that can be read, until `showAll`. */
  showOnly(count: number): void {
    const hide = this.available - count;
    this.limit -= hide;
    this.#hidden += hide;
  }

  /** Shows what is there again. */
  showAll(): void {
    this.limit += this.#hidden;
    this.#hidden = 0;
  }

  /** Says that `count` bytes were written into `room()`. */
  commit(count: number): void {
    this.limit += count;
  }
}
