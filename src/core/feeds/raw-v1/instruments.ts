import { toBigUint } from '../../binary/time.ts';
import type { Dictionary } from '../../event/dictionary.ts';
import { NO_BOOK } from '../../event/record.ts';
import { BookTable } from '../book-table.ts';
import {
  AT_INSTRUMENT,
  CONTROL_BYTES,
  CONTROL_BYTES_WITH_PUBLISHER,
  EXTENDED_SNAPSHOT_HEADER_BYTES,
  PRICE_SCALE,
  QUANTITY_SCALE,
  SCALE_MAX,
} from './layout.ts';

const SOURCE = 'raw-v1';
const BOOKS_AT_START = 64;

/** The instruments of a stream by their numbers in frames: their books, and how far each of them is known. */
export class Instruments {
  readonly #dictionary: Dictionary;
  readonly #channel: number;
  readonly #table: BookTable = new BookTable();
  /** Of books that no snapshot header names. */
  #priceScale = PRICE_SCALE;
  #quantityScale = QUANTITY_SCALE;
  #publisher = 0;
  /** By book: sequence of its last frame; it counts only where `#era` is the one now. */
  #last: Float64Array = new Float64Array(BOOKS_AT_START);
  #eraOf: Int32Array = new Int32Array(BOOKS_AT_START);
  /** By book: the era in which it was told that it is not shown. */
  #refusedIn: Int32Array = new Int32Array(BOOKS_AT_START);
  #era = 1;

  constructor(dictionary: Dictionary, channel: number) {
    this.#dictionary = dictionary;
    this.#channel = channel;
  }

  /** What was known of sequences is no longer: a snapshot begins, or something is lost. */
  forget(): void {
    this.#era += 1;
  }

  /** Takes what holds for books that no header names from a control payload, which may be too short for it. */
  readDefaults(view: DataView, at: number, length: number): void {
    if (length < CONTROL_BYTES) return;
    const price = view.getUint8(at + 21);
    const quantity = view.getUint8(at + 22);
    if (price <= SCALE_MAX) this.#priceScale = price;
    if (quantity <= SCALE_MAX) this.#quantityScale = quantity;
    if (length >= CONTROL_BYTES_WITH_PUBLISHER) this.#publisher = view.getUint16(at + 24, true);
  }

  /** Book of the frame at `frame`; NO_BOOK beyond the most there may be. */
  bookOf(view: DataView, frame: number): number {
    const low = view.getInt32(frame + AT_INSTRUMENT, true);
    const high = view.getInt32(frame + AT_INSTRUMENT + 4, true);
    const known = this.#table.find(high, low);
    return known >= 0 ? known : this.#open(high, low, this.#publisher, toBigUint(high, low), null, -1, -1);
  }

  /** Book that the snapshot header at `frame` names, whose payload has its longer form; NO_BOOK as above. */
  describe(view: DataView, frame: number, payload: number): number {
    const low = view.getInt32(frame + AT_INSTRUMENT, true);
    const high = view.getInt32(frame + AT_INSTRUMENT + 4, true);
    const known = this.#table.find(high, low);
    if (known >= 0) return known;
    const venue = toBigUint(view.getInt32(payload + 20, true), view.getInt32(payload + 16, true));
    const length = view.getUint8(payload + 29);
    const from = view.byteOffset + payload + EXTENDED_SNAPSHOT_HEADER_BYTES;
    const symbol = length === 0 ? null : new TextDecoder().decode(new Uint8Array(view.buffer, from, length));
    const publisher = view.getUint16(payload + 24, true);
    return this.#open(
      high,
      low,
      publisher,
      venue,
      symbol,
      view.getUint8(payload + 26),
      view.getUint8(payload + 27),
    );
  }

  /** Sequence of the last frame of a book; −1: not known in this era. */
  last(book: number): number {
    return this.#eraOf[book] === this.#era ? this.#last[book]! : -1;
  }

  setLast(book: number, sequence: number): void {
    this.#last[book] = sequence;
    this.#eraOf[book] = this.#era;
  }

  /** Notes that a book is not shown. @returns whether that is new in this era. */
  refuse(book: number): boolean {
    if (this.#refusedIn[book] === this.#era) return false;
    this.#refusedIn[book] = this.#era;
    return true;
  }

  #open(
    high: number,
    low: number,
    publisher: number,
    instrument: bigint,
    symbol: string | null,
    priceScale: number,
    quantityScale: number,
  ): number {
    const book = this.#dictionary.add({
      source: SOURCE,
      publisher,
      instrument,
      channel: this.#channel,
      priceScale: priceScale < 0 || priceScale > SCALE_MAX ? this.#priceScale : priceScale,
      quantityScale: quantityScale < 0 || quantityScale > SCALE_MAX ? this.#quantityScale : quantityScale,
      symbol,
    });
    if (book === NO_BOOK) return NO_BOOK;
    this.#table.add(high, low, book);
    if (book >= this.#last.length) this.#grow(book + 1);
    return book;
  }

  #grow(least: number): void {
    const length = Math.max(least, this.#last.length * 2);
    const last = new Float64Array(length);
    const eraOf = new Int32Array(length);
    const refusedIn = new Int32Array(length);
    last.set(this.#last);
    eraOf.set(this.#eraOf);
    refusedIn.set(this.#refusedIn);
    this.#last = last;
    this.#eraOf = eraOf;
    this.#refusedIn = refusedIn;
  }
}
