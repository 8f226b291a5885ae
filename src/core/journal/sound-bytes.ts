import { MdxError } from '../errors.ts';
import type { SegmentBytes } from './segment-bytes.ts';

/** Where bytes cannot be read, these stand: no frame has them, and they are not absent as zeros are. */
const HOLE = 0xff;

/** Bytes of a segment with holes where a compressed block is damaged, so that what is behind it can still be looked at. */
export class SoundBytes implements SegmentBytes {
  readonly bytes: number;
  /** What was wrong with the first block that was. */
  problem: string | null = null;
  readonly #source: SegmentBytes;

  constructor(source: SegmentBytes) {
    this.#source = source;
    this.bytes = source.bytes;
  }

  read(into: Uint8Array, offset: number): number {
    try {
      return this.#source.read(into, offset);
    } catch (error) {
      if (!(error instanceof MdxError) || error.code !== 'input-damaged') throw error;
      this.problem ??= error.message;
      into.fill(HOLE);
      return Math.max(0, Math.min(into.length, this.bytes - offset));
    }
  }

  close(): void {
    this.#source.close();
  }
}

/** Stands for a segment of which nothing can be read. */
export function hole(problem: string): SoundBytes {
  const bytes = new SoundBytes({
    bytes: 8,
    read(into) {
      into.fill(HOLE);
      return Math.min(into.length, 8);
    },
    close: () => undefined,
  });
  bytes.problem = problem;
  return bytes;
}
