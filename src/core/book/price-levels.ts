import { HashIndex, mix3 } from '../binary/hash-index.ts';
import { Ladder, LeafPool } from './ladder.ts';
import * as store from './store.ts';
import { RecordStore } from './store.ts';

// V8 folds a module's own constants into its code and loads imported ones each time.
const LEVEL_BOOK_SIDE = store.LEVEL_BOOK_SIDE;
const LEVEL_COUNT = store.LEVEL_COUNT;
const LEVEL_HEAD = store.LEVEL_HEAD;
const LEVEL_KEY_DOUBLE = store.LEVEL_KEY_DOUBLE;
const LEVEL_QUANTITY_DOUBLE = store.LEVEL_QUANTITY_DOUBLE;
const LEVEL_TAIL = store.LEVEL_TAIL;

const LEVELS_AT_START = 1 << 10;
const SIDES_AT_START = 128;
/** Vacant levels that one side may keep besides as many as it has others: a leaf of its ladder has room for twice that. */
const VACANT_LEVELS_MIN = 32;
/** Vacant levels that the search for the next best level walks over before it removes what it meets. */
const VACANT_LEVELS_SKIPPED = 8;

/**
 * The price levels of all book-sides of a market: a hash index finds one by side and price, a ladder per side keeps
 * them sorted, and the best of each side is always at hand.
 *
 * A level that loses its last order stays for a while, vacant, because the next order often comes to the same price.
 *
 * Doubles are kept in typed arrays and never passed through calls (they would be boxed): `key` carries them.
 */
export class PriceLevels {
  readonly store: RecordStore = new RecordStore(LEVELS_AT_START, LEVEL_HEAD);
  readonly index: HashIndex = new HashIndex(LEVELS_AT_START);
  /** One per book-side; all that never held a level share one. */
  readonly ladders: Ladder[] = [];
  /** Best level and its key per book-side: 0 and −Infinity where the side is empty. */
  bestLevel: Int32Array = new Int32Array(SIDES_AT_START);
  bestKey: Float64Array = new Float64Array(SIDES_AT_START).fill(Number.NEGATIVE_INFINITY);
  /** Key of the level in question, as a double and as its two words. */
  readonly key: Float64Array = new Float64Array(1);
  readonly #keyWords: Int32Array = new Int32Array(this.key.buffer);
  readonly #leaves: LeafPool = new LeafPool();
  /** The ladder of every book-side without levels: most books of a market are those of other channels. */
  readonly #noLevels: Ladder = new Ladder(this.store, this.#leaves);
  readonly #forget: (level: number) => void;

  constructor() {
    this.#forget = (level) => {
      const { words } = this.store;
      const key = level * 8 + LEVEL_KEY_DOUBLE * 2;
      this.index.remove(mix3(words[key]!, words[key + 1]!, words[level * 8 + LEVEL_BOOK_SIDE]!), level);
      this.store.give(level);
    };
  }

  /** Fields of the levels, as store.ts describes them. */
  get words(): Int32Array {
    return this.store.words;
  }

  get doubles(): Float64Array {
    return this.store.doubles;
  }

  /** Levels that hold something. */
  get inUse(): number {
    let levels = 0;
    for (const ladder of this.ladders) levels += ladder.size;
    return levels;
  }

  /** Is there anything on a side of the book? */
  holds(book: number): boolean {
    return this.bestLevel[book * 2] !== 0 || this.bestLevel[book * 2 + 1] !== 0;
  }

  /** Makes room for the two sides of one more book. */
  addBook(): void {
    const sides = this.ladders.push(this.#noLevels, this.#noLevels);
    const room = this.bestLevel.length;
    if (sides <= room) return;
    const bestLevel = new Int32Array(room * 2);
    const bestKey = new Float64Array(room * 2).fill(Number.NEGATIVE_INFINITY);
    bestLevel.set(this.bestLevel);
    bestKey.set(this.bestKey);
    this.bestLevel = bestLevel;
    this.bestKey = bestKey;
  }

  /** The level of a book-side with the key in `key`, or 0. */
  find(bookSide: number): number {
    const words = this.#keyWords;
    const tag = mix3(words[0]!, words[1]!, bookSide);
    const index = this.index;
    const table = index.table;
    const wrap = index.wrap;
    let at = (tag << 1) & wrap;
    for (;;) {
      const level = table[at + 1]!;
      if (level === 0) return 0;
      if (
        table[at] === tag &&
        this.store.doubles[level * 4 + LEVEL_KEY_DOUBLE] === this.key[0] &&
        this.store.words[level * 8 + LEVEL_BOOK_SIDE] === bookSide
      ) {
        return level;
      }
      at = (at + 2) & wrap;
    }
  }

  /** The same, made where there is none, vacant; 0 when the store is full. May grow the store. */
  at(bookSide: number): number {
    const found = this.bestKey[bookSide] === this.key[0] ? this.bestLevel[bookSide]! : this.find(bookSide);
    return found !== 0 ? found : this.#make(bookSide);
  }

  /** A vacant level gets its first order. */
  occupy(level: number): void {
    const bookSide = this.store.words[level * 8 + LEVEL_BOOK_SIDE]!;
    const ladder = this.ladders[bookSide]!;
    ladder.size += 1;
    ladder.vacant -= 1;
    const key = this.store.doubles[level * 4 + LEVEL_KEY_DOUBLE]!;
    if (key > this.bestKey[bookSide]!) {
      this.bestKey[bookSide] = key;
      this.bestLevel[bookSide] = level;
    }
  }

  /** A level lost its last order. It stays for the next one, as long as not too many do. */
  vacate(level: number): void {
    const bookSide = this.store.words[level * 8 + LEVEL_BOOK_SIDE]!;
    const ladder = this.ladders[bookSide]!;
    ladder.size -= 1;
    ladder.vacant += 1;
    if (this.bestLevel[bookSide] === level) {
      const best = ladder.size === 0 ? 0 : this.#nextBelow(ladder, level);
      this.bestLevel[bookSide] = best;
      this.bestKey[bookSide] =
        best === 0 ? Number.NEGATIVE_INFINITY : this.store.doubles[best * 4 + LEVEL_KEY_DOUBLE]!;
    }
    if (ladder.vacant > VACANT_LEVELS_MIN + ladder.size) ladder.sweep(this.#forget);
  }

  /** Key of the best level with a price; −Infinity where there is none. */
  bestLimitKey(bookSide: number): number {
    const best = this.bestKey[bookSide]!;
    if (best !== Number.POSITIVE_INFINITY) return best;
    const second = this.#nextBelow(this.ladders[bookSide]!, this.bestLevel[bookSide]!);
    return second === 0 ? Number.NEGATIVE_INFINITY : this.store.doubles[second * 4 + LEVEL_KEY_DOUBLE]!;
  }

  /** Drops all levels of a side; their quantities are 0 already. */
  dropAll(bookSide: number): void {
    const ladder = this.ladders[bookSide]!;
    ladder.size = 0;
    ladder.sweep(this.#forget);
    this.bestLevel[bookSide] = 0;
    this.bestKey[bookSide] = Number.NEGATIVE_INFINITY;
  }

  #make(bookSide: number): number {
    const level = this.store.take();
    if (level === 0) return 0;
    const { words, doubles } = this.store;
    const at = level << 3;
    words[at + LEVEL_HEAD] = 0;
    words[at + LEVEL_TAIL] = 0;
    words[at + LEVEL_COUNT] = 0;
    words[at + LEVEL_BOOK_SIDE] = bookSide;
    doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = 0;
    doubles[level * 4 + LEVEL_KEY_DOUBLE] = this.key[0]!;
    this.index.insert(mix3(this.#keyWords[0]!, this.#keyWords[1]!, bookSide), level);
    if (this.ladders[bookSide] === this.#noLevels) {
      this.ladders[bookSide] = new Ladder(this.store, this.#leaves);
    }
    this.ladders[bookSide]!.insert(level);
    return level;
  }

  /** The best level below another that holds something, or 0; vacant ones in between go when they are many. */
  #nextBelow(ladder: Ladder, from: number): number {
    let level = from;
    for (let skipped = 0; ; skipped += 1) {
      const below = ladder.below(level);
      if (below === 0 || this.store.doubles[below * 4 + LEVEL_QUANTITY_DOUBLE] !== 0) return below;
      if (skipped < VACANT_LEVELS_SKIPPED) level = below;
      else {
        ladder.remove(below);
        this.#forget(below);
      }
    }
  }
}
