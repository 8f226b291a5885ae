import { toBigInt } from '../binary/time.ts';
import { BOOKS_MAX } from '../event/dictionary.ts';
import * as record from '../event/record.ts';
import { EVENTS_HEAD_BYTES, RUN_BYTES } from './event-frames.ts';
import {
  type Epoch,
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_EVENTS,
  FRAME_HEADER_BYTES,
  FRAME_SEGMENT,
  getU64,
} from './frame.ts';
import type { SegmentBytes } from './segment-bytes.ts';
import { type IndexEntry, NEVER, type SegmentIndex } from './segment-index.ts';
import { SegmentWalk, WALK_FRAME } from './segment-walk.ts';

/** Bytes of the segment between two entries, about. */
const STRIDE = 1 << 20;
const RECORD_WORDS = record.RECORD_WORDS;
const HEAD_LAST: number = record.FLAG_LAST << 8;
const SIGN = 0x80000000 | 0;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;

/**
 * Frames of a segment, as they are written or read → its index. One builder may go on from segment to segment, and then
 * knows of groups that began in an earlier one.
 */
export class IndexBuilder {
  #epoch: Epoch = { high: 0, low: 0 };
  #segment = 0;
  #isClosed = false;
  #bytes = 0;
  #firstFrame = 0;
  #lastFrame = 0;
  #lastOffset = 0;
  #lastSum = 0;
  #firstEvent = 0;
  #nextEvent = 0;
  #latestReceive: bigint = NEVER;
  #latestVenue: bigint = NEVER;
  readonly #sequences: Map<number, number> = new Map();
  #entries: IndexEntry[] = [];
  #nextEntryAt = 0;
  #endsInGroup = false;
  /** By book + 1: its last event ended no group; and how many of them there are. */
  #open: Uint8Array = new Uint8Array(64);
  #openBooks = 0;

  /**
   * Takes the next frame: header and payload, beginning at a multiple of 4 of their buffer.
   * @param offset in the segment. @returns how many events it has.
   */
  take(frame: Uint8Array, offset: number): number {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
    const type = view.getUint8(16);
    const number = getU64(view, 24);
    const event = getU64(view, 32);
    let events = 0;
    if (type === FRAME_SEGMENT) this.#begin(view, number, event);
    else if ((type === FRAME_EVENTS || type === FRAME_CONTROL) && view.getUint32(20, true) > 0) {
      if (offset >= this.#nextEntryAt) {
        const { latestReceive, latestVenue } = this.#latest();
        this.#entries.push({ offset, frame: number, event, latestReceive, latestVenue });
        this.#nextEntryAt = offset + STRIDE;
      }
      events = this.#events(frame, view, type === FRAME_CONTROL);
    }
    this.#nextEvent = event + events;
    this.#isClosed = type === FRAME_CLOSE;
    this.#lastFrame = number;
    this.#lastOffset = offset;
    this.#lastSum = view.getInt32(4, true);
    this.#bytes = offset + frame.length;
    return events;
  }

  /** The index of the segment that the frames taken last are of. */
  get index(): SegmentIndex {
    return {
      epoch: this.#epoch,
      segment: this.#segment,
      isClosed: this.#isClosed,
      endsInGroup: this.#endsInGroup,
      openBooks: this.#openBooks,
      bytes: this.#bytes,
      firstFrame: this.#firstFrame,
      lastFrame: this.#lastFrame,
      lastOffset: this.#lastOffset,
      lastSum: this.#lastSum,
      firstEvent: this.#firstEvent,
      nextEvent: this.#nextEvent,
      ...this.#latest(),
      sequences: new Map(this.#sequences),
      entries: this.#entries,
    };
  }

  #latest(): Pick<SegmentIndex, 'latestReceive' | 'latestVenue'> {
    return { latestReceive: this.#latestReceive, latestVenue: this.#latestVenue };
  }

  #begin(view: DataView, number: number, event: number): void {
    this.#epoch = { low: view.getInt32(40, true), high: view.getInt32(44, true) };
    this.#segment = view.getUint32(56, true);
    this.#firstFrame = number;
    this.#firstEvent = event;
    this.#latestReceive = NEVER;
    this.#latestVenue = NEVER;
    this.#sequences.clear();
    this.#entries = [];
    this.#nextEntryAt = 0;
  }

  #events(frame: Uint8Array, view: DataView, isControl: boolean): number {
    const words = new Int32Array(frame.buffer, frame.byteOffset, frame.length >> 2);
    const payload = FRAME_HEADER_BYTES;
    const start = (payload + EVENTS_HEAD_BYTES) >> 2;
    const end = start + view.getUint32(20, true) * RECORD_WORDS;
    let venue = words[start + record.WORD_VENUE_TIME]!;
    // Unsigned, with the sign turned, so that it compares as a signed one does.
    let receive = words[start + record.WORD_RECEIVE_TIME]! ^ SIGN;
    let events = 0;
    let allHeads = HEAD_LAST;
    let at = start;
    for (let run = end << 2; at < end; run += RUN_BYTES) {
      const to = Math.min(at + view.getUint16(run + 6, true) * RECORD_WORDS, end);
      if (to === at) break;
      let highest = 0;
      for (; at < to; events += 1) {
        const head = words[at]!;
        allHeads &= head;
        const place = head >>> 16;
        if (place > highest) highest = place;
        const told = words[at + record.WORD_VENUE_TIME]!;
        if (told > venue) venue = told;
        const arrived = words[at + record.WORD_RECEIVE_TIME]! ^ SIGN;
        if (arrived > receive) receive = arrived;
        at += (head & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
      }
      this.#noteSequence(view.getUint32(run, true), getU64(view, run + 8), highest);
    }
    if (isControl) this.#endGroups();
    else if (this.#openBooks > 0 || allHeads === 0) this.#noteGroups(words, start, end);
    else this.#endsInGroup = false;
    const venueBase = toBigInt(view.getInt32(payload + 4, true), view.getInt32(payload, true));
    const receiveBase = toBigInt(view.getInt32(payload + 12, true), view.getInt32(payload + 8, true));
    this.#latestVenue = later(this.#latestVenue, venueBase + BigInt(venue));
    this.#latestReceive = later(this.#latestReceive, receiveBase + BigInt((receive ^ SIGN) >>> 0));
    return events;
  }

  #noteSequence(channel: number, base: number, highest: number): void {
    // Messages without numbers.
    if (base === 0) return;
    const known = this.#sequences.get(channel) ?? 0;
    if (base + highest > known) this.#sequences.set(channel, base + highest);
  }

  #noteGroups(words: Int32Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const head = words[at]!;
      this.#noteGroup(words[at + record.WORD_BOOK]!, (head & HEAD_LAST) !== 0);
      at += (head & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
    }
  }

  #noteGroup(book: number, isLast: boolean): void {
    this.#endsInGroup = !isLast;
    if (book < record.NO_BOOK || book >= BOOKS_MAX) return;
    if (book + 1 >= this.#open.length) this.#grow(book);
    if ((this.#open[book + 1] === 1) !== isLast) return;
    this.#open[book + 1] = isLast ? 0 : 1;
    this.#openBooks += isLast ? -1 : 1;
  }

  /** What concerns a whole channel waits for no group: those that have begun are as good as ended. */
  #endGroups(): void {
    this.#endsInGroup = false;
    if (this.#openBooks > 0) this.#open.fill(0);
    this.#openBooks = 0;
  }

  #grow(book: number): void {
    const grown = new Uint8Array(Math.max(this.#open.length * 2, book + 2));
    grown.set(this.#open);
    this.#open = grown;
  }
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The index of a segment as its frames tell it, up to the first one that is bad. */
export function buildIndex(bytes: SegmentBytes): SegmentIndex {
  const walk = new SegmentWalk(bytes);
  const builder = new IndexBuilder();
  while (walk.next() === WALK_FRAME) {
    const frame = walk.window.bytes.subarray(walk.at - FRAME_HEADER_BYTES, walk.at + walk.payloadBytes);
    walk.accept(builder.take(frame, walk.offset));
  }
  return builder.index;
}
