import { bigHigh, bigLow } from '../../binary/time.ts';
import type { Dictionary } from '../../event/dictionary.ts';

const BOOKS_AT_START = 64;
const NUMBER_MAX: bigint = (1n << 64n) - 1n;

/**
 * What frames say of each book. The number of an instrument is the venue's; where several books have the same one (other
 * publishers, other sources) the first has it, and each later one counts down from 2^64 − 1.
 */
export class BookTable {
  /** By book number: low and high half of the instrument's number in frames. */
  instruments: Int32Array = new Int32Array(BOOKS_AT_START * 2);
  /** By book number. */
  priceScales: Uint8Array = new Uint8Array(BOOKS_AT_START);
  refused: Uint8Array = new Uint8Array(BOOKS_AT_START);
  /** Books that are refused: a price of theirs has no form in frames. */
  refusals = 0;
  readonly #numbers: Set<bigint> = new Set();
  #books = 0;
  #substitutes = 0n;

  /** Knows the books of the dictionary up to this one. */
  reach(book: number, { books }: Dictionary): void {
    for (; this.#books <= book; this.#books += 1) {
      const definition = books[this.#books]!;
      if (this.#books === this.refused.length) this.#grow();
      const number = this.#take(definition.instrument);
      this.instruments[this.#books * 2] = bigLow(number);
      this.instruments[this.#books * 2 + 1] = bigHigh(number);
      this.priceScales[this.#books] = definition.priceScale;
    }
  }

  get known(): number {
    return this.#books;
  }

  refuse(book: number): void {
    if (this.refused[book] === 1) return;
    this.refused[book] = 1;
    this.refusals += 1;
  }

  #take(instrument: bigint): bigint {
    let number = BigInt.asUintN(64, instrument);
    while (this.#numbers.has(number)) {
      number = NUMBER_MAX - this.#substitutes;
      this.#substitutes += 1n;
    }
    this.#numbers.add(number);
    return number;
  }

  #grow(): void {
    const length = this.refused.length * 2;
    const instruments = new Int32Array(length * 2);
    const priceScales = new Uint8Array(length);
    const refused = new Uint8Array(length);
    instruments.set(this.instruments);
    priceScales.set(this.priceScales);
    refused.set(this.refused);
    this.instruments = instruments;
    this.priceScales = priceScales;
    this.refused = refused;
  }
}
