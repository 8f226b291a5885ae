import { nsBetween } from '../binary/time.ts';
import type { EventBatch } from '../event/batch.ts';
import * as record from '../event/record.ts';
import { FRAME_CONTROL, FRAME_EVENTS, FRAME_HEADER_BYTES, type FrameWriter, putU64 } from './frame.ts';
import { MessagePlaces } from './message-places.ts';

/*
 * Payload of an events frame, and of a control frame, which has one event:
 *
 *     0 u64 venue time base · 8 u64 receive time base · 16 u64 bus cursor of the first event, 0 = none ·
 *     24 u32 runs · 28 u32 zero · 32 event records · then per run of events of one channel:
 *     0 u32 channel · 4 u16 place of its first event in its message · 6 u16 records · 8 u64 sequence base
 */
export const EVENTS_HEAD_BYTES = 32;
export const RUN_BYTES = 16;

// V8 folds a module's own constants into its code and loads imported ones each time, so the hot ones are taken over.
const NO_BOOK = record.NO_BOOK;
const RECORD_BYTES = record.RECORD_BYTES;
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_BOOK = record.WORD_BOOK;
const WORD_RECEIVE_TIME = record.WORD_RECEIVE_TIME;
const WORD_VENUE_TIME = record.WORD_VENUE_TIME;
const KIND_GAP = record.KIND_GAP;
const KIND_SESSION = record.KIND_SESSION;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const I32_MAX = 0x7fffffff;
const U32_MAX = 0xffffffff;
const U16_MAX = 0xffff;
const I16_MAX = 0x7fff;
/** Bits of the kinds that say something of the transport, as a record of one channel or of one book. */
const KINDS_OF_TRANSPORT: number = (1 << KIND_GAP) | (1 << record.KIND_RESET) | (1 << KIND_SESSION);
/** Fewer words are copied one by one: the call costs more. */
const COPIED_ONE_BY_ONE = 60;

/**
 * Events → frames, whole runs at a time. A frame ends when it is full, when a time does not fit, around an event of the
 * transport, and when `cut` says so.
 */
export class EventFrames {
  readonly places: MessagePlaces = new MessagePlaces();
  /** Events taken so far, and of them those of the frame that is being made. */
  events = 0;
  pending = 0;
  readonly #frames: FrameWriter;
  /** The frame that is being made: its records, runs and bases. */
  #records = 0;
  #runs = 0;
  readonly #runWords: Float64Array;
  #venueHigh = 0;
  #venueLow = 0;
  #receiveHigh = 0;
  #receiveLow = 0;
  /** What times of the batch at hand are greater by when they count from these bases. */
  #venueShift = 0;
  #receiveShift = 0;
  /** Of the last run: channel, sequence base and the record it began with. */
  #channel = 0;
  #sequenceBase = 0;
  #runStart = 0;
  /** Events that `#moveFitting` found to fit. */
  #moved = 0;
  /** The words that were copied last, as bytes. */
  #source: Int32Array | null = null;
  #sourceBytes: Buffer = Buffer.alloc(0);

  constructor(frames: FrameWriter) {
    this.#frames = frames;
    this.#runWords = new Float64Array((frames.payloadMax / RUN_BYTES) * 4);
  }

  /** Takes the records `from` … `to − 1` of a batch. */
  append(batch: EventBatch, from: number, to: number): void {
    if (from >= to) return;
    const first = from * RECORD_WORDS;
    const end = to * RECORD_WORDS;
    for (let at = first; at < end; ) at = this.#take(batch, at, end, first);
    this.places.note(batch, first, end);
  }

  /** Writes the frame that is being made, if it has events. */
  cut(): void {
    if (this.#records > 0) this.#write(FRAME_EVENTS);
  }

  /**
   * Takes the records of a batch from word `at` on, at most up to word `end`, that go to one run of one frame.
   * @param first word of the batch where what is appended begins. @returns the word behind them.
   */
  #take(batch: EventBatch, at: number, end: number, first: number): number {
    const { words } = batch;
    const head = words[at]!;
    if (isTransport(head & 255) && words[at + WORD_BOOK] === NO_BOOK) {
      this.cut();
      this.#open(batch, at, first);
      const behind = this.#copy(batch, at, at + ((head & HEAD_EXTENDED) !== 0 ? 2 : 1) * RECORD_WORDS, true);
      this.#write(FRAME_CONTROL);
      return behind;
    }
    const records = (head & HEAD_EXTENDED) !== 0 ? 2 : 1;
    this.#open(batch, at, first);
    // The run that it may have begun has its place already.
    const room = Math.max(records, Math.floor(this.#room / RECORD_BYTES) - this.#records);
    return this.#copy(batch, at, Math.min(end, at + room * RECORD_WORDS), false);
  }

  /** Bytes that records of the frame may take: two more runs have their place behind them. */
  get #room(): number {
    return this.#frames.payloadMax - EVENTS_HEAD_BYTES - (2 + this.#runs) * RUN_BYTES;
  }

  /** Makes the frame and its last run such that the event at word `at` fits. */
  #open(batch: EventBatch, at: number, first: number): void {
    const { words, channel } = batch;
    const head = words[at]!;
    const records = this.#records + ((head & HEAD_EXTENDED) !== 0 ? 2 : 1);
    if (this.#records > 0 && (records * RECORD_BYTES > this.#room || !this.#hasBases(batch, at))) this.cut();
    if (this.#records === 0) {
      this.#venueHigh = batch.venueBaseHigh;
      this.#venueLow = batch.venueBaseLow;
      this.#receiveHigh = batch.receiveBaseHigh;
      this.#receiveLow = batch.receiveBaseLow;
      this.#venueShift = 0;
      this.#receiveShift = 0;
    }
    const isNumbered = batch.sequenceBase !== 0;
    const sequence = isNumbered ? batch.sequenceBase + (head >>> 16) : 0;
    const difference = sequence - this.#sequenceBase;
    if (
      this.#records > 0 &&
      this.#channel === channel &&
      isNumbered === (this.#sequenceBase !== 0) &&
      (!isNumbered || (difference >= 0 && difference <= U16_MAX))
    ) {
      return;
    }
    this.#closeRun();
    const run = this.#runs * 4;
    this.#runWords[run] = channel;
    this.#runWords[run + 1] = this.places.placeOf(batch, at, first);
    this.#runWords[run + 3] = sequence;
    this.#runs += 1;
    this.#channel = channel;
    this.#sequenceBase = sequence;
    this.#runStart = this.#records;
  }

  /** Do the times of the event at word `at` fit the bases of the frame? Sets how far the batch's are from them. */
  #hasBases(batch: EventBatch, at: number): boolean {
    const { venueBaseHigh, venueBaseLow, receiveBaseHigh, receiveBaseLow } = batch;
    this.#venueShift = nsBetween(venueBaseHigh, venueBaseLow, this.#venueHigh, this.#venueLow);
    this.#receiveShift = nsBetween(receiveBaseHigh, receiveBaseLow, this.#receiveHigh, this.#receiveLow);
    const venue = this.#venueShift + batch.words[at + WORD_VENUE_TIME]!;
    const receive = this.#receiveShift + (batch.words[at + WORD_RECEIVE_TIME]! >>> 0);
    return venue <= I32_MAX && venue >= -I32_MAX - 1 && receive >= 0 && receive <= U32_MAX;
  }

  /**
   * Copies records as they are, and makes them count from the bases of frame and run, as far as they fit: the first one
   * does. What concerns the transport is left to a frame of its own, unless it `isControl` itself.
   * @returns the word of the batch behind them.
   */
  #copy(batch: EventBatch, at: number, end: number, isControl: boolean): number {
    const { words } = batch;
    const to = EVENTS_HEAD_BYTES / 4 + this.#records * RECORD_WORDS;
    const shift = batch.sequenceBase === 0 ? 0 : batch.sequenceBase - this.#sequenceBase;
    this.#copyWords(words, at, end, to);
    let events = isControl ? -1 : this.#moveAll(to, to + end - at, shift);
    let behind = end;
    if (events < 0) {
      this.#copyWords(words, at, end, to);
      behind = at + this.#moveFitting(to, to + end - at, shift, isControl);
      events = this.#moved;
    }
    this.#records += (behind - at) / RECORD_WORDS;
    this.pending += events;
    this.events += events;
    return behind;
  }

  /**
   * Makes copied records count from the bases, in one sweep: whether one does not fit, or is of the transport, is known
   * only at its end, and rare. @returns how many events they are, −1 where not all of them may stay.
   */
  #moveAll(from: number, end: number, shift: number): number {
    const venueShift = this.#venueShift;
    const receiveShift = this.#receiveShift;
    if (shift < 0 || shift > I16_MAX || receiveShift < 0 || receiveShift > I32_MAX) return -1;
    if (venueShift > I32_MAX || venueShift < -I32_MAX - 1) return -1;
    const venueMove = venueShift | 0;
    const receiveMove = receiveShift | 0;
    const headMove = shift << 16;
    const out = this.#frames.words;
    let events = 0;
    let kinds = 0;
    // Its sign: a sum has passed the end of its word.
    let wrapped = 0;
    let at = from;
    while (at < end) {
      const head = out[at]!;
      const venue = out[at + WORD_VENUE_TIME]!;
      const receive = out[at + WORD_RECEIVE_TIME]!;
      const movedHead = (head + headMove) | 0;
      const movedVenue = (venue + venueMove) | 0;
      const movedReceive = (receive + receiveMove) | 0;
      wrapped |=
        (head & ~movedHead) | (receive & ~movedReceive) | ((venue ^ movedVenue) & (venueMove ^ movedVenue));
      kinds |= 1 << (head & 31);
      out[at] = movedHead;
      out[at + WORD_VENUE_TIME] = movedVenue;
      out[at + WORD_RECEIVE_TIME] = movedReceive;
      events += 1;
      at += (head & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
    }
    return wrapped < 0 || (kinds & KINDS_OF_TRANSPORT) !== 0 || at !== end ? -1 : events;
  }

  /** The same one by one, up to the first record that has to go elsewhere. @returns words that may stay. */
  #moveFitting(from: number, end: number, shift: number, isControl: boolean): number {
    const out = this.#frames.words;
    const venueShift = this.#venueShift;
    const receiveShift = this.#receiveShift;
    let events = 0;
    let at = from;
    while (at < end) {
      const head = out[at]!;
      const next = at + ((head & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS);
      const message = (head >>> 16) + shift;
      const venue = out[at + WORD_VENUE_TIME]! + venueShift;
      const receive = (out[at + WORD_RECEIVE_TIME]! >>> 0) + receiveShift;
      if (next > end || message < 0 || message > U16_MAX) break;
      if (venue > I32_MAX || venue < -I32_MAX - 1 || receive < 0 || receive > U32_MAX) break;
      if (!isControl && isTransport(head & 255) && out[at + WORD_BOOK] === NO_BOOK) break;
      out[at] = (head & U16_MAX) | (message << 16);
      out[at + WORD_VENUE_TIME] = venue;
      out[at + WORD_RECEIVE_TIME] = receive;
      events += 1;
      at = next;
    }
    this.#moved = events;
    return at - from;
  }

  #copyWords(words: Int32Array, at: number, end: number, to: number): void {
    const out = this.#frames.words;
    if (end - at < COPIED_ONE_BY_ONE) {
      for (let word = at; word < end; word += 1) out[to + word - at] = words[word]!;
      return;
    }
    if (this.#source !== words) {
      this.#source = words;
      this.#sourceBytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
    }
    this.#sourceBytes.copy(this.#frames.bytes, FRAME_HEADER_BYTES + to * 4, at * 4, end * 4);
  }

  #closeRun(): void {
    if (this.#runs > 0) this.#runWords[this.#runs * 4 - 2] = this.#records - this.#runStart;
  }

  #write(type: number): void {
    this.#closeRun();
    const { view } = this.#frames;
    const at = FRAME_HEADER_BYTES;
    view.setInt32(at, this.#venueLow, true);
    view.setInt32(at + 4, this.#venueHigh, true);
    view.setInt32(at + 8, this.#receiveLow, true);
    view.setInt32(at + 12, this.#receiveHigh, true);
    putU64(view, at + 16, 0);
    putU64(view, at + 24, this.#runs);
    let next = at + EVENTS_HEAD_BYTES + this.#records * RECORD_BYTES;
    const runs = this.#runWords;
    for (let run = 0; run < this.#runs; run += 1) {
      view.setInt32(next, runs[run * 4]!, true);
      view.setUint16(next + 4, runs[run * 4 + 1]!, true);
      view.setUint16(next + 6, runs[run * 4 + 2]!, true);
      putU64(view, next + 8, runs[run * 4 + 3]!);
      next += RUN_BYTES;
    }
    this.#frames.write(type, next - at, this.#records, this.pending);
    this.#records = 0;
    this.pending = 0;
    this.#runs = 0;
  }
}

/** Kinds that say something of the transport and not of a book: gap, reset and session, which follow each other. */
function isTransport(kind: number): boolean {
  return kind >= KIND_GAP && kind <= KIND_SESSION;
}
