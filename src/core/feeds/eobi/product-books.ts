import { toBigUint } from '../../binary/time.ts';
import type { Dictionary } from '../../event/dictionary.ts';
import { NO_BOOK } from '../../event/record.ts';
import { BookTable } from '../book-table.ts';
import { PRICE_SCALE } from './layout.ts';
import type { Product } from './product.ts';

/** Bytes of a SecurityDesc. */
const DESCRIPTION_BYTES = 40;

/** Books by SecurityID. */
export class ProductBooks {
  readonly table: BookTable = new BookTable();
  readonly #dictionary: Dictionary;
  readonly #source: string;
  readonly #quantityScale: number;

  constructor(source: string, quantityScale: number, dictionary: Dictionary) {
    this.#source = source;
    this.#quantityScale = quantityScale;
    this.#dictionary = dictionary;
  }

  /** The book of the SecurityID at `offset`, numbered at its first sight; NO_BOOK where the dictionary is full. */
  at(view: DataView, offset: number, product: Product): number {
    const low = view.getInt32(offset, true);
    const high = view.getInt32(offset + 4, true);
    const known = this.table.find(high, low);
    return known >= 0 ? known : this.#open(low, high, product);
  }

  /** Names a book by the SecurityDesc at `offset`. */
  name(book: number, view: DataView, offset: number): void {
    if (book === NO_BOOK) return;
    let text = '';
    for (let at = offset; at < offset + DESCRIPTION_BYTES; at += 1) {
      const byte = view.getUint8(at);
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    text = text.trimEnd();
    if (text !== '') this.#dictionary.name(book, text);
  }

  #open(low: number, high: number, product: Product): number {
    const book = this.#dictionary.add({
      source: this.#source,
      publisher: 0,
      instrument: toBigUint(high, low),
      channel: product.channel,
      priceScale: PRICE_SCALE,
      quantityScale: this.#quantityScale,
      symbol: null,
    });
    if (book < 0) return NO_BOOK;
    this.table.add(high, low, book);
    product.books.push(book);
    return book;
  }
}
