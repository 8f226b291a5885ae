import { bigHigh, bigLow, nsBetween } from '../binary/time.ts';
import type { Dictionary } from '../event/dictionary.ts';
import { NO_BOOK } from '../event/record.ts';
import type { MessageSink } from '../feeds/message-sink.ts';
import { type BookFilter, WantedBooks } from './wanted-books.ts';

/** What messages are shown: those that arrived in a range of times, whose ends are inside, about books that are wanted. */
export interface MessageChoice {
  readonly from: bigint | null;
  readonly until: bigint | null;
  readonly books: BookFilter | null;
}

/** Passes on the messages that are chosen; those that name no book only where all books are. */
export class MessageFilter implements MessageSink {
  readonly #sinks: readonly MessageSink[];
  readonly #wanted: WantedBooks | null;
  readonly #from: bigint | null;
  readonly #until: bigint | null;

  constructor(sinks: readonly MessageSink[], dictionary: Dictionary, { from, until, books }: MessageChoice) {
    this.#sinks = sinks;
    this.#wanted = books === null ? null : new WantedBooks(dictionary, books);
    this.#from = from;
    this.#until = until;
  }

  head(bytes: Uint8Array): void {
    for (const sink of this.#sinks) sink.head?.(bytes);
  }

  message(
    bytes: Uint8Array,
    offset: number,
    length: number,
    book: number,
    timeHigh: number,
    timeLow: number,
  ): void {
    if (this.#from !== null && isBefore(timeHigh, timeLow, this.#from)) return;
    if (this.#until !== null && isBehind(timeHigh, timeLow, this.#until)) return;
    if (this.#wanted !== null && (book === NO_BOOK || !this.#wanted.has(book))) return;
    for (const sink of this.#sinks) sink.message(bytes, offset, length, book, timeHigh, timeLow);
  }
}

function isBefore(high: number, low: number, time: bigint): boolean {
  return nsBetween(high, low, bigHigh(time), bigLow(time)) < 0;
}

function isBehind(high: number, low: number, time: bigint): boolean {
  return nsBetween(high, low, bigHigh(time), bigLow(time)) > 0;
}
