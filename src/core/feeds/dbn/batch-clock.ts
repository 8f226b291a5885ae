import { nsBetween } from '../../binary/time.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { EventWriter } from '../../event/writer.ts';

/** Records that one message can become without looking at the room again: a gap, and a trade and its extension. */
export const EVENT_RECORDS_MAX = 3;
/** A batch spans this many message numbers (the u16 of word 0). */
export const SEQUENCE_SPAN = 0xffff;
/** High half from which a time counts as undefined (2^64 − 1 is the value; the half begins in the year 2554). */
export const UNDEFINED_TIME_HIGH: number = -1;
/** Low half from which a signed 32-bit difference reaches every other one. */
const MIDDLE_LOW = -0x80000000;
const TWO_32 = 4294967296;

/** Numbers and times of the records of a stream, and the batch whose bases they are told against. */
export class BatchClock {
  readonly writer: EventWriter;
  readonly batch: EventBatch;
  readonly channel: number;
  /** Number of the last record read, from 1. */
  ordinal = 0;
  /** Latest defined times of records, and their differences to the bases of the batch. */
  venueHigh = 0;
  venueLow = 0;
  receiveHigh = 0;
  receiveLow = 0;
  venue = 0;
  receive = 0;
  /** Receive time of the first record, once there was one. */
  hasFirst = false;
  firstHigh = 0;
  firstLow = 0;

  constructor(writer: EventWriter, channel: number) {
    this.writer = writer;
    this.batch = writer.batch;
    this.channel = channel;
    if (this.batch.capacity < EVENT_RECORDS_MAX) {
      throw new RangeError(
        `a batch of ${this.batch.capacity} records cannot hold the ${EVENT_RECORDS_MAX} of a message`,
      );
    }
  }

  /** Sets the time that undefined ones have until a record tells another. */
  start(high: number, low: number): void {
    if (high === UNDEFINED_TIME_HIGH) return;
    this.receiveHigh = high;
    this.receiveLow = low;
    this.venueHigh = high;
    this.venueLow = low;
  }

  /** High half of the time at a word, or of the latest receive time where it is undefined. */
  timeHigh(words: Int32Array, at: number): number {
    return words[at + 1] === UNDEFINED_TIME_HIGH ? this.receiveHigh : words[at + 1];
  }

  timeLow(words: Int32Array, at: number): number {
    return words[at + 1] === UNDEFINED_TIME_HIGH ? this.receiveLow : words[at];
  }

  /** Keeps the receive time at a word, if it is the first. */
  noteFirst(words: Int32Array, at: number): void {
    if (this.hasFirst) return;
    this.hasFirst = true;
    this.firstHigh = this.timeHigh(words, at);
    this.firstLow = this.timeLow(words, at);
  }

  /** Makes sure that the batch is of this channel and has bases. */
  open(): void {
    if (this.batch.channel !== this.channel) this.writer.flush();
    if (this.batch.count === 0) this.begin(this.ordinal + 1);
  }

  /**
   * Makes the empty batch ready for this channel: its bases are the latest times. Where the high half beside a base is
   * that of undefined times, the base is put where it reaches all of its own half and nothing of the other, so that
   * no undefined time is ever taken for one of the batch.
   */
  begin(sequence: number): void {
    const { batch } = this;
    const below = this.venueHigh === UNDEFINED_TIME_HIGH - 1;
    const above = this.venueHigh === UNDEFINED_TIME_HIGH + 1;
    batch.channel = this.channel;
    batch.sequenceBase = sequence;
    batch.venueBaseHigh = this.venueHigh;
    batch.venueBaseLow = below || above ? MIDDLE_LOW : this.venueLow;
    batch.receiveBaseHigh = this.receiveHigh;
    batch.receiveBaseLow = this.receiveHigh === UNDEFINED_TIME_HIGH - 1 ? 0 : this.receiveLow;
    this.venue = (this.venueLow - batch.venueBaseLow) | 0;
    this.receive = (this.receiveLow - batch.receiveBaseLow) | 0;
  }

  /**
   * Makes the batch fit for the record with its venue time at `venueAt` and its receive time at `receiveAt`: its times,
   * number and place. Undefined times are those of the record before.
   */
  fit(words: Int32Array, venueAt: number, receiveAt: number, sequence: number): void {
    const { batch } = this;
    if (words[venueAt + 1] !== UNDEFINED_TIME_HIGH) {
      this.venueHigh = words[venueAt + 1];
      this.venueLow = words[venueAt];
    }
    if (words[receiveAt + 1] !== UNDEFINED_TIME_HIGH) {
      this.receiveHigh = words[receiveAt + 1];
      this.receiveLow = words[receiveAt];
    }
    const venue = nsBetween(this.venueHigh, this.venueLow, batch.venueBaseHigh, batch.venueBaseLow);
    const receive = nsBetween(this.receiveHigh, this.receiveLow, batch.receiveBaseHigh, batch.receiveBaseLow);
    if (
      batch.count > batch.capacity - EVENT_RECORDS_MAX ||
      sequence - batch.sequenceBase > SEQUENCE_SPAN ||
      venue !== (venue | 0) ||
      receive !== receive >>> 0
    ) {
      this.writer.flush();
      this.begin(sequence);
    } else {
      this.venue = venue | 0;
      this.receive = receive | 0;
    }
  }

  /** Latest times = bases of the batch + differences. */
  keep(venue: number, receive: number): void {
    const { batch } = this;
    const venueLow = (batch.venueBaseLow >>> 0) + venue;
    const receiveLow = (batch.receiveBaseLow >>> 0) + (receive >>> 0);
    this.venueHigh = batch.venueBaseHigh + Math.floor(venueLow / TWO_32);
    this.venueLow = venueLow | 0;
    this.receiveHigh = batch.receiveBaseHigh + Math.floor(receiveLow / TWO_32);
    this.receiveLow = receiveLow | 0;
    this.venue = venue;
    this.receive = receive;
  }
}
