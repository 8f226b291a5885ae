import { NO_BOOK } from '../../event/record.ts';
import { BookTable } from '../book-table.ts';
import type { MessageSink } from '../message-sink.ts';
import { type BatchClock, UNDEFINED_TIME_HIGH } from './batch-clock.ts';
import { HEADER_WORDS, isOfGateway, KIND_BY_RTYPE, VERSION_MAX, WORD_BYTES } from './layout.ts';
import { typeName } from './message-types.ts';
import { metadataVersion } from './metadata.ts';
import type { StreamBooks } from './stream-books.ts';
import { symbolInRecord } from './symbols.ts';

/** Word of the event time in a header. */
const EVENT_TIME_WORD = 2;

/** Shows the records of a stream whole, a pass of its own in front of the one that decodes them. */
export class ShownRecords {
  readonly #sink: MessageSink;
  readonly #clock: BatchClock;
  readonly #books: StreamBooks;
  /** Books of its own: those of the decoders tell what was decoded already, and this is ahead of them. */
  readonly #table: BookTable = new BookTable();
  #version: number = VERSION_MAX;

  constructor(sink: MessageSink, clock: BatchClock, books: StreamBooks) {
    this.#sink = sink;
    this.#clock = clock;
    this.#books = books;
  }

  /** @param head the metadata. */
  begin(head: Uint8Array): void {
    this.#version = metadataVersion(head);
    this.#sink.head?.(head);
  }

  /** Shows the whole records from word `from` on, up to `limit`. */
  show(bytes: Uint8Array, words: Int32Array, from: number, limit: number): void {
    let high = this.#clock.receiveHigh;
    let low = this.#clock.receiveLow;
    for (let at = from; at < limit; ) {
      const length = words[at] & 0xff;
      if (length < HEADER_WORDS || limit - at < length) break;
      const kind = KIND_BY_RTYPE[(words[at] >>> 8) & 0xff];
      const isWhole = kind !== undefined && length * WORD_BYTES >= kind.bytes[this.#version - 1];
      const time = at + (isWhole ? kind.indexTime / WORD_BYTES : EVENT_TIME_WORD);
      if (words[time + 1] !== UNDEFINED_TIME_HIGH) {
        high = words[time + 1];
        low = words[time];
      }
      const book = isWhole ? this.#bookOf(bytes, words, at, high, low) : NO_BOOK;
      this.#sink.message(bytes, at * WORD_BYTES, length * WORD_BYTES, book, high, low);
      at += length;
    }
  }

  #bookOf(bytes: Uint8Array, words: Int32Array, at: number, high: number, low: number): number {
    const books = this.#books;
    const rtype = (words[at] >>> 8) & 0xff;
    const publisher = words[at] >>> 16;
    const instrument = words[at + 1];
    const symbol = symbolInRecord(bytes, at * WORD_BYTES, rtype, this.#version);
    if (symbol !== null) books.name(publisher, instrument, symbol);
    if (isOfGateway(rtype)) return NO_BOOK;
    const known = this.#table.find(publisher, instrument);
    if (known !== NO_BOOK) return known;
    return books.open(this.#table, publisher, instrument, high, low, typeName(rtype), at * WORD_BYTES);
  }
}
