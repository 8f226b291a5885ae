import * as framing from '../websocket/framing.ts';
import * as layout from './layout.ts';

// V8 folds a module's own constants into its code and loads imported ones each time, so the hot ones are taken over.
const HEADER_BYTES = layout.HEADER_BYTES;
const MAGIC = layout.MAGIC;
const VERSION_AND_CODEC = layout.VERSION_AND_CODEC;
const AT_INSTRUMENT = layout.AT_INSTRUMENT;
const AT_SEQUENCE = layout.AT_SEQUENCE;
const AT_CURSOR = layout.AT_CURSOR;
const AT_SEND_TIME = layout.AT_SEND_TIME;
const AT_PAYLOAD_BYTES = layout.AT_PAYLOAD_BYTES;
const SHORT_MAX = framing.SHORT_MAX;
const SHORT_BINARY = framing.SHORT_BINARY;
const SHORT_HEADER_BYTES = 2;

const TWO_32 = 4294967296;
const NS_PER_SECOND = 1_000_000_000;

/** Where frames are written: a bus, or the bytes of an image. */
export interface FrameTarget {
  reserve(bytes: number): number;
  readonly buffer: Uint8Array;
  readonly view: DataView;
  commit(bytes: number, tag: number): void;
}

/**
 * Writes frames as whole WebSocket messages. `begin` writes everything in front of the payload and answers where that begins
 * in `view`; `end` lets the frame out. 64-bit values are halves; `cursor` and `sequence` are safe integers.
 */
export class FrameWriter {
  /** Send time of what is written next. */
  timeHigh = 0;
  timeLow = 0;
  view: DataView;
  readonly #target: FrameTarget;
  #bytes = 0;

  constructor(target: FrameTarget) {
    this.#target = target;
    this.view = target.view;
  }

  /** Takes the time from the monotonic clock of this machine. */
  readTime(): void {
    const [seconds, nanos] = process.hrtime();
    const low = (Math.imul(seconds, NS_PER_SECOND) + nanos) | 0;
    this.timeLow = low;
    // Doubles are no longer exact behind 104 days, so what is below the half is taken off first.
    this.timeHigh = Math.round((seconds * NS_PER_SECOND + nanos - (low >>> 0)) / TWO_32);
  }

  begin(
    type: number,
    payload: number,
    instrumentHigh: number,
    instrumentLow: number,
    sequence: number,
    cursor: number,
  ): number {
    const length = HEADER_BYTES + payload;
    const target = this.#target;
    let at: number;
    let view: DataView;
    if (length <= SHORT_MAX) {
      this.#bytes = SHORT_HEADER_BYTES + length;
      const start = target.reserve(SHORT_HEADER_BYTES + length);
      view = target.view;
      view.setInt16(start, SHORT_BINARY | (length << 8), true);
      at = start + SHORT_HEADER_BYTES;
    } else {
      this.#bytes = framing.headerBytes(length) + length;
      const start = target.reserve(this.#bytes);
      view = target.view;
      at = framing.writeHeader(target.buffer, start, framing.OPCODE_BINARY, length);
    }
    this.view = view;
    view.setInt32(at, MAGIC, true);
    view.setInt32(at + 4, VERSION_AND_CODEC | (type << 16), true);
    view.setInt32(at + 8, 0, true);
    view.setInt32(at + AT_INSTRUMENT, instrumentLow, true);
    view.setInt32(at + AT_INSTRUMENT + 4, instrumentHigh, true);
    view.setInt32(at + AT_SEQUENCE, sequence | 0, true);
    view.setInt32(at + AT_SEQUENCE + 4, highOf(sequence), true);
    view.setInt32(at + AT_CURSOR, cursor | 0, true);
    view.setInt32(at + AT_CURSOR + 4, highOf(cursor), true);
    view.setInt32(at + AT_SEND_TIME, this.timeLow, true);
    view.setInt32(at + AT_SEND_TIME + 4, this.timeHigh, true);
    view.setInt32(at + AT_PAYLOAD_BYTES, payload, true);
    return at + HEADER_BYTES;
  }

  end(tag: number): void {
    this.#target.commit(this.#bytes, tag);
  }

  put64(at: number, high: number, low: number): void {
    this.view.setInt32(at, low, true);
    this.view.setInt32(at + 4, high, true);
  }

  /** A safe integer as 64 bits. */
  putNumber(at: number, value: number): void {
    this.view.setInt32(at, value | 0, true);
    this.view.setInt32(at + 4, highOf(value), true);
  }
}

function highOf(value: number): number {
  return value < TWO_32 && value >= 0 ? 0 : Math.floor(value / TWO_32);
}

/** Frames in memory of their own, in pieces that are written one by one. */
export class FramePieces implements FrameTarget {
  readonly pieces: Buffer[] = [];
  #buffer: Buffer;
  #view: DataView;
  #used = 0;
  readonly #pieceBytes: number;

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes;
    this.#buffer = Buffer.allocUnsafeSlow(pieceBytes);
    this.#view = viewOf(this.#buffer);
  }

  get buffer(): Uint8Array {
    return this.#buffer;
  }

  get view(): DataView {
    return this.#view;
  }

  reserve(bytes: number): number {
    if (this.#used + bytes <= this.#buffer.length) return this.#used;
    this.finish();
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(this.#pieceBytes, bytes));
    this.#view = viewOf(this.#buffer);
    return 0;
  }

  commit(bytes: number): void {
    this.#used += bytes;
  }

  /** The frames so far are whole pieces. */
  finish(): void {
    if (this.#used > 0) this.pieces.push(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
    this.#buffer = Buffer.alloc(0);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
