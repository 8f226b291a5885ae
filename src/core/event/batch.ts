import { KIND_EXTENSION, RECORD_WORDS } from './record.ts';

/** Records in a batch unless asked otherwise: large enough to spread its cost, small enough for the cache. */
export const BATCH_RECORDS_DEFAULT = 1024;

/**
 * A preallocated run of event records of one channel, with the bases that their differences count from.
 *
 * Bases are 64-bit values as signed 32-bit halves, so that no BigInt and no boxed double is made per event.
 * A batch is handed over when it is full, when a difference to a base does not fit, or when another channel
 * has its turn; its owner is whoever writes it, readers must be done with it when `accept` returns.
 */
export class EventBatch {
  readonly capacity: number;
  readonly words: Int32Array;
  /** Records used, second records of extended events included. */
  count = 0;
  /** Number of the channel all records belong to (0, 1, … in order of first appearance). */
  channel = 0;
  /** Message number that the u16 of word 0 counts from: a safe integer. */
  sequenceBase = 0;
  /** Number of its first event, from 1, in the stream that it is read from; 0 = events have no numbers there. */
  firstEvent = 0;
  /** Venue time in ns since 1970 (or since midnight where the date is unknown) that word 8 counts from. */
  venueBaseHigh = 0;
  venueBaseLow = 0;
  /** Receive time in ns since 1970 that word 9 counts from. */
  receiveBaseHigh = 0;
  receiveBaseLow = 0;

  constructor(capacity: number = BATCH_RECORDS_DEFAULT) {
    this.capacity = capacity;
    this.words = new Int32Array(capacity * RECORD_WORDS);
  }
}

/** Takes the events of a batch. The batch is emptied by its writer after `accept` returns. */
export interface EventSink {
  accept(batch: EventBatch): void;
}

/** Events in the records `from` … `to − 1` of a batch: an extended one has two. */
export function eventsIn({ words }: EventBatch, from: number, to: number): number {
  let events = 0;
  for (let record = from; record < to; record += 1) {
    if ((words[record * RECORD_WORDS]! & 255) !== KIND_EXTENSION) events += 1;
  }
  return events;
}

/** Records `from` … `to − 1` of a batch in one of their own, without the numbers of their events. */
export function copyOf(batch: EventBatch, from: number, to: number): EventBatch {
  const copy = new EventBatch(to - from);
  copy.words.set(batch.words.subarray(from * RECORD_WORDS, to * RECORD_WORDS));
  copy.count = to - from;
  copy.channel = batch.channel;
  copy.sequenceBase = batch.sequenceBase;
  copy.venueBaseHigh = batch.venueBaseHigh;
  copy.venueBaseLow = batch.venueBaseLow;
  copy.receiveBaseHigh = batch.receiveBaseHigh;
  copy.receiveBaseLow = batch.receiveBaseLow;
  return copy;
}
