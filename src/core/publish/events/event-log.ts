import { FrameBus, type FrameChunk } from '../bus.ts';
import { type EventForm, JSON_FORM } from './event-form.ts';
import { isFirst, isMissed, MISSED_TAG, tagOf } from './kinds.ts';
import { MadeKinds } from './made-kinds.ts';
import { Topics } from './topics.ts';

export interface EventLogLimits {
  readonly retainedEvents: number;
  readonly retainedBytes: number;
}

/** Memory that an event is written into. */
export interface EventMemory {
  /** Makes room for one of at most so many bytes and answers where it begins in `buffer` and `view`. */
  reserve(bytes: number): number;
  /** Other ones after each `reserve`. */
  readonly buffer: Buffer;
  readonly view: DataView;
  /** The event is complete. */
  commit(bytes: number, seq: number, topic: number, kind: number): void;
}

const CHUNK_BYTES_MAX = 1 << 18;
const CHUNK_BYTES_MIN = 1 << 16;

/**
 * The events that were sent last, each made once, in one form. Several may have the number of one event of
 * the history: they are one behind the other, and whoever goes on behind a number goes on behind all of them.
 */
export class EventLog implements EventMemory {
  readonly form: EventForm;
  readonly bus: FrameBus;
  readonly topics: Topics = new Topics();
  readonly made: MadeKinds = new MadeKinds();
  /** Number of the last event that was seen, whether or not it had a form. */
  lastSeq = 0;
  #lastAppended = -1;

  constructor({ retainedEvents, retainedBytes }: EventLogLimits, form: EventForm = JSON_FORM) {
    this.form = form;
    const chunkBytes = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, retainedBytes >> 3));
    this.bus = new FrameBus({ frames: retainedEvents, bytes: retainedBytes, chunkBytes });
  }

  get next(): number {
    return this.bus.next;
  }

  get oldest(): number {
    return this.bus.oldest;
  }

  get buffer(): Buffer {
    return this.bus.buffer;
  }

  get view(): DataView {
    return this.bus.view;
  }

  reserve(bytes: number): number {
    return this.bus.reserve(bytes);
  }

  commit(bytes: number, seq: number, topic: number, kind: number): void {
    this.bus.commit(bytes, tagOf(topic, kind, seq !== this.#lastAppended));
    this.#lastAppended = seq;
  }

  /** The history begins behind this event. */
  skipTo(seq: number): void {
    this.lastSeq = seq;
    this.made.skipTo(seq);
  }

  /** The history goes on behind this event; what is in front of it and was not seen is missing. */
  miss(seq: number): void {
    if (seq <= this.lastSeq) return;
    this.bus.append(this.form.missed(this.lastSeq, seq), MISSED_TAG);
    this.skipTo(seq);
  }

  /** Events that are missing at a cursor: behind one number, up to another; null where none are. */
  missedAt(cursor: number): { readonly behind: number; readonly to: number } | null {
    const chunk = this.bus.chunkAt(cursor);
    if (chunk === null || !isMissed(chunk.tags[cursor - chunk.first]!)) return null;
    const start = startOf(chunk, cursor - chunk.first);
    const { form } = this;
    const behind = form.behindAt(chunk.bytes, start, chunk.ends[cursor - chunk.first]!);
    return { behind, to: form.seqAt(chunk.bytes, start) };
  }

  /** Number of the event at a cursor that is kept. */
  seqAt(cursor: number): number {
    const chunk = this.bus.chunkAt(cursor)!;
    return this.form.seqAt(chunk.bytes, startOf(chunk, cursor - chunk.first));
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

  /** Number of the event behind which everything of these kinds, which somebody wants, is kept. */
  completeAfter(kinds: number): number {
    const made = this.made.since(kinds);
    if (this.oldest === 0) return made;
    const cursor = this.oldestWhole();
    return Math.max(made, cursor === this.next ? this.lastSeq : this.seqAt(cursor) - 1);
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
