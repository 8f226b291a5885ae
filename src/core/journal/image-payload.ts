import { bigHigh, bigLow, toBigUint } from '../binary/time.ts';
import { getU64, putU64 } from './frame.ts';

/*
 * Payloads about the state of the books; docs/journal.md draws them.
 *
 *     image, first frame   0 u64 number of the event that comes next · 8 u64 bus cursor that comes next, 0 = none ·
 *                          16 u64 zero · 24 u32 channels · 28 u32 zero · 32 channels, 48 bytes each
 *     image, further       records of 40 bytes: 0 u32 book · 4 u32 flags (1 ask, 2 price level: the id is its order
 *                          count, 4 mark: the book is stale, 8 mark: the quantity is how many order changes
 *                          of the book were published; marks say nothing else) · 8 u64 id as the feed has it ·
 *                          16 i64 price, −2^63 = none · 24 i64 quantity · 32 u64 attributes, 0 = none
 *     image, last frame    0 u64 records · 8 u32 zero · 12 u32 sums · 16 sums, 16 bytes each
 *     checkpoint           0 u64 number of the event that comes next · 8 u64 live orders · 16 u64 price levels ·
 *                          24 u32 channels · 28 u32 zero · 32 channels, 48 bytes each
 *     close                0 u64 number of the last event · 8 u32 books told · 12 u32 sums · 16 sums, 16 bytes each
 *
 *     channel              0 u32 channel · 4 u32 flags (1 lost: books seen later are stale, too) · 8 u64 message number
 *                          of its last event, 0 = none · 16 u16 events of that message so far · 18 u16 zero ·
 *                          20 u32 zero · 24 u64 next transport number, 0 = not known · 32 session id, 16 bytes, zeros
 *                          behind it and where there is none
 *     sum                  0 u32 source · 4 u8 version of the state hash, 0 = none · 5 zeros · 8 u64 state hash
 *
 * Records of an image stand source by source, in a source by (publisher, instrument), in a book marks first, then bids,
 * asks; in a side best price first, market orders before all prices; in a price the queue, oldest first.
 * A source is a channel where order ids are unique in one channel only (ITCH), else all channels are source 0.
 */

const IMAGE_HEAD_BYTES = 32;
export const IMAGE_RECORD_BYTES = 40;
export const IMAGE_ASK = 1;
export const IMAGE_LEVEL = 2;
export const IMAGE_STALE = 4;
export const IMAGE_CHANGES = 8;
/** Records that are no orders and no levels. */
export const IMAGE_MARKS: number = IMAGE_STALE | IMAGE_CHANGES;
const CHANNEL_BYTES = 48;
const SUMS_AT = 16;
const SUM_BYTES = 16;
const CHANNEL_LOST = 1;
const SESSION_AT = 32;
const SESSION_BYTES = 16;

/** Where the stream of a channel stands. */
export interface ChannelPlace {
  readonly channel: number;
  /** Numbers were lost: books of the channel seen later are stale, too. */
  readonly isLost: boolean;
  /** Message number of its last event, 0 = none, or messages have no numbers; how many events of it came. */
  readonly lastSequence: number;
  readonly lastEvents: number;
  /** Transport number that comes next, 0 = not known. */
  readonly nextTransport: number;
  /** Session without its padding; null where there is none. */
  readonly session: string | null;
}

/** State hash of one source. */
export interface SourceSum {
  readonly source: number;
  /** 0: it was not calculated. */
  readonly version: 0 | 1 | 2;
  readonly hash: bigint;
}

/** The state in front of an event, without its records: first frame of an image, and a checkpoint. */
export interface ImageHead {
  readonly nextEvent: number;
  readonly busCursor: number;
  readonly channels: readonly ChannelPlace[];
}

export interface Checkpoint {
  readonly nextEvent: number;
  readonly orders: number;
  readonly levels: number;
  readonly channels: readonly ChannelPlace[];
}

/** Last frame of an image: how many records it has, and what the books in it sum up to. */
export interface ImageEnd {
  readonly records: number;
  readonly sums: readonly SourceSum[];
}

/** @returns bytes of the payload, at `at`. */
export function writeImageHead(view: DataView, at: number, head: ImageHead): number {
  putU64(view, at, head.nextEvent);
  putU64(view, at + 8, head.busCursor);
  putU64(view, at + 16, 0);
  return writeChannels(view, at + 24, head.channels) - at;
}

/** @returns what is wrong as text where it cannot be read. */
export function readImageHead(view: DataView, at: number, length: number): ImageHead | string {
  if (length < IMAGE_HEAD_BYTES) return `the head of an image of ${length} bytes`;
  const channels = readChannels(view, at + 24, length - 24);
  if (typeof channels === 'string') return channels;
  return { nextEvent: getU64(view, at), busCursor: getU64(view, at + 8), channels };
}

/** @returns bytes of the payload, at `at`. */
export function writeCheckpoint(view: DataView, at: number, checkpoint: Checkpoint): number {
  putU64(view, at, checkpoint.nextEvent);
  putU64(view, at + 8, checkpoint.orders);
  putU64(view, at + 16, checkpoint.levels);
  return writeChannels(view, at + 24, checkpoint.channels) - at;
}

/** @returns what is wrong as text where it cannot be read. */
export function readCheckpoint(view: DataView, at: number, length: number): Checkpoint | string {
  if (length < IMAGE_HEAD_BYTES) return `a checkpoint of ${length} bytes`;
  const channels = readChannels(view, at + 24, length - 24);
  if (typeof channels === 'string') return channels;
  return {
    nextEvent: getU64(view, at),
    orders: getU64(view, at + 8),
    levels: getU64(view, at + 16),
    channels,
  };
}

/** Writes the last frame of an image. @returns bytes of the payload, at `at`. */
export function writeImageEnd(view: DataView, at: number, { records, sums }: ImageEnd): number {
  putU64(view, at, records);
  putU64(view, at + 8, 0);
  return writeSums(view, at + 12, sums) - at;
}

/** @returns what is wrong as text where it cannot be read. */
export function readImageEnd(view: DataView, at: number, length: number): ImageEnd | string {
  if (length < SUMS_AT) return `the end of an image of ${length} bytes`;
  const sums = readSums(view, at + 12, length - 12);
  return typeof sums === 'string' ? sums : { records: getU64(view, at), sums };
}

/** Last frame of a closed segment. */
export interface Close {
  readonly lastEvent: number;
  /** Books told in the segment. */
  readonly books: number;
  /** What the books sum up to behind the last event; none where that was not calculated. */
  readonly sums: readonly SourceSum[];
}

/** @returns bytes of the payload, at `at`. */
export function writeClose(view: DataView, at: number, { lastEvent, books, sums }: Close): number {
  putU64(view, at, lastEvent);
  view.setInt32(at + 8, books, true);
  return writeSums(view, at + 12, sums) - at;
}

/** @returns what is wrong as text where it cannot be read. */
export function readClose(view: DataView, at: number, length: number): Close | string {
  if (length < SUMS_AT) return `a close of ${length} bytes`;
  const sums = readSums(view, at + 12, length - 12);
  return typeof sums === 'string'
    ? sums
    : { lastEvent: getU64(view, at), books: view.getUint32(at + 8, true), sums };
}

/** Writes sums, their count in front, at `at`. @returns where they end. */
function writeSums(view: DataView, at: number, sums: readonly SourceSum[]): number {
  view.setInt32(at, sums.length, true);
  let next = at + 4;
  for (const { source, version, hash } of sums) {
    view.setInt32(next, source, true);
    view.setInt32(next + 4, version, true);
    view.setInt32(next + 8, bigLow(hash), true);
    view.setInt32(next + 12, bigHigh(hash), true);
    next += SUM_BYTES;
  }
  return next;
}

/** Reads sums of exactly `length` bytes, their count in front. @returns what is wrong as text. */
function readSums(view: DataView, at: number, length: number): SourceSum[] | string {
  const count = view.getUint32(at, true);
  if (length !== 4 + count * SUM_BYTES) return `${length} bytes for ${count} sums`;
  const sums: SourceSum[] = [];
  for (let next = at + 4; next < at + length; next += SUM_BYTES) {
    const version = view.getUint8(next + 4);
    if (version > 2) return `a state hash of version ${version}`;
    sums.push({
      source: view.getUint32(next, true),
      version: version as 0 | 1 | 2,
      hash: toBigUint(view.getInt32(next + 12, true), view.getInt32(next + 8, true)),
    });
  }
  return sums;
}

/** Writes channels, their count in front, at `at`. @returns where they end. */
function writeChannels(view: DataView, at: number, channels: readonly ChannelPlace[]): number {
  putU64(view, at, channels.length);
  let next = at + 8;
  for (const each of channels) {
    view.setInt32(next, each.channel, true);
    view.setInt32(next + 4, each.isLost ? CHANNEL_LOST : 0, true);
    putU64(view, next + 8, each.lastSequence);
    putU64(view, next + 16, each.lastEvents);
    putU64(view, next + 24, each.nextTransport);
    for (let byte = 0; byte < SESSION_BYTES; byte += 1) {
      view.setUint8(next + SESSION_AT + byte, each.session?.charCodeAt(byte) || 0);
    }
    next += CHANNEL_BYTES;
  }
  return next;
}

function readChannels(view: DataView, at: number, length: number): ChannelPlace[] | string {
  const count = view.getUint32(at, true);
  if (length !== 8 + count * CHANNEL_BYTES) return `${length} bytes for ${count} channels`;
  const channels: ChannelPlace[] = [];
  for (let next = at + 8; next < at + length; next += CHANNEL_BYTES) {
    let session = '';
    for (let byte = 0; byte < SESSION_BYTES; byte += 1) {
      const code = view.getUint8(next + SESSION_AT + byte);
      if (code !== 0) session += String.fromCharCode(code);
    }
    channels.push({
      channel: view.getUint32(next, true),
      isLost: (view.getUint32(next + 4, true) & CHANNEL_LOST) !== 0,
      lastSequence: getU64(view, next + 8),
      lastEvents: view.getUint16(next + 16, true),
      nextTransport: getU64(view, next + 24),
      session: session === '' ? null : session,
    });
  }
  return channels;
}
