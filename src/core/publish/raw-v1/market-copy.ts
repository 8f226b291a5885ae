import type { Market } from '../../book/market.ts';
import { LEVEL_COUNT, LEVEL_HEAD, LEVEL_KEY_DOUBLE } from '../../book/store.ts';
import type { Dictionary } from '../../event/dictionary.ts';
import type { BookRules } from '../../event/rules.ts';

/** Memory that copies of stores were in, kept for the next one: to get new memory takes longer than to copy into it. */
export class CopyMemory {
  readonly #spare: Int32Array[] = [];

  /** A copy of what is in a store. */
  copy(words: Int32Array): Int32Array {
    const at = this.#spare.findIndex(({ length }) => length === words.length);
    if (at < 0) return words.slice();
    const [copy] = this.#spare.splice(at, 1);
    copy!.set(words);
    return copy!;
  }

  /** Takes back what copies are no longer read in; what was there before goes. */
  keep(copies: readonly MarketCopy[]): void {
    this.#spare.splice(0, this.#spare.length, ...copies.map(({ words }) => words));
  }
}

/**
 * The orders of a market as they are at one moment, for whoever takes longer to read them than events may wait. The store of
 * orders is copied as it is: some ms where a walk over a million orders takes hundreds.
 */
export class MarketCopy {
  readonly rules: BookRules;
  readonly dictionary: Dictionary;
  readonly books: number;
  readonly stale: Uint8Array;
  readonly bookChanges: Float64Array;
  /** The store of orders: `store.ts` describes it. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** By book-side, and one more: where its levels begin in `heads`, `counts` and `keys`, best first. */
  readonly sides: Int32Array;
  /** By level: its oldest order, its orders, its key. */
  readonly heads: Int32Array;
  readonly counts: Int32Array;
  readonly keys: Float64Array;

  constructor(market: Market, memory: CopyMemory) {
    const { rules, dictionary, books, stale, bookKind, bookChanges, orders, levels } = market;
    this.rules = rules;
    this.dictionary = dictionary;
    this.books = books;
    this.stale = stale.slice(0, books);
    this.bookChanges = bookChanges.slice(0, books);
    this.words = memory.copy(orders.words);
    this.doubles = new Float64Array(this.words.buffer);
    const room = levels.inUse;
    this.sides = new Int32Array(books * 2 + 1);
    this.heads = new Int32Array(room);
    this.counts = new Int32Array(room);
    this.keys = new Float64Array(room);
    let at = 0;
    for (let bookSide = 0; bookSide < books * 2; bookSide += 1) {
      this.sides[bookSide] = at;
      // Books of price levels have no orders.
      if (bookKind[bookSide >> 1] !== 0) continue;
      for (const level of levels.ladders[bookSide]!.fromBest()) {
        this.heads[at] = levels.words[level * 8 + LEVEL_HEAD]!;
        this.counts[at] = levels.words[level * 8 + LEVEL_COUNT]!;
        this.keys[at] = levels.doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
        at += 1;
      }
    }
    this.sides[books * 2] = at;
  }

  /** Orders of a book. */
  ordersIn(book: number): number {
    let orders = 0;
    for (let level = this.sides[book * 2]!; level < this.sides[book * 2 + 2]!; level += 1) {
      orders += this.counts[level]!;
    }
    return orders;
  }

  /** Price levels of a book. */
  levelsIn(book: number): number {
    return this.sides[book * 2 + 2]! - this.sides[book * 2]!;
  }
}
