import { crc32c } from '../binary/crc32c.ts';
import { bigHigh, bigLow, toBigInt } from '../binary/time.ts';
import { type Epoch, FRAME_HEADER_BYTES, FRAME_MAGIC, getU64, putU64 } from './frame.ts';
import type { SegmentBytes } from './segment-bytes.ts';

/*
 * The index of a segment, `NNNNNNNN.idx`: what can be known of it without reading it. It can always be made again and is
 * never trusted: it counts only where the frame that it names as the last one stands in the segment, with that number and sum.
 *
 *      0 u32 magic MDXI    4 u32 CRC32C of all bytes from 8    8 u64 epoch    16 u32 segment
 *     20 u32 flags (1 the segment is closed, 2 its last event ends no group)    24 u64 bytes of the segment that it covers
 *     32 u64 first frame   40 u64 last frame   48 u64 where that one begins   56 u32 sum of its header   60 u32 entries
 *     64 u64 first event   72 u64 event that comes behind   80 i64 latest receive time   88 i64 latest venue time
 *     96 u32 channels     100 u32 books whose last event ends no group   104 entries, 40 bytes each, then channels, 16 each
 *
 *     entry      0 u64 offset of a frame with events · 8 u64 its number · 16 u64 number of its first event ·
 *                24 i64 latest receive time, 32 i64 latest venue time, of all events of the segment in front of it
 *     channel    0 u32 channel · 4 u32 zero · 8 u64 highest message number of its events
 *
 * Times in ns as in events, −2^63 where there is no event.
 */

const INDEX_MAGIC = 0x4958444d;
const HEAD_BYTES = 104;
const ENTRY_BYTES = 40;
const CHANNEL_BYTES = 16;
const CLOSED = 1;
const ENDS_OPEN = 2;
/** Time of events that there are not. */
export const NEVER: bigint = -(1n << 63n);

/** A place in a segment where events may be read from. */
export interface IndexEntry {
  /** Byte of the segment where its frame begins, and the frame's number. */
  readonly offset: number;
  readonly frame: number;
  /** Number of the first event of the frame. */
  readonly event: number;
  /** Latest times of the events of the segment in front of it, ns; −2^63 where there are none. */
  readonly latestReceive: bigint;
  readonly latestVenue: bigint;
}

/** What is known of a segment without reading it. */
export interface SegmentIndex {
  readonly epoch: Epoch;
  readonly segment: number;
  readonly isClosed: boolean;
  /** Its last event ends no group, and neither do the last ones of so many of its books. */
  readonly endsInGroup: boolean;
  readonly openBooks: number;
  /** Bytes of the segment that it covers. */
  readonly bytes: number;
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly lastOffset: number;
  /** Of the last frame's header, which names its payload and the one before. */
  readonly lastSum: number;
  readonly firstEvent: number;
  readonly nextEvent: number;
  /** Latest times of its events, ns; −2^63 where it has none. */
  readonly latestReceive: bigint;
  readonly latestVenue: bigint;
  /** Highest message number by channel; none for channels whose messages have no numbers. */
  readonly sequences: ReadonlyMap<number, number>;
  readonly entries: readonly IndexEntry[];
}

/** The bytes of an index. */
export function writeIndex(index: SegmentIndex): Uint8Array<ArrayBuffer> {
  const { entries, sequences } = index;
  const bytes = new Uint8Array(HEAD_BYTES + entries.length * ENTRY_BYTES + sequences.size * CHANNEL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, INDEX_MAGIC, true);
  view.setInt32(8, index.epoch.low, true);
  view.setInt32(12, index.epoch.high, true);
  view.setInt32(16, index.segment, true);
  view.setInt32(20, (index.isClosed ? CLOSED : 0) | (index.endsInGroup ? ENDS_OPEN : 0), true);
  putU64(view, 24, index.bytes);
  putU64(view, 32, index.firstFrame);
  putU64(view, 40, index.lastFrame);
  putU64(view, 48, index.lastOffset);
  view.setInt32(56, index.lastSum, true);
  view.setInt32(60, entries.length, true);
  putU64(view, 64, index.firstEvent);
  putU64(view, 72, index.nextEvent);
  putTime(view, 80, index.latestReceive);
  putTime(view, 88, index.latestVenue);
  view.setInt32(96, sequences.size, true);
  view.setInt32(100, index.openBooks, true);
  let at = HEAD_BYTES;
  for (const entry of entries) {
    putU64(view, at, entry.offset);
    putU64(view, at + 8, entry.frame);
    putU64(view, at + 16, entry.event);
    putTime(view, at + 24, entry.latestReceive);
    putTime(view, at + 32, entry.latestVenue);
    at += ENTRY_BYTES;
  }
  for (const [channel, sequence] of sequences) {
    view.setInt32(at, channel, true);
    putU64(view, at + 8, sequence);
    at += CHANNEL_BYTES;
  }
  view.setInt32(4, crc32c(view, 8, bytes.length - 8), true);
  return bytes;
}

/** The index that these bytes are; null where they are none. */
export function readIndex(bytes: Uint8Array<ArrayBuffer>): SegmentIndex | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < HEAD_BYTES || view.getInt32(0, true) !== INDEX_MAGIC) return null;
  if (crc32c(view, 8, bytes.length - 8) !== view.getInt32(4, true)) return null;
  const count = view.getUint32(60, true);
  const channels = view.getUint32(96, true);
  if (bytes.length !== HEAD_BYTES + count * ENTRY_BYTES + channels * CHANNEL_BYTES) return null;
  const entries = Array.from({ length: count }, (_, each): IndexEntry => {
    const at = HEAD_BYTES + each * ENTRY_BYTES;
    return {
      offset: getU64(view, at),
      frame: getU64(view, at + 8),
      event: getU64(view, at + 16),
      latestReceive: getTime(view, at + 24),
      latestVenue: getTime(view, at + 32),
    };
  });
  const sequences = new Map<number, number>();
  for (let at = HEAD_BYTES + count * ENTRY_BYTES; at < bytes.length; at += CHANNEL_BYTES) {
    sequences.set(view.getUint32(at, true), getU64(view, at + 8));
  }
  const flags = view.getUint32(20, true);
  return {
    epoch: { low: view.getInt32(8, true), high: view.getInt32(12, true) },
    segment: view.getUint32(16, true),
    isClosed: (flags & CLOSED) !== 0,
    endsInGroup: (flags & ENDS_OPEN) !== 0,
    openBooks: view.getUint32(100, true),
    bytes: getU64(view, 24),
    firstFrame: getU64(view, 32),
    lastFrame: getU64(view, 40),
    lastOffset: getU64(view, 48),
    lastSum: view.getInt32(56, true),
    firstEvent: getU64(view, 64),
    nextEvent: getU64(view, 72),
    latestReceive: getTime(view, 80),
    latestVenue: getTime(view, 88),
    sequences,
    entries,
  };
}

/** Is it the index of this segment, and of all of it? The frame that it names as the last one tells, by its header. */
export function isIndexOf(index: SegmentIndex, bytes: SegmentBytes): boolean {
  const { epoch, segment, isClosed, lastFrame, lastOffset, lastSum } = index;
  if (!isClosed || index.bytes > bytes.bytes) return false;
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  return (
    bytes.read(header, lastOffset) === FRAME_HEADER_BYTES &&
    view.getInt32(0, true) === FRAME_MAGIC &&
    view.getInt32(4, true) === lastSum &&
    crc32c(view, 8, FRAME_HEADER_BYTES - 8) === lastSum &&
    getU64(view, 24) === lastFrame &&
    view.getInt32(40, true) === epoch.low &&
    view.getInt32(44, true) === epoch.high &&
    view.getUint32(56, true) === segment
  );
}

function putTime(view: DataView, at: number, time: bigint): void {
  view.setInt32(at, bigLow(time), true);
  view.setInt32(at + 4, bigHigh(time), true);
}

function getTime(view: DataView, at: number): bigint {
  return toBigInt(view.getInt32(at + 4, true), view.getInt32(at, true));
}
