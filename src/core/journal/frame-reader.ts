import type { ByteWindow } from '../binary/byte-window.ts';
import { crc32c } from '../binary/crc32c.ts';
import {
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_PAYLOAD_MAX,
  FRAME_SEGMENT,
  FRAME_VERSION,
  getU64,
} from './frame.ts';

/** Answers of `FrameReader.next`. */
export const FRAME_WHOLE = 0;
/** More bytes are needed in the window, or the word that it has ended. */
export const FRAME_MORE = 1;
/** The bytes end behind a whole frame; zeros behind it count as absent. */
export const FRAME_END = 2;
/** The bytes end inside a frame. */
export const FRAME_TRUNCATED = 3;
/** What comes next is no frame, or not the one that has to come; `problem` says why. */
export const FRAME_DAMAGED = 4;

/**
 * Walks the frames of a stream in a window, doing no I/O: `next` consumes one and describes it in the fields, or says that
 * bytes are missing. Both sums are checked, and that each frame follows the one before it: number, epoch, sum of the
 * payload before. A segment frame may begin anew; whoever reads judges what that means. Once ended or damaged, a stream stays so.
 */
export class FrameReader {
  readonly #window: ByteWindow;
  type = 0;
  flags = 0;
  records = 0;
  /** First byte of the payload in `window.bytes`; valid until the window is filled again. */
  payloadOffset = 0;
  payloadBytes = 0;
  frameNumber = 0;
  /** Number of its first event; of the next one where it has none. */
  eventNumber = 0;
  segment = 0;
  epochHigh = 0;
  epochLow = 0;
  /** What was found, and where in the stream. */
  problem: string | null = null;
  problemOffset = 0;
  /** Stream offset of the frame. */
  offset = 0;
  /** Of a segment frame: it was written behind the frame that was read before it. */
  follows = false;
  #payloadCrc = 0;
  #inZeros = false;
  #started = false;

  /** @param window holds at least FRAME_BYTES_MAX bytes, so that every frame fits. */
  constructor(window: ByteWindow) {
    if (window.bytes.length < FRAME_BYTES_MAX) {
      throw new RangeError(`a window of ${window.bytes.length} bytes, frames need ${FRAME_BYTES_MAX}`);
    }
    this.#window = window;
  }

  /** @returns one of FRAME_*. */
  next(): number {
    const window = this.#window;
    const { view, position } = window;
    if (this.problem !== null) return FRAME_DAMAGED;
    if (this.#inZeros || (window.available >= 8 && view.getInt32(position, true) === 0)) return this.#zeros();
    if (window.available < FRAME_HEADER_BYTES) return this.#missing(FRAME_HEADER_BYTES);
    const payloadBytes = view.getUint32(position + 8, true);
    const problem = this.#headerProblem(view, position, payloadBytes);
    if (problem !== null) return this.#damaged(problem);
    if (window.available < FRAME_HEADER_BYTES + payloadBytes)
      return this.#missing(FRAME_HEADER_BYTES + payloadBytes);
    const crc = view.getInt32(position + 12, true);
    if (crc32c(view, position + FRAME_HEADER_BYTES, payloadBytes) !== crc)
      return this.#damaged('the payload of the frame has another sum than its header says');
    const chain = this.#chainProblem(view, position);
    if (chain !== null) return this.#damaged(chain);
    this.offset = window.offset;
    this.type = view.getUint8(position + 16);
    this.flags = view.getUint16(position + 18, true);
    this.records = view.getUint32(position + 20, true);
    this.frameNumber = getU64(view, position + 24);
    this.eventNumber = getU64(view, position + 32);
    this.epochLow = view.getInt32(position + 40, true);
    this.epochHigh = view.getInt32(position + 44, true);
    this.segment = view.getUint32(position + 56, true);
    this.payloadOffset = position + FRAME_HEADER_BYTES;
    this.payloadBytes = payloadBytes;
    this.#payloadCrc = crc;
    this.#started = true;
    window.position = position + FRAME_HEADER_BYTES + payloadBytes;
    return FRAME_WHOLE;
  }

  /** Sum of the payload of the frame that was read last. */
  get lastCrc(): number {
    return this.#payloadCrc;
  }

  /** The window slides over another file: its frames go on with those read so far. */
  goOn(): void {
    this.problem = null;
    this.problemOffset = 0;
    this.#inZeros = false;
  }

  /** Frames behind the one read last are left out: the next one is number `frame`, behind a payload with this sum. */
  skipTo(frame: number, lastCrc: number): void {
    this.goOn();
    this.frameNumber = frame - 1;
    this.#payloadCrc = lastCrc;
  }

  /** Says that the frame at hand cannot be understood, though its sums are right. @returns FRAME_DAMAGED. */
  refuse(problem: string): number {
    this.problem = problem;
    this.problemOffset = this.offset;
    return FRAME_DAMAGED;
  }

  #headerProblem(view: DataView, at: number, payloadBytes: number): string | null {
    if (view.getInt32(at, true) !== FRAME_MAGIC) return 'no frame begins here';
    if (crc32c(view, at + 8, FRAME_HEADER_BYTES - 8) !== view.getInt32(at + 4, true))
      return 'the header of the frame has another sum than it says';
    const version = view.getUint8(at + 17);
    if (version !== FRAME_VERSION) return `a frame of version ${version}, ${FRAME_VERSION} is known`;
    if (payloadBytes > FRAME_PAYLOAD_MAX || (payloadBytes & 7) !== 0)
      return `a payload of ${payloadBytes} bytes, a multiple of 8 up to ${FRAME_PAYLOAD_MAX} expected`;
    if (!Number.isFinite(getU64(view, at + 24)) || !Number.isFinite(getU64(view, at + 32)))
      return 'a frame or event number beyond 2^53';
    return null;
  }

  #chainProblem(view: DataView, at: number): string | null {
    const number = getU64(view, at + 24);
    if (view.getUint8(at + 16) === FRAME_SEGMENT) {
      this.follows =
        this.#started && number === this.frameNumber + 1 && view.getInt32(at + 60, true) === this.#payloadCrc;
      return null;
    }
    if (!this.#started) return 'a stream of events begins with a segment frame, and this is none';
    if (number !== this.frameNumber + 1) return `frame ${number} behind frame ${this.frameNumber}`;
    if (view.getInt32(at + 40, true) !== this.epochLow || view.getInt32(at + 44, true) !== this.epochHigh)
      return `frame ${number} is of another epoch than the one before it`;
    if (view.getInt32(at + 60, true) !== this.#payloadCrc)
      return `frame ${number} was written behind another frame than the one before it`;
    return null;
  }

  #zeros(): number {
    const window = this.#window;
    this.#inZeros = true;
    while (window.position < window.limit) {
      if (window.bytes[window.position] !== 0)
        return this.#damaged('bytes behind zeros, where the stream has ended');
      window.position += 1;
    }
    return window.ended ? FRAME_END : FRAME_MORE;
  }

  #missing(needed: number): number {
    const window = this.#window;
    if (!window.ended) return FRAME_MORE;
    if (window.available === 0) return FRAME_END;
    const { bytes, position, limit } = window;
    if (bytes.subarray(position, limit).every((byte) => byte === 0)) return this.#zeros();
    this.problemOffset = window.offset;
    this.problem = `the stream ends inside a frame: ${window.available} of ${needed} bytes`;
    return FRAME_TRUNCATED;
  }

  #damaged(problem: string): number {
    this.problem = problem;
    this.problemOffset = this.#window.offset;
    return FRAME_DAMAGED;
  }
}
