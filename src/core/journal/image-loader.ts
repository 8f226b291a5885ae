import type { Market } from '../book/market.ts';
import { TALLY_DUPLICATE_ORDER, TALLY_REJECTED, TALLY_SLOTS } from '../book/tally.ts';
import { EventBatch } from '../event/batch.ts';
import { FLAG_ASK, KIND_ADD, KIND_LEVEL, RECORD_WORDS } from '../event/record.ts';
import { getU64, IMAGE_END, IMAGE_HEAD } from './frame.ts';
import {
  IMAGE_ASK,
  IMAGE_CHANGES,
  IMAGE_LEVEL,
  IMAGE_MARKS,
  IMAGE_RECORD_BYTES,
  IMAGE_STALE,
  type ImageEnd,
  type ImageHead,
  readImageEnd,
  readImageHead,
} from './image-payload.ts';
import { CHANNELS_MAX } from './segment-reader.ts';

/** An image frame whose sums are right: where its payload is. */
export interface ImageFrame {
  readonly flags: number;
  readonly records: number;
  readonly payloadOffset: number;
  readonly payloadBytes: number;
}

/** The books that an image is loaded into: one empty market per source. */
export interface ImageTarget {
  /** Source of a book: the market that its orders go to. */
  sourceOf(book: number): number;
  marketOf(source: number): Market;
  /** Is the book to be loaded? Absent: all are. */
  isWanted?(book: number): boolean;
}

/**
 * Image frames → books. Each order enters as an add would, in canonical order, so that queues are as they were; what the
 * markets counted for it is forgotten.
 */
export class ImageLoader {
  head: ImageHead | null = null;
  /** Set when the image is whole. */
  end: ImageEnd | null = null;
  /** Orders and price levels so far, of books that are wanted. */
  entries = 0;
  readonly #target: ImageTarget;
  /** Numbers of books in the target by number in the image. */
  readonly #books: readonly number[];
  readonly #batch: EventBatch = new EventBatch();
  #source = -1;
  #records = 0;
  readonly #sources: Set<number> = new Set();
  /** Order changes of books, told when the orders of the image, which were none, have entered. */
  readonly #changes: { source: number; book: number; changes: number }[] = [];

  constructor(target: ImageTarget, books: readonly number[]) {
    this.#target = target;
    this.#books = books;
  }

  /** Takes the next frame of the image. @returns what is wrong with it, or null. */
  take(view: DataView, frame: ImageFrame): string | null {
    const { flags, payloadOffset: at, payloadBytes: length } = frame;
    if (this.end !== null) return 'a frame behind the last one of an image';
    if ((flags === IMAGE_HEAD) !== (this.head === null)) return 'an image that does not begin with its head';
    if (flags === IMAGE_HEAD) {
      const head = readImageHead(view, at, length);
      if (typeof head === 'string') return head;
      const beyond = head.channels.find(({ channel }) => channel >= CHANNELS_MAX);
      if (beyond !== undefined) return `channel ${beyond.channel}, a stream has at most ${CHANNELS_MAX}`;
      this.head = head;
      return null;
    }
    return flags === IMAGE_END
      ? this.#finish(view, at, length)
      : this.#enter(view, at, length, frame.records);
  }

  #enter(view: DataView, from: number, length: number, records: number): string | null {
    if (length !== records * IMAGE_RECORD_BYTES) return `${length} bytes for ${records} records of an image`;
    const batch = this.#batch;
    for (let at = from; at < from + length; at += IMAGE_RECORD_BYTES) {
      const book = this.#books[view.getUint32(at, true)];
      if (book === undefined) return `an image of book ${view.getUint32(at, true)}, which was not told`;
      if (this.#target.isWanted?.(book) === false) continue;
      const flags = view.getUint32(at + 4, true);
      const source = this.#target.sourceOf(book);
      if (source !== this.#source || batch.count === batch.capacity) this.#apply(source);
      if ((flags & IMAGE_MARKS) !== 0) {
        this.#apply(source);
        if ((flags & IMAGE_STALE) !== 0) this.#target.marketOf(source).restoreMarks([], [book]);
        if ((flags & IMAGE_CHANGES) !== 0)
          this.#changes.push({ source, book, changes: getU64(view, at + 24) });
        continue;
      }
      const to = batch.count * RECORD_WORDS;
      const { words } = batch;
      const side = (flags & IMAGE_ASK) !== 0 ? FLAG_ASK : 0;
      words[to] = ((flags & IMAGE_LEVEL) !== 0 ? KIND_LEVEL : KIND_ADD) | (side << 8);
      words[to + 1] = book;
      for (let word = 2; word < 8; word += 1) words[to + word] = view.getInt32(at + word * 4, true);
      batch.count += 1;
      this.entries += 1;
    }
    this.#apply(this.#source);
    this.#records += records;
    return null;
  }

  /** Applies what is gathered; what comes next is of `source`. */
  #apply(source: number): void {
    const batch = this.#batch;
    if (batch.count > 0) this.#target.marketOf(this.#source).apply(batch);
    batch.count = 0;
    this.#source = source;
    this.#sources.add(source);
  }

  #finish(view: DataView, at: number, length: number): string | null {
    const end = readImageEnd(view, at, length);
    if (typeof end === 'string') return end;
    if (end.records !== this.#records) return `an image of ${end.records} records, ${this.#records} came`;
    for (const { source } of end.sums) {
      if (source >= CHANNELS_MAX) return `source ${source}, a stream has at most ${CHANNELS_MAX}`;
      this.#sources.add(source);
    }
    this.#sources.delete(-1);
    for (const source of this.#sources) {
      const { tally, events } = this.#target.marketOf(source);
      for (let slot = TALLY_REJECTED; slot < TALLY_SLOTS; slot += 1) {
        if (tally[slot] !== 0) return 'an image with an entry that no book can hold';
      }
      if (tally[TALLY_DUPLICATE_ORDER] !== 0) return 'an image with an order that stands in it twice';
      tally.fill(0);
      events.fill(0);
      this.#target.marketOf(source).forgetChanges();
    }
    for (const { source, book, changes } of this.#changes) {
      this.#target.marketOf(source).restoreChanges(book, changes);
    }
    this.#markLost();
    this.end = end;
    return null;
  }

  /** Marks the channels with a loss where their books are. */
  #markLost(): void {
    for (const { channel, isLost } of this.head!.channels) {
      if (!isLost) continue;
      const first = this.#target.marketOf(0);
      const market = first.rules.idScope === 'source' ? this.#target.marketOf(channel) : first;
      market.restoreMarks([channel], []);
    }
  }
}
