import { zstdCompressSync } from 'node:zlib';
import type { ChunkSink } from './conversion.ts';

/** Bytes of one frame: large enough to compress well, small enough to be held. */
const FRAME_BYTES: number = 1 << 20;

/** Compresses with zstd, frame by frame; readers take frames that follow one another as one stream. */
export class ZstdFrames {
  readonly #sink: ChunkSink;
  readonly #bytes: Uint8Array = new Uint8Array(FRAME_BYTES);
  #used = 0;
  #frames = 0;

  constructor(sink: ChunkSink) {
    this.#sink = sink;
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const size = Math.min(chunk.length - at, FRAME_BYTES - this.#used);
      this.#bytes.set(chunk.subarray(at, at + size), this.#used);
      this.#used += size;
      at += size;
      if (this.#used === FRAME_BYTES) this.#compress();
    }
  }

  /** Writes the last frame; at least one, so that the file is one of zstd. */
  finish(): void {
    if (this.#used > 0 || this.#frames === 0) this.#compress();
  }

  #compress(): void {
    this.#sink(zstdCompressSync(this.#bytes.subarray(0, this.#used)));
    this.#used = 0;
    this.#frames += 1;
  }
}
