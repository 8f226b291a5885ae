import { nsBetween } from '../binary/time.ts';
import { MdxError } from '../errors.ts';
import { EventBatch, type EventSink } from '../event/batch.ts';
import {
  FLAG_EXTENDED,
  FLAG_LAST,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_RECEIVE_TIME,
  WORD_VENUE_TIME,
} from '../event/record.ts';
import type { BookRules } from '../event/rules.ts';

/** Most records of groups that have begun; real groups have a few dozen. */
export const HELD_RECORDS_MAX: number = 1 << 20;

/** Where a run stops; both are inclusive. */
export type Until =
  /** Receive time, or the venue's, ns since 1970 as halves. */
  | { readonly kind: 'time' | 'venue'; readonly high: number; readonly low: number }
  /** Message number of a channel. */
  | { readonly kind: 'sequence'; readonly channel: number; readonly sequence: number }
  /** Event of a stream that numbers them. */
  | { readonly kind: 'event'; readonly event: number };

const HEAD_LAST: number = FLAG_LAST << 8;
const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/**
 * Lets whole groups through up to a time, message or event, so that the books behind it stand after the last group
 * that ended by then; a group that ends later does not enter at all.
 */
export class UntilGate implements EventSink {
  /** The point was passed: what comes later is dropped. */
  passed = false;
  readonly #until: Until;
  readonly #sink: EventSink;
  readonly #bySource: boolean;
  /** Records of groups that have begun, by book; one list for feeds whose groups span books. */
  readonly #open: Map<number, number[]> = new Map();
  /** Records in them. */
  #held = 0;
  #out: EventBatch = new EventBatch();

  constructor(until: Until, rules: BookRules, sink: EventSink) {
    this.#until = until;
    this.#sink = sink;
    this.#bySource = rules.groupScope === 'source';
  }

  accept(batch: EventBatch): void {
    const { words } = batch;
    this.#openOut(batch);
    let event = batch.firstEvent;
    for (let record = 0; record < batch.count && !this.passed; ) {
      const at = record * RECORD_WORDS;
      const records = (words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1;
      if (isBeyond(this.#until, batch, at, event)) this.passed = true;
      else this.#take(words, at, records);
      record += records;
      event += 1;
    }
    if (this.#out.count > 0) this.#sink.accept(this.#out);
    this.#out.count = 0;
  }

  /** Takes the bases of a batch; events of a group that began in an earlier one lose their times, which books do not read. */
  #openOut(batch: EventBatch): void {
    const out = this.#out;
    if (out.capacity < batch.capacity * 2) this.#out = new EventBatch(batch.capacity * 2);
    this.#out.channel = batch.channel;
    this.#out.sequenceBase = batch.sequenceBase;
    this.#out.venueBaseHigh = batch.venueBaseHigh;
    this.#out.venueBaseLow = batch.venueBaseLow;
    this.#out.receiveBaseHigh = batch.receiveBaseHigh;
    this.#out.receiveBaseLow = batch.receiveBaseLow;
  }

  #take(words: Int32Array, at: number, records: number): void {
    const kind = words[at]! & 255;
    const length = records * RECORD_WORDS;
    const named = words[at + WORD_BOOK]! !== NO_BOOK;
    if (!named && (kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION)) {
      // The transport's own events belong to no group and wait for none; what has begun came before them.
      for (const begun of this.#open.values()) this.#emit(begun, 0, begun.length);
      this.#open.clear();
      this.#held = 0;
      this.#emit(words, at, length);
      return;
    }
    const group = this.#bySource ? 0 : words[at + WORD_BOOK]!;
    const begun = this.#open.get(group);
    if ((words[at]! & HEAD_LAST) === 0) {
      this.#held += records;
      if (this.#held > HELD_RECORDS_MAX) throw tooLong();
      const list = begun ?? [];
      for (let word = at; word < at + length; word += 1) list.push(words[word]!);
      this.#open.set(group, list);
      return;
    }
    if (begun !== undefined) {
      this.#open.delete(group);
      this.#held -= begun.length / RECORD_WORDS;
      this.#emit(begun, 0, begun.length);
    }
    this.#emit(words, at, length);
  }

  #emit(words: ArrayLike<number>, from: number, length: number): void {
    const target = this.#out.words;
    for (let sent = 0; sent < length; ) {
      const isExtended = (words[from + sent]! & HEAD_EXTENDED) !== 0;
      const size = isExtended ? 2 * RECORD_WORDS : RECORD_WORDS;
      if (this.#out.count + 2 > this.#out.capacity) {
        this.#sink.accept(this.#out);
        this.#out.count = 0;
      }
      const at = this.#out.count * RECORD_WORDS;
      for (let word = 0; word < size; word += 1) target[at + word] = words[from + sent + word]!;
      this.#out.count += size / RECORD_WORDS;
      sent += size;
    }
  }
}

/** Is the event at word `at` later than the point? @param event its number; of no account where events have none. */
export function isBeyond(until: Until, batch: EventBatch, at: number, event: number): boolean {
  const { words } = batch;
  if (until.kind === 'event') return batch.firstEvent !== 0 && event > until.event;
  if (until.kind === 'sequence') {
    // Messages without numbers are never beyond one.
    if (batch.sequenceBase === 0) return false;
    return batch.channel === until.channel && batch.sequenceBase + (words[at]! >>> 16) > until.sequence;
  }
  if (until.kind === 'venue') {
    const base = nsBetween(batch.venueBaseHigh, batch.venueBaseLow, until.high, until.low);
    return base + words[at + WORD_VENUE_TIME]! > 0;
  }
  const base = nsBetween(batch.receiveBaseHigh, batch.receiveBaseLow, until.high, until.low);
  return base + (words[at + WORD_RECEIVE_TIME]! >>> 0) > 0;
}

function tooLong(): MdxError {
  return new MdxError(
    'group-too-long',
    `finding the end of a group of events: it has not come within ${HELD_RECORDS_MAX} records`,
    { hint: 'Without --at the books at the end can be shown; --until stops in the middle of a group, too.' },
  );
}
