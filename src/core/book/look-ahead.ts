import { type HashIndex, mix3 } from '../binary/hash-index.ts';
import * as record from '../event/record.ts';
import * as store from './store.ts';

// V8 folds a module's own constants into its code and loads imported ones each time.
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_BOOK = record.WORD_BOOK;
const WORD_ID = record.WORD_ID;
const ORDER_LEVEL = store.ORDER_LEVEL;
const HEAD_ASK: number = record.FLAG_ASK << 8;

/** Records looked at together: what they touch fits into the first cache. */
export const LOOK_AHEAD_RECORDS = 32;
/** With fewer there is little to overlap. */
export const LOOK_AHEAD_RECORDS_MIN = 4;
/** Live orders from which on it pays: below, most of what is touched is in a near cache anyway. */
export const LOOK_AHEAD_ORDERS_MIN: number = 1 << 15;

/**
 * Reads what the next events are about to read (index entry, order) for many events at once, so that the processor
 * waits for memory once and not once per event. Neighbours in the queue are only written, which nothing waits for.
 */
export class LookAhead {
  /** Positions in the index, then of the orders found there. */
  readonly #slots: Int32Array = new Int32Array(LOOK_AHEAD_RECORDS);
  /** What was read, so that the reading is not optimised away. */
  #sum = 0;

  /**
   * @param words event records, `from` and `to` in words, at most LOOK_AHEAD_RECORDS records.
   * @param scope bits of the book-side that belong to an order's identity.
   */
  touch(
    words: Int32Array,
    from: number,
    to: number,
    index: HashIndex,
    stored: Int32Array,
    scope: number,
  ): void {
    const { table, wrap } = index;
    const slots = this.#slots;
    let count = 0;
    for (let at = from; at < to; at += RECORD_WORDS) {
      const bookSide = (words[at + WORD_BOOK]! << 1) | ((words[at]! & HEAD_ASK) !== 0 ? 1 : 0);
      slots[count] = mix3(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, bookSide & scope) << 1;
      count += 1;
    }
    // Loops of little more than one load each, so that the processor has many of them under way.
    for (let each = 0; each < count; each += 1) slots[each] = table[(slots[each]! & wrap) + 1]! << 3;
    let sum = 0;
    for (let each = 0; each < count; each += 1) sum ^= stored[slots[each]! + ORDER_LEVEL]!;
    this.#sum ^= sum;
  }
}
