import { bigHigh, bigLow, nsBetween } from '../binary/time.ts';
import type { EventBatch, EventSink } from '../event/batch.ts';
import { FLAG_EXTENDED, RECORD_WORDS, WORD_RECEIVE_TIME } from '../event/record.ts';

const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/** Leaves out the events that arrived before or after given times, which are inside: for streams, whose messages have no packets to leave out. */
export class TimeRange implements EventSink {
  /** Messages left out. */
  before = 0;
  after = 0;
  readonly #from: bigint | null;
  readonly #until: bigint | null;
  readonly #sink: EventSink;
  /** Number of the message whose event was left out last: a message may have several. */
  #leftOut = -1;

  constructor(from: bigint | null, until: bigint | null, sink: EventSink) {
    this.#from = from;
    this.#until = until;
    this.#sink = sink;
  }

  accept(batch: EventBatch): void {
    const { words, sequenceBase } = batch;
    const afterFrom = nsAfter(batch, this.#from);
    const afterUntil = nsAfter(batch, this.#until);
    const { count } = batch;
    let kept = 0;
    let event = batch.firstEvent;
    for (let record = 0; record < count; ) {
      const at = record * RECORD_WORDS;
      const records = (words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1;
      const receive = words[at + WORD_RECEIVE_TIME]! >>> 0;
      const isBefore = this.#from !== null && afterFrom + receive < 0;
      if (isBefore || (this.#until !== null && afterUntil + receive > 0)) {
        const sequence = sequenceBase + (words[at]! >>> 16);
        if (sequence !== this.#leftOut) {
          if (isBefore) this.before += 1;
          else this.after += 1;
        }
        this.#leftOut = sequence;
        // What goes on together has numbers without a hole.
        this.#pass(batch, kept);
        kept = 0;
      } else {
        if (kept === 0 && batch.firstEvent !== 0) batch.firstEvent = event;
        words.copyWithin(kept * RECORD_WORDS, at, at + records * RECORD_WORDS);
        kept += records;
      }
      record += records;
      event += 1;
    }
    this.#pass(batch, kept);
  }

  #pass(batch: EventBatch, count: number): void {
    batch.count = count;
    if (count > 0) this.#sink.accept(batch);
  }
}

/** How far the receive base of a batch is behind a time, ns; 0 where there is none. */
function nsAfter(batch: EventBatch, time: bigint | null): number {
  if (time === null) return 0;
  return nsBetween(batch.receiveBaseHigh, batch.receiveBaseLow, bigHigh(time), bigLow(time));
}
