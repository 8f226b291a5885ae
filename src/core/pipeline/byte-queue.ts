import { copyBytes } from '../binary/copy-bytes.ts';

const BLOCK_BYTES = 65_536;

/** Bytes that wait to be read, in blocks that are used again. */
export class ByteQueue {
  /** Bytes that wait. */
  waiting = 0;
  readonly #blockBytes: number;
  readonly #blocks: Uint8Array[];
  #spare: Uint8Array | null = null;
  /** Where the first block is read, and the last one written. */
  #from = 0;
  #to = 0;

  constructor(blockBytes: number = BLOCK_BYTES) {
    this.#blockBytes = blockBytes;
    this.#blocks = [new Uint8Array(blockBytes)];
  }

  /** Copies bytes behind those that wait. */
  put(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#to === this.#blockBytes) this.#begin();
      const count = Math.min(bytes.length - at, this.#blockBytes - this.#to);
      copyBytes(bytes, at, count, this.#blocks.at(-1)!, this.#to);
      this.#to += count;
      at += count;
    }
    this.waiting += bytes.length;
  }

  /** Moves bytes that wait to the front of `room`, as many as the first block has. @returns how many. */
  take(room: Uint8Array): number {
    const block = this.#blocks[0]!;
    const isLast = this.#blocks.length === 1;
    const count = Math.min(room.length, (isLast ? this.#to : this.#blockBytes) - this.#from);
    copyBytes(block, this.#from, count, room, 0);
    this.#from += count;
    this.waiting -= count;
    if (isLast && this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
    } else if (this.#from === this.#blockBytes) {
      this.#spare = block;
      this.#blocks.shift();
      this.#from = 0;
    }
    return count;
  }

  #begin(): void {
    this.#blocks.push(this.#spare ?? new Uint8Array(this.#blockBytes));
    this.#spare = null;
    this.#to = 0;
  }
}
