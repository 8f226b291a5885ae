import { BOOKS_MAX, type Dictionary } from '../event/dictionary.ts';
import { readBooks } from './payload.ts';
import { CHANNELS_MAX } from './segment-reader.ts';

/** The books that dictionary frames told: their numbers in a dictionary by the numbers that events have. */
export class ToldBooks {
  readonly numbers: number[] = [];
  /** Numbers are the same in both, and all up to the last one were told. */
  isSame = true;
  readonly #dictionary: Dictionary;

  constructor(dictionary: Dictionary) {
    this.#dictionary = dictionary;
  }

  /** Takes the payload of a dictionary frame. @returns what is wrong with it, or null. */
  learn(view: DataView<ArrayBuffer>, at: number, length: number, records: number): string | null {
    const found = readBooks(view, at, length, records);
    if (typeof found === 'string') return found;
    for (const book of found) {
      if (book.channel >= CHANNELS_MAX)
        return `channel ${book.channel}, a stream has at most ${CHANNELS_MAX}`;
      if (book.number >= BOOKS_MAX) return `book ${book.number}, a stream has at most ${BOOKS_MAX}`;
      const known = this.numbers[book.number];
      const number = known ?? this.#dictionary.add(book);
      if (number !== book.number || book.number > this.numbers.length) this.isSame = false;
      this.numbers[book.number] = number;
      this.#dictionary.rehome(number, book.channel);
      if (book.symbol !== null) this.#dictionary.name(number, book.symbol);
    }
    return null;
  }
}
