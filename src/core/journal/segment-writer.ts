import { nsBetween } from '../binary/time.ts';
import type { ByteSink } from '../capture/block-buffer.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import * as record from '../event/record.ts';
import {
  type Epoch,
  FRAME_CHECKPOINT,
  FRAME_CLOSE,
  FRAME_CONTROL,
  FRAME_DICTIONARY,
  FRAME_EVENTS,
  FRAME_HEADER_BYTES,
  FRAME_SEGMENT,
  type FramePlace,
  FrameWriter,
  putU64,
} from './frame.ts';
import {
  type ChannelPlace,
  type Checkpoint,
  type SourceSum,
  writeCheckpoint,
  writeClose,
} from './image-payload.ts';
import { ENTRY_BYTES_MAX, type SegmentHead, writeBook, writeSegment } from './payload.ts';

/*
 * Payload of an events frame, and of a control frame, which has one event:
 *
 *     0 u64 venue time base · 8 u64 receive time base · 16 u64 bus cursor of the first event, 0 = none ·
 *     24 u32 runs · 28 u32 zero · 32 event records · then per run of events of one channel:
 *     0 u32 channel · 4 u16 place of its first event in its message · 6 u16 records · 8 u64 sequence base
 */
export const EVENTS_HEAD_BYTES = 32;
export const RUN_BYTES = 16;

const RECORD_WORDS = record.RECORD_WORDS;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const I32_MAX = 0x7fffffff;
const U32_MAX = 0xffffffff;
const U16_MAX = 0xffff;

/** The books that events may name. */
export type KnownBooks = Pick<Dictionary, 'books' | 'changes'>;

/** What of a book may change after it was told. */
interface Told {
  readonly channel: number;
  readonly symbol: string | null;
}

/**
 * Events → frames. A frame of events ends when it is full, when a time does not fit, before a book is told, around an event
 * of the transport, and when `cut` says so. Books are told in front of the first batch that was made with them.
 */
export class SegmentWriter {
  readonly frames: FrameWriter;
  /** Events written, those of the frame that is being made included. */
  events = 0;
  /** Told so far, by book number. */
  readonly #told: Told[] = [];
  #changes = 0;
  /** The frame that is being made: its records, runs and bases. */
  #records = 0;
  #events = 0;
  #runs = 0;
  readonly #runWords: Float64Array;
  #venueHigh = 0;
  #venueLow = 0;
  #receiveHigh = 0;
  #receiveLow = 0;
  /** Of the last run: channel, sequence base and the record it began with. */
  #channel = 0;
  #sequenceBase = 0;
  #runStart = 0;
  /** The last message of every channel and how many events it had so far. */
  readonly #lastSequence: number[] = [];
  readonly #place: number[] = [];

  /** @param frameBytes of the longest frame; 64 KiB unless said. @param place of its first frame. */
  constructor(sink: ByteSink, epoch: Epoch, frameBytes?: number, place?: FramePlace) {
    this.frames = new FrameWriter(sink, epoch, frameBytes, place);
    this.#runWords = new Float64Array((this.frames.payloadMax / RUN_BYTES) * 4);
  }

  /** Number of the event that comes next. */
  get nextEvent(): number {
    return this.frames.eventNumber + this.#events;
  }

  /** Begins a segment with its head. Books have to be told in each. */
  open(head: SegmentHead): void {
    this.#told.length = 0;
    const bytes = writeSegment(this.frames.view, FRAME_HEADER_BYTES, head);
    this.frames.write(FRAME_SEGMENT, bytes, 1, 0);
  }

  /** Tells the books that were not, or have another name or channel than was told. */
  tell(dictionary: KnownBooks): void {
    if (dictionary.books.length !== this.#told.length || dictionary.changes !== this.#changes) {
      this.#tell(dictionary);
    }
  }

  /** Goes on where the events of a channel stand; what it had itself is known better. */
  goOn({ channel, lastSequence, lastEvents }: ChannelPlace): void {
    if (this.#lastSequence[channel] !== undefined || lastSequence === 0) return;
    this.#lastSequence[channel] = lastSequence;
    this.#place[channel] = lastEvents - 1;
  }

  /** The same place with the last message of its events. */
  standing(place: ChannelPlace): ChannelPlace {
    const lastSequence = this.#lastSequence[place.channel];
    if (lastSequence === undefined) return place;
    const lastEvents = lastSequence === 0 ? 0 : this.#place[place.channel]! + 1;
    return { ...place, lastSequence, lastEvents };
  }

  /** Takes the records `from` … `to − 1` of a batch. */
  append(batch: EventBatch, from: number, to: number, dictionary: KnownBooks): void {
    this.tell(dictionary);
    const { words } = batch;
    for (let index = from; index < to; ) {
      const at = index * RECORD_WORDS;
      const head = words[at]!;
      const records = (head & HEAD_EXTENDED) !== 0 ? 2 : 1;
      const isControl = words[at + record.WORD_BOOK] === record.NO_BOOK && isTransport(head & 255);
      if (isControl) this.cut();
      this.#put(batch, at, records);
      if (isControl) this.#write(FRAME_CONTROL);
      index += records;
    }
  }

  /** Writes the frame that is being made, if it has events. */
  cut(): void {
    if (this.#records > 0) this.#write(FRAME_EVENTS);
  }

  /** Says what the events so far led to. */
  checkpoint(standing: Omit<Checkpoint, 'nextEvent'>): void {
    this.cut();
    const { view, eventNumber } = this.frames;
    const bytes = writeCheckpoint(view, FRAME_HEADER_BYTES, { ...standing, nextEvent: eventNumber });
    this.frames.write(FRAME_CHECKPOINT, bytes, 1, 0);
  }

  /**
   * Ends the segment: whoever reads it knows that nothing is missing behind its last event.
   * @param sums of the books behind it; none where that was not calculated.
   */
  close(sums: readonly SourceSum[] = []): void {
    this.cut();
    const { view } = this.frames;
    const bytes = writeClose(view, FRAME_HEADER_BYTES, {
      lastEvent: this.frames.eventNumber - 1,
      books: this.#told.length,
      sums,
    });
    this.frames.write(FRAME_CLOSE, bytes, 1, 0);
  }

  #put(batch: EventBatch, at: number, records: number): void {
    const { words } = batch;
    const most = this.frames.payloadMax - EVENTS_HEAD_BYTES - 2 * RUN_BYTES - this.#runs * RUN_BYTES;
    if ((this.#records + records) * record.RECORD_BYTES > most) this.cut();
    let venue = this.#venueOf(batch, words[at + record.WORD_VENUE_TIME]!);
    let receive = this.#receiveOf(batch, words[at + record.WORD_RECEIVE_TIME]!);
    if (venue > I32_MAX || venue < -I32_MAX - 1 || receive < 0 || receive > U32_MAX) this.cut();
    if (this.#records === 0) {
      this.#venueHigh = batch.venueBaseHigh;
      this.#venueLow = batch.venueBaseLow;
      this.#receiveHigh = batch.receiveBaseHigh;
      this.#receiveLow = batch.receiveBaseLow;
      venue = words[at + record.WORD_VENUE_TIME]!;
      receive = words[at + record.WORD_RECEIVE_TIME]!;
    }
    const head = words[at]!;
    const sequence = batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (head >>> 16);
    const place = this.#placeOf(batch.channel, sequence);
    const base = this.#baseOf(batch, sequence, place);
    const out = this.frames.words;
    const to = EVENTS_HEAD_BYTES / 4 + this.#records * RECORD_WORDS;
    for (let word = 1; word < records * RECORD_WORDS; word += 1) out[to + word] = words[at + word]!;
    out[to] = (head & U16_MAX) | ((base === 0 ? head >>> 16 : sequence - base) << 16);
    out[to + record.WORD_VENUE_TIME] = venue;
    out[to + record.WORD_RECEIVE_TIME] = receive;
    this.#records += records;
    this.#events += 1;
    this.events += 1;
  }

  #venueOf(batch: EventBatch, difference: number): number {
    return nsBetween(batch.venueBaseHigh, batch.venueBaseLow, this.#venueHigh, this.#venueLow) + difference;
  }

  #receiveOf(batch: EventBatch, difference: number): number {
    const bases = nsBetween(batch.receiveBaseHigh, batch.receiveBaseLow, this.#receiveHigh, this.#receiveLow);
    return bases + (difference >>> 0);
  }

  /** Which event of its message it is, from 0; of messages without a number always the first. */
  #placeOf(channel: number, sequence: number): number {
    const isSame = sequence !== 0 && this.#lastSequence[channel] === sequence;
    const place = isSame ? Math.min(this.#place[channel]! + 1, U16_MAX) : 0;
    this.#lastSequence[channel] = sequence;
    this.#place[channel] = place;
    return place;
  }

  /** The sequence base of the run that the event goes to, which may be a new one. */
  #baseOf(batch: EventBatch, sequence: number, place: number): number {
    const { channel, sequenceBase } = batch;
    const difference = sequence - this.#sequenceBase;
    if (
      this.#records > 0 &&
      this.#channel === channel &&
      (sequenceBase === 0) === (this.#sequenceBase === 0) &&
      (sequenceBase === 0 || (difference >= 0 && difference <= U16_MAX))
    ) {
      return this.#sequenceBase;
    }
    this.#closeRun();
    const base = sequenceBase === 0 ? 0 : sequence;
    const at = this.#runs * 4;
    this.#runWords[at] = channel;
    this.#runWords[at + 1] = place;
    this.#runWords[at + 3] = base;
    this.#runs += 1;
    this.#channel = channel;
    this.#sequenceBase = base;
    this.#runStart = this.#records;
    return base;
  }

  #closeRun(): void {
    if (this.#runs > 0) this.#runWords[this.#runs * 4 - 2] = this.#records - this.#runStart;
  }

  #write(type: number): void {
    this.#closeRun();
    const { view } = this.frames;
    const at = FRAME_HEADER_BYTES;
    view.setInt32(at, this.#venueLow, true);
    view.setInt32(at + 4, this.#venueHigh, true);
    view.setInt32(at + 8, this.#receiveLow, true);
    view.setInt32(at + 12, this.#receiveHigh, true);
    putU64(view, at + 16, 0);
    putU64(view, at + 24, this.#runs);
    let next = at + EVENTS_HEAD_BYTES + this.#records * record.RECORD_BYTES;
    const runs = this.#runWords;
    for (let run = 0; run < this.#runs; run += 1) {
      view.setInt32(next, runs[run * 4]!, true);
      view.setUint16(next + 4, runs[run * 4 + 1]!, true);
      view.setUint16(next + 6, runs[run * 4 + 2]!, true);
      putU64(view, next + 8, runs[run * 4 + 3]!);
      next += RUN_BYTES;
    }
    this.frames.write(type, next - at, this.#records, this.#events);
    this.#records = 0;
    this.#events = 0;
    this.#runs = 0;
  }

  /** Writes books that are new, or have another name or channel than was told. */
  #tell(dictionary: KnownBooks): void {
    this.#changes = dictionary.changes;
    const told = this.#told;
    let next = FRAME_HEADER_BYTES;
    let entries = 0;
    for (const book of dictionary.books) {
      const before = told[book.number];
      if (before !== undefined && before.channel === book.channel && before.symbol === book.symbol) continue;
      // Not before there is something to tell: the frame at hand is in the same place.
      if (entries === 0) this.cut();
      told[book.number] = { channel: book.channel, symbol: book.symbol };
      next += writeBook(this.frames.view, next, book);
      entries += 1;
      if (next + ENTRY_BYTES_MAX > this.frames.bytes.length) {
        this.#writeBooks(next, entries);
        next = FRAME_HEADER_BYTES;
        entries = 0;
      }
    }
    this.#writeBooks(next, entries);
  }

  #writeBooks(end: number, entries: number): void {
    if (entries > 0) this.frames.write(FRAME_DICTIONARY, end - FRAME_HEADER_BYTES, entries, 0);
  }
}

/** Kinds that say something of the transport and not of a book. */
function isTransport(kind: number): boolean {
  return kind === record.KIND_GAP || kind === record.KIND_RESET || kind === record.KIND_SESSION;
}
