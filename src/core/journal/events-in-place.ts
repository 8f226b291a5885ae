import type { EventBatch } from '../event/batch.ts';
import * as record from '../event/record.ts';
import { EVENTS_HEAD_BYTES, RUN_BYTES } from './event-frames.ts';
import { getU64 } from './frame.ts';
import { CHANNELS_MAX } from './segment-reader.ts';
import type { ToldBooks } from './told-books.ts';

const RECORD_WORDS = record.RECORD_WORDS;
const RECORD_BYTES = record.RECORD_BYTES;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const HEAD_SNAPSHOT: number = record.FLAG_SNAPSHOT << 8;

/** A payload of events whose sum is right: where it is in the buffer. */
export interface EventsPayload {
  readonly at: number;
  readonly payloadBytes: number;
  readonly records: number;
}

/** A batch whose words are somebody else's. */
class RunBatch implements EventBatch {
  readonly capacity = 0;
  words: Int32Array = new Int32Array(0);
  count = 0;
  channel = 0;
  sequenceBase = 0;
  venueBaseHigh = 0;
  venueBaseLow = 0;
  receiveBaseHigh = 0;
  receiveBaseLow = 0;
  /** Not counted: books do not ask. */
  readonly firstEvent = 0;
}

/**
 * Events of a frame where they lie: one batch per run of a channel, whose words are those of the buffer. Frames begin at
 * multiples of 8 and records have 40 bytes, so the records of any frame are whole records of one of five views.
 */
export class EventsInPlace {
  /** The run at hand: records `from` … `to − 1` of `batch`. */
  readonly batch: RunBatch = new RunBatch();
  from = 0;
  to = 0;
  /** Of the frame: its events, and those whose message has a lower number than the one before it in its channel. */
  events = 0;
  backwards = 0;
  /** Numbers of the first and the last event whose message has one, 0 = none. */
  firstSequence = 0;
  lastSequence = 0;
  readonly #view: DataView;
  readonly #words: readonly Int32Array[];
  /** By channel, the message of its last event. */
  readonly #last: number[] = [];
  /** The same by book, where each numbers its messages. */
  readonly #lastOfBook: number[] | null;
  #runsAt = 0;
  #run = 0;
  #runs = 0;

  /** @param numbersByBook messages are numbered book by book and not in their channel; those of snapshots go their own way. */
  constructor(buffer: ArrayBuffer, numbersByBook = false) {
    this.#lastOfBook = numbersByBook ? [] : null;
    this.#view = new DataView(buffer);
    this.#words = Array.from({ length: RECORD_WORDS / 2 }, (_, phase) => new Int32Array(buffer, phase * 8));
  }

  /** Says what message of a channel was the last one, 0 = none. */
  standAt(channel: number, lastSequence: number): void {
    this.#last[channel] = lastSequence;
  }

  /**
   * Looks at every record of a frame. Numbers of books become those of the dictionary.
   * @returns what is wrong with it, or null: `next` goes through its runs.
   */
  open({ at, payloadBytes, records }: EventsPayload, books: ToldBooks): string | null {
    const view = this.#view;
    this.events = 0;
    this.backwards = 0;
    this.#run = 0;
    this.#runs = 0;
    if (payloadBytes < EVENTS_HEAD_BYTES) return `a payload of events of ${payloadBytes} bytes`;
    const runs = view.getUint32(at + 24, true);
    if (payloadBytes !== EVENTS_HEAD_BYTES + records * RECORD_BYTES + runs * RUN_BYTES)
      return `${payloadBytes} payload bytes for ${records} records in ${runs} runs`;
    const word = (at + EVENTS_HEAD_BYTES) / 4;
    const phase = word % RECORD_WORDS;
    this.batch.words = this.#words[phase / 2]!;
    this.#runsAt = at + EVENTS_HEAD_BYTES + records * RECORD_BYTES;
    const first = (word - phase) / RECORD_WORDS;
    let next = first;
    for (let run = 0; run < runs; run += 1) {
      const entry = this.#runsAt + run * RUN_BYTES;
      const channel = view.getUint32(entry, true);
      const end = next + view.getUint16(entry + 6, true);
      const base = getU64(view, entry + 8);
      if (channel >= CHANNELS_MAX) return `channel ${channel}, a stream has at most ${CHANNELS_MAX}`;
      if (!Number.isFinite(base)) return 'a sequence beyond 2^53';
      if (end === next || end > first + records) return 'runs that are not the records of their frame';
      const problem = this.#look(next, end, channel, base, books);
      if (problem !== null) return problem;
      next = end;
    }
    if (next !== first + records) return 'runs that are not the records of their frame';
    if (!books.isSame) this.#renumber(first, next, books.numbers);
    const { batch } = this;
    batch.venueBaseLow = view.getInt32(at, true);
    batch.venueBaseHigh = view.getInt32(at + 4, true);
    batch.receiveBaseLow = view.getInt32(at + 8, true);
    batch.receiveBaseHigh = view.getInt32(at + 12, true);
    this.to = first;
    this.#runs = runs;
    return null;
  }

  /** Goes on to the next run. @returns false behind the last one. */
  next(): boolean {
    if (this.#run === this.#runs) return false;
    const { batch } = this;
    const entry = this.#runsAt + this.#run * RUN_BYTES;
    batch.channel = this.#view.getUint32(entry, true);
    batch.sequenceBase = getU64(this.#view, entry + 8);
    this.from = this.to;
    this.to += this.#view.getUint16(entry + 6, true);
    batch.count = this.to;
    this.#run += 1;
    return true;
  }

  #look(from: number, to: number, channel: number, base: number, books: ToldBooks): string | null {
    const { words } = this.batch;
    const { numbers, isSame } = books;
    const told = numbers.length;
    const end = to * RECORD_WORDS;
    const lastOfBook = this.#lastOfBook;
    let last = this.#last[channel] ?? 0;
    let events = 0;
    let backwards = 0;
    for (let at = from * RECORD_WORDS; at < end; at += RECORD_WORDS) {
      const head = words[at]!;
      const kind = head & 255;
      if (kind === 0 || kind > record.KIND_VENUE) return `an event of kind ${kind}`;
      const book = words[at + record.WORD_BOOK]!;
      if (book !== record.NO_BOOK && (book >>> 0 >= told || (!isSame && numbers[book] === undefined)))
        return `an event of book ${book >>> 0}, which was not told`;
      if (kind === record.KIND_SESSION || kind === record.KIND_RESET) last = 0;
      else if (base !== 0 && kind !== record.KIND_GAP) {
        const message = base + (head >>> 16);
        if (lastOfBook === null) {
          if (message < last) backwards += 1;
        } else if (book >= 0 && (head & HEAD_SNAPSHOT) === 0) {
          if (message < (lastOfBook[book] ?? 0)) backwards += 1;
          lastOfBook[book] = message;
        }
        last = message;
      }
      events += 1;
      if ((head & HEAD_EXTENDED) === 0) continue;
      at += RECORD_WORDS;
      if (at >= end || (words[at]! & 255) !== record.KIND_EXTENSION)
        return 'an extended event without its second record';
    }
    this.events += events;
    this.backwards += backwards;
    this.#last[channel] = last;
    if (base !== 0 && last > 0) {
      this.lastSequence = last;
      if (this.firstSequence === 0) this.firstSequence = base + (words[from * RECORD_WORDS]! >>> 16);
    }
    return null;
  }

  #renumber(from: number, to: number, numbers: readonly number[]): void {
    const { words } = this.batch;
    for (let at = from * RECORD_WORDS; at < to * RECORD_WORDS; ) {
      const book = words[at + record.WORD_BOOK]!;
      if (book !== record.NO_BOOK) words[at + record.WORD_BOOK] = numbers[book]!;
      at += (words[at]! & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
    }
  }
}
