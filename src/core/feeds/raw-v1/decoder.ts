import type { ByteWindow } from '../../binary/byte-window.ts';
import { toBigUint } from '../../binary/time.ts';
import type { FeedCounts } from '../counts.ts';
import { type DecoderOptions, STREAM_DAMAGED, STREAM_MORE, type StreamDecoder } from '../feed.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { FRAME_BYTES_MAX, LENGTH_MAX, PREFIX_BYTES } from './layout.ts';

/**
 * A recording of raw-v1 frames. Each has its length in front, so what is no frame is left out and counted; only a length
 * that cannot be one, and an end inside a frame or a snapshot, end the reading.
 */
export class RawV1Decoder implements StreamDecoder {
  readonly source: string;
  problem: string | null = null;
  truncated = false;
  readonly #frames: FrameDecoder;
  readonly #counts: FeedCounts;
  /** Bytes of a frame that is too long to be one. */
  #skip = 0;

  constructor(source: string, options: DecoderOptions) {
    this.source = source;
    this.#frames = new FrameDecoder(options);
    this.#counts = options.counts;
  }

  get firstTime(): bigint | null {
    const { hasTime, firstHigh, firstLow } = this.#frames;
    return hasTime ? toBigUint(firstHigh, firstLow) : null;
  }

  get lastTime(): bigint | null {
    const { hasTime, events } = this.#frames;
    return hasTime ? toBigUint(events.timeHigh, events.timeLow) : null;
  }

  get sequence(): NonNullable<StreamDecoder['sequence']> {
    const { first, last, duplicates, unsequenced, epochHigh, epochLow } = this.#frames;
    const hasEpoch = (epochHigh | epochLow) !== 0;
    return {
      session: hasEpoch ? toBigUint(epochHigh, epochLow).toString(16).padStart(16, '0') : null,
      first: first === 0 ? null : first,
      last: first === 0 ? null : last,
      duplicates,
      unsequenced,
    };
  }

  decode(window: ByteWindow): number {
    while (this.problem === null) {
      if (this.#skip > 0) {
        const count = Math.min(this.#skip, window.available);
        window.position += count;
        this.#skip -= count;
      }
      const { available, view, position } = window;
      const length = available < PREFIX_BYTES || this.#skip > 0 ? -1 : view.getUint32(position, true);
      if (length < 0 || (length <= FRAME_BYTES_MAX && available - PREFIX_BYTES < length)) {
        if (!window.ended) return STREAM_MORE;
        return this.#end(window, length);
      }
      if (length > LENGTH_MAX) {
        this.problem = `frame of ${length} bytes at offset ${window.offset}: expected at most ${LENGTH_MAX}`;
      } else if (length > FRAME_BYTES_MAX) {
        this.#counts.noteMalformed('raw-v1 frame longer than any is', 0, window.offset);
        window.position += PREFIX_BYTES;
        this.#skip = length;
      } else {
        this.#frames.decode(view, position + PREFIX_BYTES, length, window.offset);
        window.position += PREFIX_BYTES + length;
      }
    }
    return STREAM_DAMAGED;
  }

  /** No more bytes come: that is good between two frames outside of a snapshot. */
  #end({ available, offset }: ByteWindow, length: number): number {
    if (available === 0 && this.#skip === 0 && !this.#frames.isInSnapshot) return STREAM_MORE;
    this.truncated = true;
    if (this.#skip > 0) this.problem = `frame cut at offset ${offset}: ${this.#skip} bytes are missing`;
    else if (available === 0) this.problem = `a snapshot is not complete at offset ${offset}`;
    else if (length < 0) this.problem = `length of a frame cut after ${available} bytes at offset ${offset}`;
    else {
      this.problem = `frame of ${length} bytes cut after ${available - PREFIX_BYTES} bytes at offset ${offset}`;
    }
    return STREAM_DAMAGED;
  }
}
