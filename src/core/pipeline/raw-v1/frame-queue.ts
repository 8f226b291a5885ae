const CHUNK_BYTES = 1 << 18;
const PREFIX_BYTES = 4;

/** Frames that wait to be read, as bytes of a recording: each with its length in front. */
export class FrameQueue {
  /** Bytes that wait. */
  size = 0;
  readonly #chunks: { readonly bytes: Uint8Array; from: number; to: number }[] = [];
  #spare: Uint8Array | null = null;
  readonly #prefix: Uint8Array = new Uint8Array(PREFIX_BYTES);
  readonly #prefixView: DataView = new DataView(this.#prefix.buffer);

  put(frame: Uint8Array): void {
    this.#prefixView.setUint32(0, frame.length, true);
    this.#append(this.#prefix);
    this.#append(frame);
  }

  /** Moves as much as fits into `into`. @returns how many bytes. */
  take(into: Uint8Array): number {
    let done = 0;
    for (let chunk = this.#chunks[0]; chunk !== undefined && done < into.length; chunk = this.#chunks[0]) {
      const count = Math.min(into.length - done, chunk.to - chunk.from);
      into.set(chunk.bytes.subarray(chunk.from, chunk.from + count), done);
      chunk.from += count;
      done += count;
      if (chunk.from < chunk.to) break;
      this.#chunks.shift();
      this.#spare = chunk.bytes;
    }
    this.size -= done;
    return done;
  }

  #append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      let chunk = this.#chunks.at(-1);
      if (chunk === undefined || chunk.to === CHUNK_BYTES) {
        chunk = { bytes: this.#spare ?? new Uint8Array(CHUNK_BYTES), from: 0, to: 0 };
        this.#spare = null;
        this.#chunks.push(chunk);
      }
      const count = Math.min(bytes.length - from, CHUNK_BYTES - chunk.to);
      chunk.bytes.set(bytes.subarray(from, from + count), chunk.to);
      chunk.to += count;
      from += count;
    }
    this.size += bytes.length;
  }
}
