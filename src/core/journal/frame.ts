import { crc32c } from '../binary/crc32c.ts';
import type { ByteSink } from '../capture/block-buffer.ts';

/*
 * A journal, and an event pipe, is a run of frames: a header of 64 bytes and a payload whose length is a multiple of 8.
 * docs/journal.md draws them; everything is little-endian.
 *
 *      0 u32 magic MDXJ      4 u32 CRC32C of bytes 8–63    8 u32 payload bytes    12 u32 CRC32C of the payload
 *     16 u8 type             17 u8 version 1               18 u16 flags           20 u32 records
 *     24 u64 frame number    32 u64 number of the first event
 *     40 u64 epoch           48 u64 durable event number when written
 *     56 u32 segment number  60 u32 payload CRC of the frame before, 0 = there is none
 */

export const FRAME_MAGIC = 0x4a58444d;
export const FRAME_HEADER_BYTES = 64;
/** No payload is longer. */
export const FRAME_PAYLOAD_MAX: number = 1 << 20;
/** The longest frame; a window that frames are read through holds it. */
export const FRAME_BYTES_MAX: number = FRAME_HEADER_BYTES + FRAME_PAYLOAD_MAX;
export const FRAME_VERSION = 1;

export const FRAME_SEGMENT = 1;
export const FRAME_DICTIONARY = 2;
export const FRAME_IMAGE = 3;
export const FRAME_EVENTS = 4;
export const FRAME_ATTRIBUTES = 5;
export const FRAME_VENUE = 6;
export const FRAME_CONTROL = 7;
export const FRAME_CHECKPOINT = 8;
export const FRAME_CLOSE = 9;

/** Flags of the first and of the last frame of an image; those between have none. */
export const IMAGE_HEAD = 1;
export const IMAGE_END = 2;

/** A header and payload together, unless a single text is longer: small enough for the cache, large enough for its overhead. */
const FRAME_BYTES_TARGET = 65_536;

const TWO_32 = 4294967296;

/** Random number of one history of events, as halves; 0 where the events alone decide the bytes. */
export interface Epoch {
  readonly high: number;
  readonly low: number;
}

export function sameEpoch(left: Epoch, right: Epoch): boolean {
  return left.high === right.high && left.low === right.low;
}

/** `0x` and 16 hexadecimal digits. */
export function epochText({ high, low }: Epoch): string {
  const half = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');
  return `0x${half(high)}${half(low)}`;
}

/** Does something begin like a journal frame? */
export function isFrame(head: Uint8Array): boolean {
  return head.length >= 4 && head[0] === 0x4d && head[1] === 0x44 && head[2] === 0x58 && head[3] === 0x4a;
}

/** Where a run of frames goes on: what stands in front of its next frame. */
export interface FramePlace {
  /** Numbers of the frame and of the event that come next. */
  readonly frameNumber: number;
  readonly eventNumber: number;
  readonly segment: number;
  /** Sum of the payload of the frame before, 0 = there is none. */
  readonly lastCrc: number;
}

/** The very beginning of a history. */
export const FIRST_PLACE: FramePlace = { frameNumber: 1, eventNumber: 1, segment: 1, lastCrc: 0 };

/** Numbers frames, chains their sums and hands each over when it is whole. Its payload is put together in place. */
export class FrameWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** The same as words, from the beginning of the payload. */
  readonly words: Int32Array<ArrayBuffer>;
  /** Numbers of the frame and of the event that come next; both begin with 1. */
  frameNumber: number;
  eventNumber: number;
  segment: number;
  /** Sum of the payload of the frame before. */
  lastCrc: number;
  /** Last event that is known to survive a loss of power, for the headers to come. */
  durableEvent = 0;
  readonly #sink: ByteSink;
  readonly #epoch: Epoch;

  /** @param frameBytes of the longest frame. */
  constructor(
    sink: ByteSink,
    epoch: Epoch,
    frameBytes: number = FRAME_BYTES_TARGET,
    place: FramePlace = FIRST_PLACE,
  ) {
    this.#sink = sink;
    this.#epoch = epoch;
    this.frameNumber = place.frameNumber;
    this.eventNumber = place.eventNumber;
    this.segment = place.segment;
    this.lastCrc = place.lastCrc;
    this.bytes = new Uint8Array(frameBytes);
    this.view = new DataView(this.bytes.buffer);
    this.words = new Int32Array(this.bytes.buffer, FRAME_HEADER_BYTES);
  }

  /** Payload bytes that a frame holds before it is written. */
  get payloadMax(): number {
    return this.bytes.length - FRAME_HEADER_BYTES;
  }

  /**
   * Writes the header in front of a payload that is in place, and hands over both.
   * @param payloadBytes a multiple of 8, at most `payloadMax`.
   */
  write(type: number, payloadBytes: number, records: number, events: number, flags = 0): void {
    const { view } = this;
    const crc = crc32c(view, FRAME_HEADER_BYTES, payloadBytes);
    view.setInt32(0, FRAME_MAGIC, true);
    view.setInt32(8, payloadBytes, true);
    view.setInt32(12, crc, true);
    view.setUint8(16, type);
    view.setUint8(17, FRAME_VERSION);
    view.setUint16(18, flags, true);
    view.setInt32(20, records, true);
    putU64(view, 24, this.frameNumber);
    putU64(view, 32, this.eventNumber);
    view.setInt32(40, this.#epoch.low, true);
    view.setInt32(44, this.#epoch.high, true);
    putU64(view, 48, this.durableEvent);
    view.setInt32(56, this.segment, true);
    view.setInt32(60, this.lastCrc, true);
    view.setInt32(4, crc32c(view, 8, FRAME_HEADER_BYTES - 8), true);
    this.lastCrc = crc;
    this.frameNumber += 1;
    this.eventNumber += events;
    this.#sink(this.bytes.subarray(0, FRAME_HEADER_BYTES + payloadBytes));
  }
}

/** Writes a safe integer as u64. */
export function putU64(view: DataView, at: number, value: number): void {
  view.setInt32(at, value | 0, true);
  view.setInt32(at + 4, Math.floor(value / TWO_32), true);
}

/** Reads a u64; infinite where it is no safe integer. */
export function getU64(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high >= 0x200000 ? Number.POSITIVE_INFINITY : high * TWO_32 + view.getUint32(at, true);
}
