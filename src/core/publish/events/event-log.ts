import { FrameBus, type FrameChunk } from '../bus.ts';
import { isFirst, tagOf } from './kinds.ts';
import { Topics } from './topics.ts';

export interface EventLogLimits {
  readonly retainedEvents: number;
  readonly retainedBytes: number;
}

/** Every event in the log begins like this, and ends with a comma, so that neighbours are the elements of a list. */
export const HEAD = '{"seq":"';
const HEAD_BYTES: number = HEAD.length;
const ZERO = 48;
const QUOTE = 34;
const CHUNK_BYTES_MAX = 1 << 18;
const CHUNK_BYTES_MIN = 1 << 16;

/**
 * The events that were sent last, each made once, as the elements of a batch. Several may have the number of one event of
 * the history: they are one behind the other, and whoever goes on behind a number goes on behind all of them.
 */
export class EventLog {
  readonly bus: FrameBus;
  readonly topics: Topics = new Topics();
  /** Number of the last event that was seen, whether or not it had a form. */
  lastSeq = 0;
  /** The log has everything behind this event, as far as it has not left since. */
  startSeq = 0;
  /** Cursors in front of it are gone. */
  #floor = 0;
  #lastAppended = -1;

  constructor({ retainedEvents, retainedBytes }: EventLogLimits) {
    const chunkBytes = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, retainedBytes >> 3));
    this.bus = new FrameBus({ frames: retainedEvents, bytes: retainedBytes, chunkBytes });
  }

  get next(): number {
    return this.bus.next;
  }

  get oldest(): number {
    return Math.max(this.bus.oldest, this.#floor);
  }

  /** Forgets what there is: events were left out behind it. */
  cut(): void {
    this.#floor = this.bus.next;
    this.startSeq = this.lastSeq;
  }

  /** @param text the event as HEAD, its number, … and a comma. */
  append(text: Uint8Array, seq: number, topic: number, kind: number): void {
    this.bus.append(text, tagOf(topic, kind, seq !== this.#lastAppended));
    this.#lastAppended = seq;
  }

  /** Number of the event at a cursor that is kept. */
  seqAt(cursor: number): number {
    const chunk = this.bus.chunkAt(cursor)!;
    return readSeq(chunk.bytes, startOf(chunk, cursor - chunk.first));
  }

  /** Cursor of the oldest event that is kept whole; `next` where none is. */
  oldestWhole(): number {
    const { next } = this.bus;
    let cursor = this.oldest;
    while (cursor < next) {
      const chunk = this.bus.chunkAt(cursor)!;
      if (isFirst(chunk.tags[cursor - chunk.first]!)) return cursor;
      cursor += 1;
    }
    return cursor;
  }

  /** Number of the event behind which everything is kept. */
  completeAfter(): number {
    if (this.oldest === this.#floor) return this.startSeq;
    const cursor = this.oldestWhole();
    return cursor === this.bus.next ? this.lastSeq : this.seqAt(cursor) - 1;
  }

  /** Cursor of the first event with a number beyond `seq`. */
  after(seq: number): number {
    let low = this.oldest;
    let high = this.bus.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.seqAt(middle) > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Where the event at `index` of a chunk begins. */
export function startOf({ ends }: FrameChunk, index: number): number {
  return index === 0 ? 0 : ends[index - 1]!;
}

/** Number of the event whose text begins at `at`. */
export function readSeq(bytes: Uint8Array, at: number): number {
  let seq = 0;
  for (let place = at + HEAD_BYTES; bytes[place] !== QUOTE; place += 1) seq = seq * 10 + bytes[place]! - ZERO;
  return seq;
}
