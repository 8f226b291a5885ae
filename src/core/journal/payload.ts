import { bigHigh, bigLow, toBigInt, toBigUint } from '../binary/time.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { putU64 } from './frame.ts';

/*
 * Payloads of the frames that say what events are about; docs/journal.md draws them, image-payload.ts has those that say
 * what events led to.
 *
 *     segment     0 u16 format version 1 · 2 u8 venue times count from 0 1970, 1 an unknown midnight · 3 u8 sources ·
 *                 4 u32 zero · 8 u64 wall time when it began, ns since 1970, 0 = not told · 16 u64 last frame of the
 *                 segment before, 0 = none · 24 u32 sum of that frame's payload · 28 u32 zero · 32 boot id, 16 bytes,
 *                 zeros = not told · 48 texts: version of mdx, then per source its feed and its name; zeros up to 8
 *     dictionary  entries, each 0 u32 book number · 4 u32 channel · 8 u64 instrument · 16 u16 publisher · 18 u8 price
 *                 scale · 19 u8 quantity scale · 20 u8 flags (1 has a symbol, 2 has a tick) · 21 3 zeros · 24 i64 tick ·
 *                 32 texts: source, symbol; zeros up to 8
 *     attributes  entries, each 0 u32 handle · 4 u32 bytes · 8 the bytes; zeros up to 8
 *     venue       entries, each 0 u64 number of the event it belongs to · 8 u32 venue message type · 12 u32 bytes · 16 the
 *                 bytes; zeros up to 8
 *
 *     text        u16 bytes · UTF-8
 */

const SEGMENT_FORMAT = 1;
const SEGMENT_TEXTS = 48;
const BOOT_ID_AT = 32;
const BOOT_ID_BYTES = 16;
const ENTRY_TEXTS = 32;
const ATTRIBUTES_HEAD = 8;
const VENUE_HEAD = 16;
const TEXT_BYTES_MAX = 1024;
const SOURCES_MAX = 16;
const SCALE_MAX = 18;
const HAS_SYMBOL = 1;
const HAS_TICK = 2;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** No entry of a dictionary is longer. */
export const ENTRY_BYTES_MAX: number = ENTRY_TEXTS + 2 * (2 + TEXT_BYTES_MAX) + 8;

/** Where the events of a segment come from. */
export interface EventSource {
  /** Feed as `mdx feeds` names it; its rules make the books. */
  readonly feed: string;
  readonly name: string;
}

/** What a segment says about itself. */
export interface SegmentHead {
  readonly timeBase: 'utc' | 'midnight';
  readonly sources: readonly EventSource[];
  /** Version of the mdx that wrote it. */
  readonly version: string;
  /** ns since 1970, 0 = not told. */
  readonly wallTime: bigint;
  /** Of the machine when it was written: 32 hexadecimal digits, empty = not told. */
  readonly bootId: string;
  /** The segment before: its last frame, 0 = there is none, and the sum of that frame's payload. */
  readonly lastFrame: bigint;
  readonly lastCrc: number;
}

/** The head of a segment that nothing came before. */
export function firstHead(about: Pick<SegmentHead, 'timeBase' | 'sources' | 'version'>): SegmentHead {
  return { ...about, wallTime: 0n, bootId: '', lastFrame: 0n, lastCrc: 0 };
}

/** Writes a segment payload at `at`. @returns its length. */
export function writeSegment(view: DataView<ArrayBuffer>, at: number, head: SegmentHead): number {
  const bytes = new Uint8Array(view.buffer);
  bytes.fill(0, at, at + SEGMENT_TEXTS);
  view.setUint16(at, SEGMENT_FORMAT, true);
  view.setUint8(at + 2, head.timeBase === 'utc' ? 0 : 1);
  view.setUint8(at + 3, head.sources.length);
  view.setBigUint64(at + 8, head.wallTime, true);
  view.setBigUint64(at + 16, head.lastFrame, true);
  view.setInt32(at + 24, head.lastCrc, true);
  for (let byte = 0; byte < BOOT_ID_BYTES; byte += 1) {
    bytes[at + BOOT_ID_AT + byte] = Number.parseInt(head.bootId.slice(byte * 2, byte * 2 + 2), 16) || 0;
  }
  let next = putText(bytes, at + SEGMENT_TEXTS, head.version);
  for (const { feed, name } of head.sources) next = putText(bytes, putText(bytes, next, feed), name);
  return padded(bytes, at, next);
}

/** Reads a segment payload. @returns what is wrong as text where it cannot be read. */
export function readSegment(view: DataView<ArrayBuffer>, at: number, length: number): SegmentHead | string {
  if (length < SEGMENT_TEXTS) return `a segment payload of ${length} bytes`;
  const format = view.getUint16(at, true);
  if (format !== SEGMENT_FORMAT) return `a segment of format ${format}, ${SEGMENT_FORMAT} is known`;
  const timeBase = view.getUint8(at + 2);
  const count = view.getUint8(at + 3);
  if (timeBase > 1 || count > SOURCES_MAX) return 'a segment payload with values that none has';
  const texts = new Texts(new Uint8Array(view.buffer), at + SEGMENT_TEXTS, at + length);
  const version = texts.next();
  const sources = Array.from({ length: count }, () => ({ feed: texts.next(), name: texts.next() }));
  if (!texts.isWhole) return 'a segment payload whose texts are longer than it';
  return {
    timeBase: timeBase === 0 ? 'utc' : 'midnight',
    sources,
    version,
    wallTime: view.getBigUint64(at + 8, true),
    bootId: bootIdOf(new Uint8Array(view.buffer, view.byteOffset + at + BOOT_ID_AT, BOOT_ID_BYTES)),
    lastFrame: view.getBigUint64(at + 16, true),
    lastCrc: view.getInt32(at + 24, true),
  };
}

function bootIdOf(bytes: Uint8Array): string {
  return bytes.every((byte) => byte === 0) ? '' : Buffer.from(bytes).toString('hex');
}

/** Writes the entry of a book at `at`, which has room for ENTRY_BYTES_MAX. @returns its length. */
export function writeBook(view: DataView<ArrayBuffer>, at: number, book: BookDefinition): number {
  const bytes = new Uint8Array(view.buffer);
  const { instrument, symbol, tick } = book;
  bytes.fill(0, at, at + ENTRY_TEXTS);
  view.setInt32(at, book.number, true);
  view.setInt32(at + 4, book.channel, true);
  view.setInt32(at + 8, bigLow(instrument), true);
  view.setInt32(at + 12, bigHigh(instrument), true);
  view.setUint16(at + 16, book.publisher, true);
  view.setUint8(at + 18, book.priceScale);
  view.setUint8(at + 19, book.quantityScale);
  view.setUint8(at + 20, (symbol === null ? 0 : HAS_SYMBOL) | (tick === null ? 0 : HAS_TICK));
  view.setInt32(at + 24, bigLow(tick ?? 0n), true);
  view.setInt32(at + 28, bigHigh(tick ?? 0n), true);
  return padded(bytes, at, putText(bytes, putText(bytes, at + ENTRY_TEXTS, book.source), symbol ?? ''));
}

/** The books of a dictionary payload. @returns what is wrong as text where it cannot be read. */
export function readBooks(
  view: DataView<ArrayBuffer>,
  at: number,
  length: number,
  count: number,
): BookDefinition[] | string {
  const books: BookDefinition[] = [];
  const bytes = new Uint8Array(view.buffer);
  const end = at + length;
  let next = at;
  while (next < end) {
    if (end - next < ENTRY_TEXTS) return 'a dictionary payload that ends inside an entry';
    const texts = new Texts(bytes, next + ENTRY_TEXTS, end);
    const source = texts.next();
    const symbol = texts.next();
    const flags = view.getUint8(next + 20);
    const priceScale = view.getUint8(next + 18);
    const quantityScale = view.getUint8(next + 19);
    if (!texts.isWhole || priceScale > SCALE_MAX || quantityScale > SCALE_MAX)
      return 'a dictionary entry with values that none has';
    books.push({
      number: view.getUint32(next, true),
      source,
      publisher: view.getUint16(next + 16, true),
      instrument: toBigUint(view.getInt32(next + 12, true), view.getInt32(next + 8, true)),
      channel: view.getUint32(next + 4, true),
      priceScale,
      quantityScale,
      tick:
        (flags & HAS_TICK) === 0
          ? null
          : toBigInt(view.getInt32(next + 28, true), view.getInt32(next + 24, true)),
      symbol: (flags & HAS_SYMBOL) === 0 ? null : symbol,
    });
    next = at + ((texts.position - at + 7) & ~7);
  }
  return books.length === count
    ? books
    : `a dictionary payload with ${books.length} entries, ${count} are said`;
}

/** What is kept of an order or event under a handle that extended events name. */
export interface AttributesEntry {
  /** From 1. */
  readonly handle: number;
  readonly bytes: Uint8Array;
}

/** A message as the venue sent it. */
export interface VenueEntry {
  /** Number of the event that it belongs to. */
  readonly event: number;
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** Writes an entry of an attributes payload at `at`. @returns where it ends, −1 where it does not fit. */
export function writeAttributes(view: DataView, at: number, { handle, bytes }: AttributesEntry): number {
  if (at + ATTRIBUTES_HEAD + bytes.length + 7 > view.byteLength) return -1;
  view.setInt32(at, handle, true);
  return putBytes(view, at + 4, bytes);
}

/** Writes an entry of a venue payload at `at`. @returns where it ends, −1 where it does not fit. */
export function writeVenue(view: DataView, at: number, { event, type, bytes }: VenueEntry): number {
  if (at + VENUE_HEAD + bytes.length + 7 > view.byteLength) return -1;
  putU64(view, at, event);
  view.setInt32(at + 8, type, true);
  return putBytes(view, at + 12, bytes);
}

/** Writes bytes with their number in front. @returns where they end, padded to 8. */
function putBytes(view: DataView, at: number, bytes: Uint8Array): number {
  const into = new Uint8Array(view.buffer, view.byteOffset);
  view.setInt32(at, bytes.length, true);
  into.set(bytes, at + 4);
  const end = (at + 4 + bytes.length + 7) & ~7;
  into.fill(0, at + 4 + bytes.length, end);
  return end;
}

/** Texts one behind the other; empty where one is cut off, and from then on. */
class Texts {
  position: number;
  isWhole = true;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.#bytes = bytes;
    this.position = at;
    this.#end = end;
  }

  next(): string {
    const bytes = this.#bytes;
    const from = this.position + 2;
    const length = from > this.#end ? 0 : bytes[from - 2]! | (bytes[from - 1]! << 8);
    if (from + length > this.#end) this.isWhole = false;
    if (!this.isWhole) return '';
    this.position = from + length;
    return DECODER.decode(bytes.subarray(from, from + length));
  }
}

/** @returns where the next text begins. */
function putText(bytes: Uint8Array, at: number, text: string): number {
  const { written } = ENCODER.encodeInto(text, bytes.subarray(at + 2, at + 2 + TEXT_BYTES_MAX));
  bytes[at] = written & 255;
  bytes[at + 1] = written >> 8;
  return at + 2 + written;
}

/** Zeros up to a length that is a multiple of 8. @returns that length. */
function padded(bytes: Uint8Array, at: number, end: number): number {
  const length = (end - at + 7) & ~7;
  bytes.fill(0, end, at + length);
  return length;
}
