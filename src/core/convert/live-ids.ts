import { toBigUint } from '../binary/time.ts';
import type { BookDefinition } from '../event/dictionary.ts';
import { PublicId } from '../event/public-id.ts';

/**
 * Ids for orders whose feed numbers them within a book-side only: their public ids, left in `high` and `low`. Two live
 * orders of one book with the same one are all but impossible, and noticed.
 */
export class LiveIds {
  readonly #id: PublicId = new PublicId();
  /** Ids of the live orders, by book number. */
  readonly #live: Set<bigint>[] = [];

  get high(): number {
    return this.#id.high;
  }

  get low(): number {
    return this.#id.low;
  }

  hash(book: BookDefinition, ask: boolean, idHigh: number, idLow: number): void {
    this.#id.hash(book.instrument, ask, idHigh, idLow);
  }

  /** The order hashed last enters its book. @returns false where a live order has its id. */
  enter(book: BookDefinition): boolean {
    this.#live[book.number] ??= new Set();
    const live = this.#live[book.number]!;
    const id = toBigUint(this.high, this.low);
    if (live.has(id)) return false;
    live.add(id);
    return true;
  }

  /** The order hashed last has left its book. */
  leave(book: BookDefinition): void {
    this.#live[book.number]?.delete(toBigUint(this.high, this.low));
  }

  /** All orders of a book are gone. */
  clear(book: BookDefinition): void {
    this.#live[book.number]?.clear();
  }
}
