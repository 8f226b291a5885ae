import { MdxError } from '../../errors.ts';

const ENTRIES_AT_START = 1024;
/** Most levels of groups that have begun; real groups touch a few. */
const ENTRIES_MAX = 1 << 20;

/** Per book the levels that may have changed since its last group ended: chained entries, of which 0 is none. */
export class TouchedLevels {
  /** First entry of each book. */
  #heads: Int32Array = new Int32Array(64);
  /** Per entry: book-side, next entry. */
  #words: Int32Array = new Int32Array(ENTRIES_AT_START * 2);
  #keys: Float64Array = new Float64Array(ENTRIES_AT_START);
  #free = 0;
  #used = 1;

  /** First entry of a book. */
  headOf(book: number): number {
    return book < this.#heads.length ? this.#heads[book]! : 0;
  }

  nextOf(entry: number): number {
    return this.#words[entry * 2 + 1]!;
  }

  bookSideOf(entry: number): number {
    return this.#words[entry * 2]!;
  }

  /** Keys of the entries. */
  get keys(): Float64Array {
    return this.#keys;
  }

  /** Notes the level of a book-side whose key is `keys[at]`. @returns false where it was noted just before. */
  add(bookSide: number, keys: Float64Array, at: number): boolean {
    const book = bookSide >> 1;
    if (book >= this.#heads.length) this.#reach(book);
    const head = this.#heads[book]!;
    if (this.#is(head, bookSide, keys, at) || this.#is(this.nextOf(head), bookSide, keys, at)) return false;
    const entry = this.#take();
    this.#words[entry * 2] = bookSide;
    this.#words[entry * 2 + 1] = head;
    this.#keys[entry] = keys[at]!;
    this.#heads[book] = entry;
    return true;
  }

  /** Forgets those of a book. */
  clear(book: number): void {
    for (let entry = this.#heads[book]!; entry !== 0; ) {
      const next = this.nextOf(entry);
      this.#words[entry * 2 + 1] = this.#free;
      this.#free = entry;
      entry = next;
    }
    this.#heads[book] = 0;
  }

  #is(entry: number, bookSide: number, keys: Float64Array, at: number): boolean {
    return entry !== 0 && this.#words[entry * 2] === bookSide && this.#keys[entry] === keys[at];
  }

  #take(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.nextOf(free);
      return free;
    }
    if (this.#used === this.#keys.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    if (this.#used >= ENTRIES_MAX) {
      throw new MdxError(
        'group-too-long',
        `comparing: a group of events has changed ${ENTRIES_MAX} price levels and has not ended`,
      );
    }
    const words = new Int32Array(this.#words.length * 2);
    const keys = new Float64Array(this.#keys.length * 2);
    words.set(this.#words);
    keys.set(this.#keys);
    this.#words = words;
    this.#keys = keys;
  }

  #reach(book: number): void {
    const heads = new Int32Array(Math.max(book + 1, this.#heads.length * 2));
    heads.set(this.#heads);
    this.#heads = heads;
  }
}
