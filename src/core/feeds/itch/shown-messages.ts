import { NO_BOOK } from '../../event/record.ts';
import type { MessageSink } from '../message-sink.ts';
import { HEAD_BYTES, LENGTH_BY_TYPE, STOCK_OFFSET_BY_TYPE, TIMESTAMP_OFFSET } from './layout.ts';
import { type LocateTable, SLOT_BIAS } from './locate-table.ts';

const TWO_32 = 4294967296;

/** Shows the messages of a run whole, a pass of its own in front of the one that decodes them. */
export class ShownMessages {
  readonly #sink: MessageSink;
  readonly #books: LocateTable;
  readonly #prefixBytes: number;

  constructor(sink: MessageSink, books: LocateTable, prefixBytes: number) {
    this.#sink = sink;
    this.#books = books;
    this.#prefixBytes = prefixBytes;
  }

  /** Shows `take` messages from `from` on, all with the same time of arrival. */
  show(view: DataView, from: number, take: number, timeHigh: number, timeLow: number): void {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    let next = from;
    for (let left = take; left > 0; left -= 1) {
      const at = next + this.#prefixBytes;
      next += 2 + view.getUint16(next);
      this.#sink.message(bytes, at, next - at, this.#bookOf(view, at, next - at), timeHigh, timeLow);
    }
  }

  /** The same for messages that nobody noted the arrival of: it is their own time behind a midnight. */
  showByOwnTime(view: DataView, from: number, take: number, midnightHigh: number, midnightLow: number): void {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    let high = midnightHigh;
    let low = midnightLow;
    let next = from;
    for (let left = take; left > 0; left -= 1) {
      const at = next + this.#prefixBytes;
      next += 2 + view.getUint16(next);
      if (next - at >= HEAD_BYTES) {
        const sum = (midnightLow >>> 0) + view.getUint32(at + TIMESTAMP_OFFSET + 2);
        low = sum | 0;
        high = midnightHigh + view.getUint16(at + TIMESTAMP_OFFSET) + (sum >= TWO_32 ? 1 : 0);
      }
      this.#sink.message(bytes, at, next - at, this.#bookOf(view, at, next - at), high, low);
    }
  }

  #bookOf(view: DataView, at: number, length: number): number {
    if (length < HEAD_BYTES) return NO_BOOK;
    const type = view.getUint8(at);
    if (length < LENGTH_BY_TYPE[type]) return NO_BOOK;
    const books = this.#books;
    const locate = view.getUint16(at + 1);
    const stock = STOCK_OFFSET_BY_TYPE[type];
    if (books.slots[locate] === 0) books.open(locate);
    if (stock !== 0 && books.named[locate] === 0) books.name(locate, view, at + stock);
    return books.slots[locate] - SLOT_BIAS;
  }
}
