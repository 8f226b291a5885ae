import { NO_BOOK } from '../../event/record.ts';
import type { Datagram } from '../../packet/datagram.ts';
import type { MessageSink } from '../message-sink.ts';
import {
  ID_INSTRUMENT_SUMMARY,
  ID_SNAPSHOT_ORDER,
  MESSAGE_HEAD_BYTES,
  PACKET_HEADER_BYTES,
  type Release,
} from './layout.ts';
import { NO_FIELD, securityOffsets, TYPE_BASE, TYPE_COUNT } from './message-table.ts';
import type { Product } from './product.ts';
import type { ProductBooks } from './product-books.ts';

/** Shows the messages of a packet whole, a pass of its own in front of what becomes of them. */
export class ShownMessages {
  readonly #sink: MessageSink;
  readonly #books: ProductBooks;
  readonly #securities: Int32Array;
  /** The instrument of the last summary: the one that snapshot orders are of. */
  #summaryBook: number = NO_BOOK;

  constructor(sink: MessageSink, books: ProductBooks, release: Release) {
    this.#sink = sink;
    this.#books = books;
    this.#securities = securityOffsets(release);
  }

  show({ view, bytes, offset, length, timeHigh, timeLow }: Datagram, product: Product): void {
    const end = offset + length;
    let at = offset + PACKET_HEADER_BYTES;
    while (end - at >= MESSAGE_HEAD_BYTES) {
      const size = view.getUint16(at, true);
      if (size < MESSAGE_HEAD_BYTES || size > end - at) return;
      this.#sink.message(bytes, at, size, this.#bookOf(view, at, size, product), timeHigh, timeLow);
      at += size;
    }
  }

  #bookOf(view: DataView, at: number, size: number, product: Product): number {
    const template = view.getUint16(at + 2, true);
    if (template === ID_SNAPSHOT_ORDER) return this.#summaryBook;
    const type = template - TYPE_BASE;
    const security = type >= 0 && type < TYPE_COUNT ? this.#securities[type] : NO_FIELD;
    if (security === NO_FIELD || security + 8 > size) return NO_BOOK;
    const book = this.#books.at(view, at + security, product);
    if (template === ID_INSTRUMENT_SUMMARY) this.#summaryBook = book;
    return book;
  }
}
