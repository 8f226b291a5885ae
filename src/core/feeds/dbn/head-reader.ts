import type { ByteWindow } from '../../binary/byte-window.ts';
import { METADATA_PREFIX_BYTES, metadataBytes } from './metadata.ts';

/**
 * Collects the metadata at the head of a stream, which may be longer than the window. The buffer grows with the
 * bytes that come, not with the length they claim.
 */
export class HeadReader {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #used = 0;

  /** Bytes taken so far. */
  get used(): number {
    return this.#used;
  }

  /**
   * Takes what belongs to the metadata from the window.
   * @returns the whole metadata, or null while more bytes are needed. Throws MetadataError.
   */
  read(window: ByteWindow): Uint8Array | null {
    this.#take(window, METADATA_PREFIX_BYTES);
    if (this.#used < METADATA_PREFIX_BYTES) return null;
    const whole = metadataBytes(this.#bytes.subarray(0, METADATA_PREFIX_BYTES));
    this.#take(window, whole);
    return this.#used === whole ? this.#bytes.subarray(0, whole) : null;
  }

  #take(window: ByteWindow, until: number): void {
    const take = Math.min(until - this.#used, window.available);
    if (take <= 0) return;
    if (this.#used + take > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#used + take));
      grown.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = grown;
    }
    this.#bytes.set(window.bytes.subarray(window.position, window.position + take), this.#used);
    this.#used += take;
    window.position += take;
  }
}
