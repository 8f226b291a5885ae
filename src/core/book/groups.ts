import type { PriceLevels } from './price-levels.ts';
import { TALLY_CROSSED_AT_LAST, TALLY_LOCKED_AT_LAST } from './tally.ts';

const BOOKS_AT_START = 64;

/** Judges books where a group of events ends: in between they may be crossed, at its end they are not to be. */
export class Groups {
  readonly #levels: PriceLevels;
  readonly #tally: Float64Array;
  /** Books named since the last `last`, for feeds whose groups span books. */
  #group: Int32Array = new Int32Array(BOOKS_AT_START);
  #size = 0;
  /** Per book: number of the group that named it last. */
  #mark: Int32Array = new Int32Array(BOOKS_AT_START);
  #number = 1;

  constructor(levels: PriceLevels, tally: Float64Array) {
    this.#levels = levels;
    this.#tally = tally;
  }

  /** Makes room for a book of this number. */
  reserve(book: number): void {
    const capacity = this.#group.length;
    if (book < capacity) return;
    const wanted = Math.max(capacity * 2, book + 1);
    const group = new Int32Array(wanted);
    const mark = new Int32Array(wanted);
    group.set(this.#group);
    mark.set(this.#mark);
    this.#group = group;
    this.#mark = mark;
  }

  join(book: number): void {
    if (this.#mark[book] === this.#number) return;
    this.#mark[book] = this.#number;
    this.#group[this.#size] = book;
    this.#size += 1;
  }

  /** Judges the books that the group named besides the one of its last event. */
  end(book: number): void {
    const group = this.#group;
    const { bestKey } = this.#levels;
    for (let member = 0; member < this.#size; member += 1) {
      const other = group[member]!;
      if (other !== book && bestKey[other * 2]! + bestKey[other * 2 + 1]! >= 0) this.judge(other);
    }
    this.#size = 0;
    this.#number = (this.#number + 1) | 0;
  }

  /** Counts a book as crossed or locked by its best limits; orders without a price take no part. */
  judge(book: number): void {
    const sum = this.#levels.bestLimitKey(book * 2) + this.#levels.bestLimitKey(book * 2 + 1);
    if (sum > 0) this.#tally[TALLY_CROSSED_AT_LAST]! += 1;
    else if (sum === 0) this.#tally[TALLY_LOCKED_AT_LAST]! += 1;
  }
}
