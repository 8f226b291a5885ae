import type { ByteWindow } from '../../binary/byte-window.ts';
import { FLAG_LAST, KIND_DEFINITION, KIND_STATUS, KIND_VENUE, NO_BOOK } from '../../event/record.ts';
import type { FeedCounts } from '../counts.ts';
import type { BatchClock } from './batch-clock.ts';
import {
  isOfGateway,
  KIND_BY_RTYPE,
  RTYPE_DEFINITION,
  RTYPE_STATUS,
  VERSION_MAX,
  WORD_BYTES,
} from './layout.ts';
import { typeName } from './message-types.ts';
import { putEvent } from './put-event.ts';
import type { StreamBooks } from './stream-books.ts';
import { symbolInRecord } from './symbols.ts';

/** Word of a status record whose low half is its action. */
const STATUS_ACTION_WORD = 6;

/** What is neither about orders nor about levels, one event each: definitions, states, bars, statistics, messages of the gateway. */
export class OtherRecords {
  /** Of the stream, which tells how long its records are. */
  version: number = VERSION_MAX;
  readonly #counts: FeedCounts;
  readonly #clock: BatchClock;
  readonly #books: StreamBooks;

  constructor(counts: FeedCounts, clock: BatchClock, books: StreamBooks) {
    this.#counts = counts;
    this.#clock = clock;
    this.#books = books;
  }

  /** Takes the whole record at word `at`; one of an unknown type, or shorter than its own, is counted. */
  read(window: ByteWindow, words: Int32Array, at: number): void {
    const clock = this.#clock;
    const rtype = (words[at] >>> 8) & 0xff;
    const offset = window.base + at * WORD_BYTES;
    const sequence = clock.ordinal + 1;
    clock.ordinal = sequence;
    const kind = KIND_BY_RTYPE[rtype];
    if (kind === undefined) {
      this.#counts.noteUnknown(typeName(rtype), 0, offset);
      return;
    }
    const expected = kind.bytes[this.version - 1];
    if ((words[at] & 0xff) * WORD_BYTES < expected) {
      this.#counts.noteMalformed(`${kind.name} shorter than ${expected} bytes`, 0, offset);
      return;
    }
    const time = at + kind.indexTime / WORD_BYTES;
    clock.noteFirst(words, time);
    const publisher = words[at] >>> 16;
    const instrument = words[at + 1];
    const symbol = symbolInRecord(window.bytes, at * WORD_BYTES, rtype, this.version);
    if (symbol !== null) this.#books.name(publisher, instrument, symbol);
    const book = isOfGateway(rtype) ? NO_BOOK : this.#bookOf(words, at, time, offset);
    if (book === NO_BOOK && !isOfGateway(rtype)) return;

    this.#counts.totals[0] += 1;
    this.#counts.byType[rtype] += 1;
    clock.fit(words, at + 2, time, sequence);
    const { batch, venue, receive } = clock;
    const isAlone = book === NO_BOOK || this.#books.standsAlone(book);
    const head = eventKind(rtype) | (isAlone ? FLAG_LAST << 8 : 0) | ((sequence - batch.sequenceBase) << 16);
    const state = rtype === RTYPE_STATUS ? words[at + STATUS_ACTION_WORD] & 0xffff : 0;
    putEvent(batch, head, book, 0, state, 0, rtype, venue, receive);
  }

  #bookOf(words: Int32Array, at: number, time: number, offset: number): number {
    const books = this.#books;
    const clock = this.#clock;
    const publisher = words[at] >>> 16;
    const instrument = words[at + 1];
    const orders = books.orders.find(publisher, instrument);
    if (orders !== NO_BOOK) return orders;
    const known = books.others.find(publisher, instrument);
    if (known !== NO_BOOK) return known;
    const high = clock.timeHigh(words, time);
    const low = clock.timeLow(words, time);
    const type = typeName((words[at] >>> 8) & 0xff);
    return books.open(books.others, publisher, instrument, high, low, type, offset);
  }
}

function eventKind(rtype: number): number {
  if (rtype === RTYPE_STATUS) return KIND_STATUS;
  return rtype === RTYPE_DEFINITION ? KIND_DEFINITION : KIND_VENUE;
}
