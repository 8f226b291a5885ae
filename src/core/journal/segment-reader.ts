import type { ByteWindow } from '../binary/byte-window.ts';
import type { EventBatch } from '../event/batch.ts';
import { BOOKS_MAX, type Dictionary } from '../event/dictionary.ts';
import * as record from '../event/record.ts';
import { EVENTS_HEAD_BYTES, RUN_BYTES } from './event-frames.ts';
import {
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_DICTIONARY,
  FRAME_EVENTS,
  FRAME_IMAGE,
  FRAME_SEGMENT,
  getU64,
} from './frame.ts';
import { FRAME_END, FRAME_TRUNCATED, FRAME_WHOLE, FrameReader } from './frame-reader.ts';
import { readClose } from './image-payload.ts';
import { readBooks, readSegment, type SegmentHead } from './payload.ts';

/** Answers of `SegmentReader.next`; the others are those of FRAME_*. */
/** A segment begins: `head` tells of it. */
export const SEGMENT_BEGINS = 10;
/** A frame with events: `fill` has them. */
export const SEGMENT_EVENTS = 11;
/** The segment is closed: nothing is missing behind its last event. */
export const SEGMENT_CLOSED = 12;

/** A frame of the image of all books in front of the next event: an ImageLoader takes it; whoever has the books already need not. */
export const SEGMENT_IMAGE = 13;

const RECORD_WORDS = record.RECORD_WORDS;
/** In place of the message of what is of none. */
const NO_MESSAGE = -1;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
/** Channels that a stream may have: each may need a market of its own. */
export const CHANNELS_MAX = 1024;

/**
 * Reads segments: frames in a window → books of a dictionary and batches of events, doing no I/O. What a frame with right
 * sums cannot mean (kinds that do not exist, books that were not told, runs that do not add up) is damage, too: nothing
 * of such a frame is handed over. Frames of types that are not known are left out.
 */
export class SegmentReader {
  readonly frames: FrameReader;
  head: SegmentHead | null = null;
  /** Of the segment that has just begun: events that were written and did not come, before its first one. */
  lost = 0;
  /** Messages that the events of the last `fill` are the first ones of, as far as numbers tell. */
  messages = 0;
  /** Nothing more is to come of the segment. */
  closed = false;
  /** The stream has ended behind a whole frame, and not where its writer closed it. */
  endsOpen = false;
  readonly #window: ByteWindow;
  /** The window as words: it moves what is unread to its front, and lengths are multiples of 8, so payloads are aligned. */
  readonly #words: Int32Array;
  readonly #dictionary: Dictionary;
  /** Numbers in the dictionary by number in the stream. */
  readonly #books: number[] = [];
  /** All of them are the same. */
  #keepsNumbers = true;
  /** Number of the event that comes next. */
  #nextEvent = 1;
  #epochHigh = 0;
  #epochLow = 0;
  /** By channel, the message of its last event. */
  readonly #message: number[] = [];
  /** The events frame at hand: the run that is next, its next record, and how many of its records are left. */
  #run = 0;
  #runs = 0;
  #left = 0;
  #record = 0;
  /** Word in the payload where the next record begins; bytes where the runs do. */
  #runsAt = 0;

  /** @param window holds at least the longest frame. */
  constructor(window: ByteWindow, dictionary: Dictionary) {
    this.#window = window;
    this.#words = new Int32Array(window.bytes.buffer, 0, window.bytes.length >> 2);
    this.#dictionary = dictionary;
    this.frames = new FrameReader(window);
  }

  /** Numbers in the dictionary by number in the stream. */
  get books(): readonly number[] {
    return this.#books;
  }

  /** Number of the event that comes next. */
  get nextEvent(): number {
    return this.#nextEvent;
  }

  /** The window slides over another file: its segment goes on with the one read so far. */
  goOn(): void {
    this.frames.goOn();
    this.endsOpen = false;
  }

  /** Goes on to what comes next. @returns one of FRAME_MORE, _END, _TRUNCATED, _DAMAGED and SEGMENT_*. */
  next(): number {
    for (;;) {
      const answer = this.frames.next();
      if (answer === FRAME_END && !this.closed) return this.#cut();
      if (answer !== FRAME_WHOLE) return answer;
      const { frames } = this;
      if (this.closed && frames.type !== FRAME_SEGMENT)
        return frames.refuse('a frame behind the one that closes its segment');
      switch (frames.type) {
        case FRAME_SEGMENT:
          return this.#begin();
        case FRAME_DICTIONARY: {
          const problem = this.#learn();
          if (problem !== null) return frames.refuse(problem);
          break;
        }
        case FRAME_IMAGE:
          return SEGMENT_IMAGE;
        case FRAME_EVENTS:
        case FRAME_CONTROL: {
          const problem = this.#openEvents();
          if (problem !== null) return frames.refuse(problem);
          return SEGMENT_EVENTS;
        }
        case FRAME_CLOSE: {
          const close = readClose(this.#window.view, frames.payloadOffset, frames.payloadBytes);
          if (typeof close === 'string') return frames.refuse(close);
          if (close.lastEvent !== this.#nextEvent - 1)
            return frames.refuse(
              `the segment is closed behind event ${close.lastEvent}, the last one was ${this.#nextEvent - 1}`,
            );
          this.closed = true;
          return SEGMENT_CLOSED;
        }
        default:
          break;
      }
    }
  }

  /**
   * Fills an empty batch with the next events of the frame, all of one channel, and counts `messages`.
   * @param messagesMax events of at most so many messages. @param stepwise only events that arrived at one time.
   * @returns how many events; 0 where the frame has no more, or none may be given.
   */
  fill(batch: EventBatch, messagesMax: number, stepwise: boolean): number {
    if (this.#left === 0 && !this.#nextRun(batch)) return 0;
    const source = this.#words;
    const { channel, sequenceBase, capacity } = batch;
    const isControl = this.frames.type === FRAME_CONTROL;
    const from = (this.frames.payloadOffset + EVENTS_HEAD_BYTES) / 4 + this.#record * RECORD_WORDS;
    const receive = source[from + record.WORD_RECEIVE_TIME]!;
    let last = this.#message[channel] ?? 0;
    let records = 0;
    let events = 0;
    let messages = 0;
    while (records < this.#left) {
      const at = from + records * RECORD_WORDS;
      const head = source[at]!;
      const size = (head & HEAD_EXTENDED) !== 0 ? 2 : 1;
      if (records + size > capacity) break;
      if (stepwise && source[at + record.WORD_RECEIVE_TIME] !== receive) break;
      // What tells the message of an event from the one before: its number, another one each time where it has none.
      let message = NO_MESSAGE;
      if (!isControl)
        message = sequenceBase !== 0 ? sequenceBase + (head >>> 16) : last === 0.25 ? 0.5 : 0.25;
      if (message !== last) {
        if (messages === messagesMax) break;
        if (!isControl) messages += 1;
        last = message;
      }
      records += size;
      events += 1;
    }
    batch.words.set(source.subarray(from, from + records * RECORD_WORDS));
    if (!this.#keepsNumbers) this.#renumber(batch.words, records);
    batch.count = records;
    batch.firstEvent = this.#nextEvent;
    this.messages = messages;
    this.#message[channel] = last;
    this.#record += records;
    this.#left -= records;
    this.#nextEvent += events;
    return events;
  }

  /** Puts the numbers of the dictionary in place of those of the stream. */
  #renumber(words: Int32Array, records: number): void {
    const books = this.#books;
    for (let at = 0; at < records * RECORD_WORDS; ) {
      const book = words[at + record.WORD_BOOK]!;
      if (book !== record.NO_BOOK) words[at + record.WORD_BOOK] = books[book]!;
      at += (words[at]! & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
    }
  }

  /** Points the batch at the next run. */
  #nextRun(batch: EventBatch): boolean {
    if (this.#run === this.#runs) return false;
    const { view } = this.#window;
    const payload = this.frames.payloadOffset;
    const at = this.#runsAt + this.#run * RUN_BYTES;
    batch.venueBaseLow = view.getInt32(payload, true);
    batch.venueBaseHigh = view.getInt32(payload + 4, true);
    batch.receiveBaseLow = view.getInt32(payload + 8, true);
    batch.receiveBaseHigh = view.getInt32(payload + 12, true);
    batch.channel = view.getUint32(at, true);
    batch.sequenceBase = getU64(view, at + 8);
    this.#left = view.getUint16(at + 6, true);
    this.#run += 1;
    return true;
  }

  /** The stream ends, and not where its writer closed it. */
  #cut(): number {
    const { frames } = this;
    this.endsOpen = true;
    frames.problem = `the stream ends without a frame that closes it, behind event ${this.#nextEvent - 1}`;
    frames.problemOffset = this.#window.offset;
    return FRAME_TRUNCATED;
  }

  #begin(): number {
    const { frames } = this;
    const head = readSegment(this.#window.view, frames.payloadOffset, frames.payloadBytes);
    if (typeof head === 'string') return frames.refuse(head);
    const isSame =
      this.head === null || (this.#epochHigh === frames.epochHigh && this.#epochLow === frames.epochLow);
    if (isSame && frames.eventNumber < this.#nextEvent)
      return frames.refuse(
        `a segment from event ${frames.eventNumber}, and event ${this.#nextEvent - 1} came already`,
      );
    // Another history says nothing about how much of the one before is missing, unless it goes on with it.
    const isNext = frames.follows && frames.eventNumber === this.#nextEvent;
    this.lost = isSame || isNext ? frames.eventNumber - this.#nextEvent : Math.max(1, frames.eventNumber - 1);
    this.#nextEvent = frames.eventNumber;
    this.#epochHigh = frames.epochHigh;
    this.#epochLow = frames.epochLow;
    // Numbers of books live as long as their history.
    if (!isSame) {
      this.#books.length = 0;
      this.#keepsNumbers = true;
    }
    this.closed = false;
    this.head = head;
    return SEGMENT_BEGINS;
  }

  /** Maps the books of a dictionary frame. @returns what is wrong, or null. */
  #learn(): string | null {
    const { payloadOffset, payloadBytes, records } = this.frames;
    const found = readBooks(this.#window.view, payloadOffset, payloadBytes, records);
    if (typeof found === 'string') return found;
    for (const book of found) {
      if (book.channel >= CHANNELS_MAX)
        return `channel ${book.channel}, a stream has at most ${CHANNELS_MAX}`;
      if (book.number >= BOOKS_MAX) return `book ${book.number}, a stream has at most ${BOOKS_MAX}`;
      const known = this.#books[book.number];
      const number = known ?? this.#dictionary.add(book);
      this.#books[book.number] = number;
      if (number !== book.number) this.#keepsNumbers = false;
      this.#dictionary.rehome(number, book.channel);
      if (book.symbol !== null) this.#dictionary.name(number, book.symbol);
    }
    return null;
  }

  /** Looks at every record of an events frame before one is used. @returns what is wrong, or null. */
  #openEvents(): string | null {
    const { view } = this.#window;
    const { payloadOffset: at, payloadBytes, records, eventNumber } = this.frames;
    if (eventNumber !== this.#nextEvent) return `event ${eventNumber} behind event ${this.#nextEvent - 1}`;
    if (payloadBytes < EVENTS_HEAD_BYTES) return `a payload of events of ${payloadBytes} bytes`;
    const runs = view.getUint32(at + 24, true);
    if (payloadBytes !== EVENTS_HEAD_BYTES + records * record.RECORD_BYTES + runs * RUN_BYTES)
      return `${payloadBytes} payload bytes for ${records} records in ${runs} runs`;
    this.#runsAt = at + EVENTS_HEAD_BYTES + records * record.RECORD_BYTES;
    this.#run = 0;
    this.#runs = runs;
    this.#left = 0;
    this.#record = 0;
    let first = 0;
    for (let run = 0; run < runs; run += 1) {
      const entry = this.#runsAt + run * RUN_BYTES;
      const channel = view.getUint32(entry, true);
      const end = first + view.getUint16(entry + 6, true);
      if (channel >= CHANNELS_MAX) return `channel ${channel}, a stream has at most ${CHANNELS_MAX}`;
      if (!Number.isFinite(getU64(view, entry + 8))) return 'a sequence beyond 2^53';
      if (end === first || end > records) return 'runs that are not the records of their frame';
      const problem = this.#recordsProblem(at + EVENTS_HEAD_BYTES, first, end);
      if (problem !== null) return problem;
      first = end;
    }
    return first === records ? null : 'runs that are not the records of their frame';
  }

  #recordsProblem(at: number, from: number, to: number): string | null {
    const words = this.#words;
    const books = this.#books;
    for (let index = from; index < to; index += 1) {
      const word = (at >> 2) + index * RECORD_WORDS;
      const head = words[word]!;
      const kind = head & 255;
      if (kind === 0 || kind > record.KIND_VENUE) return `an event of kind ${kind}`;
      const book = words[word + record.WORD_BOOK]!;
      if (book !== record.NO_BOOK && books[book] === undefined)
        return `an event of book ${book}, which was not told`;
      if ((head & HEAD_EXTENDED) === 0) continue;
      index += 1;
      if (index === to || (words[word + RECORD_WORDS]! & 255) !== record.KIND_EXTENSION)
        return 'an extended event without its second record';
    }
    return null;
  }
}
