import type { SegmentBytes } from './segment-bytes.ts';

/** Bytes that are read at once; what is read through a window is at most as long as it. */
const READ_BYTES = 1 << 18;

/**
 * A stretch of a segment in memory, moved over it by whoever reads. It begins at a multiple of 8, so that words of frames
 * can be read where they lie.
 */
export class SegmentWindow {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Of the segment when the window was opened; what is appended later is not looked at. */
  readonly size: number;
  readonly #source: SegmentBytes;
  /** The stretch: bytes `#base` … `#base + #held − 1` of the segment. */
  #base = 0;
  #held = 0;
  #present = -1;

  /** @param bytesMax longest stretch that `at` is asked for. */
  constructor(source: SegmentBytes, bytesMax: number) {
    this.#source = source;
    this.size = source.bytes;
    this.bytes = new Uint8Array((Math.max(64, Math.min(bytesMax + READ_BYTES, this.size)) + 7) & ~7);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Where the bytes from `offset` stand in `bytes`, `length` of them; −1 where the segment ends before they do. */
  at(offset: number, length: number): number {
    const at = offset - this.#base;
    if (at >= 0 && at + length <= this.#held) return at;
    return this.#move(offset, length);
  }

  /** Where the segment ends without the zeros behind its last byte: they count as absent. */
  get present(): number {
    if (this.#present < 0) this.#present = this.#findPresent();
    return this.#present;
  }

  #move(offset: number, length: number): number {
    if (offset + length > this.size) return -1;
    const { bytes } = this;
    const start = offset - (offset % 8);
    const kept = start - this.#base;
    if (kept >= 0 && kept < this.#held) {
      bytes.copyWithin(0, kept, this.#held);
      this.#held -= kept;
    } else this.#held = 0;
    this.#base = start;
    const wanted = Math.max(offset + length - start, Math.min(this.#held + READ_BYTES, bytes.length));
    const until = Math.min(wanted, this.size - start);
    this.#held += this.#source.read(bytes.subarray(this.#held, until), start + this.#held);
    const at = offset - start;
    return at + length <= this.#held ? at : -1;
  }

  #findPresent(): number {
    const piece = new Uint8Array(Math.min(READ_BYTES, this.size));
    for (let end = this.size; end > 0; ) {
      const start = Math.max(0, end - piece.length);
      const read = this.#source.read(piece.subarray(0, end - start), start);
      for (let at = read - 1; at >= 0; at -= 1) if (piece[at] !== 0) return start + at + 1;
      end = start;
    }
    return 0;
  }
}
