import type { BookDefinition, Dictionary } from '../event/dictionary.ts';

/** Which books are wanted; asked once per book, at its first sight. */
export type BookFilter = (book: BookDefinition) => boolean;

/** Answers of a filter, kept by the numbers of the books. */
export class WantedBooks {
  readonly #dictionary: Dictionary;
  readonly #filter: BookFilter;
  /** Per book: 1 wanted, 2 not wanted, 0 not asked yet. */
  #known: Uint8Array = new Uint8Array(1024);

  constructor(dictionary: Dictionary, filter: BookFilter) {
    this.#dictionary = dictionary;
    this.#filter = filter;
  }

  has(book: number): boolean {
    if (book >= this.#known.length) {
      const grown = new Uint8Array(Math.max(book + 1, this.#known.length * 2));
      grown.set(this.#known);
      this.#known = grown;
    }
    const known = this.#known[book]!;
    if (known !== 0) return known === 1;
    const definition = this.#dictionary.books[book];
    const wanted = definition !== undefined && this.#filter(definition);
    // A book without a symbol may still get one, so a "no" is final only when its name is known.
    if (wanted || definition?.symbol !== null) this.#known[book] = wanted ? 1 : 2;
    return wanted;
  }
}
