/**
 * Where orders and price levels live: one typed array each, all fields of a record together, addressed by slot.
 * Slot 0 means "none". Free slots are chained through the first link word.
 */

/** Most records a store grows to: 2^26 × 32 bytes = 2 GiB. */
export const STORE_SLOTS_MAX: number = 1 << 26;

const RECORD_WORDS = 8;

/**
 * Orders: 8 words each.
 *
 *     0-1 order id low, high   2 next in the queue   3 previous   4-5 quantity (double)   6 level   7 book-side
 *
 * A book-side is `book number × 2 + (ask ? 1 : 0)`. `doubles[slot × 4 + 2]` is the quantity.
 */
export const ORDER_ID_LOW = 0;
export const ORDER_ID_HIGH = 1;
export const ORDER_NEXT = 2;
export const ORDER_PREVIOUS = 3;
export const ORDER_LEVEL = 6;
export const ORDER_BOOK_SIDE = 7;
export const ORDER_QUANTITY_DOUBLE = 2;

/**
 * Price levels: 8 words each.
 *
 *     0 head of the queue   1 tail   2 order count   3 book-side   4-5 quantity (double)   6-7 key (double)
 *
 * The key is the price for bids, the negated price for asks, +Infinity for orders without a price: the best level
 * of either side has the largest key. Levels of a book without orders (kind "levels") have no head.
 */
export const LEVEL_HEAD = 0;
export const LEVEL_TAIL = 1;
export const LEVEL_COUNT = 2;
export const LEVEL_BOOK_SIDE = 3;
export const LEVEL_QUANTITY_DOUBLE = 2;
export const LEVEL_KEY_DOUBLE = 3;

/** Slots of 32-byte records with a free list; grows by doubling and says no at STORE_SLOTS_MAX. */
export class RecordStore {
  words: Int32Array;
  /** The same bytes as doubles: record `slot` begins at `slot × 4`. */
  doubles: Float64Array;
  /** Slots in use. */
  live = 0;
  readonly #link: number;
  #free = 0;
  #used = 1;
  #slots: number;

  /** @param link word that chains free slots. */
  constructor(slots: number, link: number) {
    this.#link = link;
    this.#slots = slots;
    const buffer = new ArrayBuffer(slots * RECORD_WORDS * 4);
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  /** A slot with unspecified content, or 0 when the store is full. */
  take(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.words[free * RECORD_WORDS + this.#link]!;
      this.live += 1;
      return free;
    }
    if (this.#used === this.#slots && !this.#grow()) return 0;
    this.live += 1;
    const slot = this.#used;
    this.#used = slot + 1;
    return slot;
  }

  give(slot: number): void {
    this.words[slot * RECORD_WORDS + this.#link] = this.#free;
    this.#free = slot;
    this.live -= 1;
  }

  #grow(): boolean {
    if (this.#slots >= STORE_SLOTS_MAX) return false;
    this.#slots *= 2;
    const buffer = new ArrayBuffer(this.#slots * RECORD_WORDS * 4);
    const words = new Int32Array(buffer);
    words.set(this.words);
    this.words = words;
    this.doubles = new Float64Array(buffer);
    return true;
  }
}
