import { HEAD_BYTES, LENGTH_BYTES } from './layout.ts';

/** Kept between messages; longer ones are let go of. */
const KEPT_BYTES_MAX = 4096;
const GROWTH_BYTES = 256;
const NOTHING: Uint8Array = new Uint8Array(0);

/** Takes the messages that are cut out of a stream; bytes are valid until it returns. @returns false: no more of them. */
export type TakeMessage = (type: number, bytes: Uint8Array, from: number, to: number) => boolean;

/**
 * Cuts the bytes of one sender into messages, wherever its chunks begin and end. What is whole is handed over where it
 * lies; only a message that goes on in the next chunk is copied.
 */
export class MessageCutter {
  /** Why the stream cannot be cut any further. */
  problem: 'length' | null = null;
  readonly #longest: number;
  /** The beginning of a message that is not whole yet. */
  #begun: Uint8Array = NOTHING;
  #used = 0;

  /** @param longest bytes of a message, its type included. */
  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Bytes that wait for the rest of their message. */
  get waiting(): number {
    return this.#used;
  }

  /** Takes the bytes `from` … `to` of a chunk. */
  push(chunk: Uint8Array, from: number, to: number, take: TakeMessage): void {
    let at = this.#used === 0 ? from : this.#finish(chunk, from, to, take);
    while (at >= 0 && to - at >= HEAD_BYTES) {
      const length = lengthAt(chunk, at);
      if (length === 0 || length > this.#longest) {
        this.problem = 'length';
        return;
      }
      const end = at + LENGTH_BYTES + length;
      if (end > to) break;
      if (!take(chunk[at + LENGTH_BYTES]!, chunk, at + HEAD_BYTES, end)) return;
      at = end;
    }
    if (at >= 0 && at < to) this.#keep(chunk, at, to);
  }

  /** Completes the message that was begun. @returns where the next one begins in the chunk; −1: there is none. */
  #finish(chunk: Uint8Array, from: number, to: number, take: TakeMessage): number {
    let at = Math.min(from + Math.max(HEAD_BYTES - this.#used, 0), to);
    this.#keep(chunk, from, at);
    if (this.#used < HEAD_BYTES) return -1;
    const length = lengthAt(this.#begun, 0);
    if (length === 0 || length > this.#longest) {
      this.problem = 'length';
      return -1;
    }
    const end = LENGTH_BYTES + length;
    const missing = Math.min(end - this.#used, to - at);
    this.#keep(chunk, at, at + missing);
    at += missing;
    if (this.#used < end) return -1;
    const message = this.#begun;
    this.#used = 0;
    if (message.length > KEPT_BYTES_MAX) this.#begun = NOTHING;
    return take(message[LENGTH_BYTES]!, message, HEAD_BYTES, end) ? at : -1;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    if (from === to) return;
    this.#room(this.#used + to - from);
    this.#begun.set(chunk.subarray(from, to), this.#used);
    this.#used += to - from;
  }

  #room(bytes: number): void {
    if (bytes <= this.#begun.length) return;
    // Grows with the bytes that come, not with the length they claim.
    const grown = new Uint8Array(Math.max(bytes, this.#begun.length * 2, GROWTH_BYTES));
    grown.set(this.#begun.subarray(0, this.#used));
    this.#begun = grown;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
