import { bigHigh, bigLow } from '../binary/time.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { longer } from './saved-parts.ts';

/** Books that are put into the order at a time: no pause, however many have appeared. */
const STEP_BOOKS = 512;

/**
 * The books of a dictionary by (publisher, instrument), as images and hashes list them. What a book is called does not
 * change, so the order only grows: `update` puts a few new books into it at a time.
 */
export class CanonicalOrder {
  /** Book numbers, in order; `known` are in it. */
  order: Int32Array = new Int32Array(STEP_BOOKS);
  /** Place of each book in it. */
  rank: Int32Array = new Int32Array(STEP_BOOKS);
  known = 0;
  readonly #books: readonly BookDefinition[];
  #publisher: Uint16Array = new Uint16Array(STEP_BOOKS);
  #instrumentHigh: Uint32Array = new Uint32Array(STEP_BOOKS);
  #instrumentLow: Uint32Array = new Uint32Array(STEP_BOOKS);

  constructor(books: readonly BookDefinition[]) {
    this.#books = books;
  }

  /** Puts some of the books in that have appeared. @returns whether all are in. */
  update(): boolean {
    const { known } = this;
    const books = this.#books;
    const end = Math.min(books.length, known + STEP_BOOKS);
    if (end === known) return true;
    this.#makeRoom(end);
    const found = new Int32Array(end - known);
    for (let book = known; book < end; book += 1) {
      const { publisher, instrument } = books[book]!;
      this.#publisher[book] = publisher;
      this.#instrumentHigh[book] = bigHigh(instrument);
      this.#instrumentLow[book] = bigLow(instrument);
      found[book - known] = book;
    }
    found.sort((left, right) => this.#compare(left, right));
    const { order, rank } = this;
    let old = known - 1;
    let added = found.length - 1;
    for (let to = end - 1; added >= 0; to -= 1) {
      const isNew = old < 0 || this.#compare(order[old]!, found[added]!) < 0;
      order[to] = isNew ? found[added]! : order[old]!;
      rank[order[to]!] = to;
      if (isNew) added -= 1;
      else old -= 1;
    }
    this.known = end;
    return end === books.length;
  }

  /** Books with the same key stand by number. */
  #compare(left: number, right: number): number {
    return (
      this.#publisher[left]! - this.#publisher[right]! ||
      this.#instrumentHigh[left]! - this.#instrumentHigh[right]! ||
      this.#instrumentLow[left]! - this.#instrumentLow[right]! ||
      left - right
    );
  }

  #makeRoom(books: number): void {
    if (books <= this.order.length) return;
    const room = Math.max(books, this.order.length * 2);
    this.order = longer(this.order, new Int32Array(room));
    this.rank = longer(this.rank, new Int32Array(room));
    this.#publisher = longer(this.#publisher, new Uint16Array(room));
    this.#instrumentHigh = longer(this.#instrumentHigh, new Uint32Array(room));
    this.#instrumentLow = longer(this.#instrumentLow, new Uint32Array(room));
  }
}
