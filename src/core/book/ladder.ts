import { LEVEL_KEY_DOUBLE, LEVEL_QUANTITY_DOUBLE, type RecordStore } from './store.ts';

/**
 * The price levels of one side of one book, sorted by key; the best is the largest.
 *
 * A two-level sorted array: leaves of at most 64 entries, in order. Whatever the prices are (off the tick, two
 * clusters far apart, ten thousand levels), an insertion moves at most one leaf's entries, and the touch, at the
 * end of the last leaf, moves next to none. Keys are prices for bids, negated prices for asks, +Infinity for
 * orders without a price; exact, because prices beyond 2^53−1 never get here.
 *
 * A level that empties stays for a while, vacant: its total quantity is 0.
 */
// V8 folds a module's own constants into its code and loads imported ones each time.
const KEY_DOUBLE = LEVEL_KEY_DOUBLE;
const QUANTITY_DOUBLE = LEVEL_QUANTITY_DOUBLE;

const LEAF_ENTRIES = 64;
const LEAF_MERGE_BELOW = 32;

class Leaf {
  readonly keys: Float64Array = new Float64Array(LEAF_ENTRIES);
  readonly levels: Int32Array = new Int32Array(LEAF_ENTRIES);
  count = 0;
}

/** Leaves that are not in use, shared by all ladders of a market so that churn allocates nothing. */
export class LeafPool {
  readonly #free: Leaf[] = [];

  take(): Leaf {
    return this.#free.pop() ?? new Leaf();
  }

  give(leaf: Leaf): void {
    leaf.count = 0;
    this.#free.push(leaf);
  }
}

export class Ladder {
  readonly #store: RecordStore;
  readonly #pool: LeafPool;
  readonly #leaves: Leaf[];
  /** Levels that hold something. */
  size = 0;
  /** Levels that were emptied and kept, because the next order often comes to the same price. */
  vacant = 0;

  /** @param store where the levels live; their keys are read there, so no double travels through a call. */
  constructor(store: RecordStore, pool: LeafPool) {
    this.#store = store;
    this.#pool = pool;
    this.#leaves = [];
  }

  /** Adds a level, vacant, whose key is not there yet. */
  insert(level: number): void {
    const key = this.#store.doubles[level * 4 + KEY_DOUBLE]!;
    const leaves = this.#leaves;
    if (leaves.length === 0) leaves.push(this.#pool.take());
    let at = leaves.length - 1;
    if (at > 0 && key < leaves[at]!.keys[0]!) at = this.#leafOf(level);
    let leaf = leaves[at]!;
    if (leaf.count === LEAF_ENTRIES) {
      this.#split(at);
      if (key >= leaves[at + 1]!.keys[0]!) at += 1;
      leaf = leaves[at]!;
    }
    const keys = leaf.keys;
    const levels = leaf.levels;
    let to = leaf.count;
    while (to > 0 && keys[to - 1]! > key) {
      keys[to] = keys[to - 1]!;
      levels[to] = levels[to - 1]!;
      to -= 1;
    }
    keys[to] = key;
    levels[to] = level;
    leaf.count += 1;
    this.vacant += 1;
  }

  /** Removes a vacant level; it must be there. */
  remove(level: number): void {
    const leaves = this.#leaves;
    const at = this.#leafOf(level);
    const leaf = leaves[at]!;
    const keys = leaf.keys;
    const levels = leaf.levels;
    const last = leaf.count - 1;
    let from = last;
    while (levels[from] !== level) from -= 1;
    for (; from < last; from += 1) {
      keys[from] = keys[from + 1]!;
      levels[from] = levels[from + 1]!;
    }
    leaf.count = last;
    this.vacant -= 1;
    if (last === 0 || (last < LEAF_MERGE_BELOW && leaves.length > 1)) this.#shrink(at);
  }

  /** The next worse level than one that is there, vacant or not, or 0. */
  below(level: number): number {
    const leaves = this.#leaves;
    const at = this.#leafOf(level);
    const leaf = leaves[at]!;
    const levels = leaf.levels;
    let from = leaf.count - 1;
    while (levels[from] !== level) from -= 1;
    if (from > 0) return levels[from - 1]!;
    if (at === 0) return 0;
    const next = leaves[at - 1]!;
    return next.levels[next.count - 1]!;
  }

  /** The best level worse than the key in `keys[0]`, vacant or not, or 0. */
  belowKey(keys: Float64Array): number {
    const key = keys[0]!;
    const leaves = this.#leaves;
    let low = 0;
    let high = leaves.length;
    // The last leaf that begins below the key.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (leaves[middle]!.keys[0]! < key) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return 0;
    const leaf = leaves[low - 1]!;
    let from = 0;
    let to = leaf.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (leaf.keys[middle]! < key) from = middle + 1;
      else to = middle;
    }
    return leaf.levels[from - 1]!;
  }

  /** Removes all vacant levels, telling each to `forget`. */
  sweep(forget: (level: number) => void): void {
    const leaves = this.#leaves;
    const quantities = this.#store.doubles;
    let filled = 0;
    let to = 0;
    for (let at = 0; at < leaves.length; at += 1) {
      const { count, keys, levels } = leaves[at]!;
      for (let from = 0; from < count; from += 1) {
        const level = levels[from]!;
        const key = keys[from]!;
        if (quantities[level * 4 + QUANTITY_DOUBLE] === 0) {
          forget(level);
          continue;
        }
        // What is kept moves to the front of the leaves, never past where it is read.
        leaves[filled]!.keys[to] = key;
        leaves[filled]!.levels[to] = level;
        to += 1;
        if (to < LEAF_ENTRIES) continue;
        leaves[filled]!.count = to;
        filled += 1;
        to = 0;
      }
    }
    if (to > 0) {
      leaves[filled]!.count = to;
      filled += 1;
    }
    while (leaves.length > filled) this.#pool.give(leaves.pop()!);
    this.vacant = 0;
  }

  /** Writes the best levels that hold something into `levels`, best first, as far as they fit. @returns how many. */
  best(levels: Int32Array): number {
    const quantities = this.#store.doubles;
    const wanted = levels.length;
    let found = 0;
    for (let index = this.#leaves.length - 1; index >= 0; index -= 1) {
      const leaf = this.#leaves[index]!;
      for (let entry = leaf.count - 1; entry >= 0; entry -= 1) {
        const level = leaf.levels[entry]!;
        if (quantities[level * 4 + QUANTITY_DOUBLE] === 0) continue;
        if (found === wanted) return found;
        levels[found] = level;
        found += 1;
      }
    }
    return found;
  }

  /** Levels that hold something from best to worst, with `vacant` the others too; for reports and checks. */
  *fromBest(vacant: boolean = false): Generator<number> {
    const quantities = this.#store.doubles;
    for (let index = this.#leaves.length - 1; index >= 0; index -= 1) {
      const leaf = this.#leaves[index]!;
      for (let entry = leaf.count - 1; entry >= 0; entry -= 1) {
        const level = leaf.levels[entry]!;
        if (vacant || quantities[level * 4 + QUANTITY_DOUBLE] !== 0) yield level;
      }
    }
  }

  /** Keys of all levels from best to worst as the leaves hold them; for the invariant checker. */
  *keysFromBest(): Generator<number> {
    for (let index = this.#leaves.length - 1; index >= 0; index -= 1) {
      const leaf = this.#leaves[index]!;
      for (let entry = leaf.count - 1; entry >= 0; entry -= 1) yield leaf.keys[entry]!;
    }
  }

  /** Index of the leaf a level's key belongs to: the last whose first key is not above it, else the first. */
  #leafOf(level: number): number {
    const key = this.#store.doubles[level * 4 + KEY_DOUBLE]!;
    const leaves = this.#leaves;
    let low = 0;
    let high = leaves.length - 1;
    // The touch is in the last leaf.
    if (high > 0 && key >= leaves[high]!.keys[0]!) return high;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (leaves[middle]!.keys[0]! <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Cuts a full leaf in two halves. */
  #split(at: number): void {
    const left = this.#leaves[at]!;
    const right = this.#pool.take();
    const half = LEAF_ENTRIES >>> 1;
    for (let entry = half; entry < LEAF_ENTRIES; entry += 1) {
      right.keys[entry - half] = left.keys[entry]!;
      right.levels[entry - half] = left.levels[entry]!;
    }
    right.count = LEAF_ENTRIES - half;
    left.count = half;
    this.#leaves.splice(at + 1, 0, right);
  }

  /**
   * Joins a leaf that has become small with a neighbour when both together fill at most half a leaf. Half, so that
   * the next insertion does not split them again. An empty leaf is never kept.
   */
  #shrink(at: number): void {
    const leaves = this.#leaves;
    const leaf = leaves[at]!;
    if (leaf.count === 0) {
      leaves.splice(at, 1);
      this.#pool.give(leaf);
      return;
    }
    const left = at > 0 && leaf.count + leaves[at - 1]!.count <= LEAF_MERGE_BELOW ? at - 1 : at;
    if (left + 1 >= leaves.length) return;
    const first = leaves[left]!;
    const second = leaves[left + 1]!;
    if (first.count + second.count > LEAF_MERGE_BELOW) return;
    for (let entry = 0; entry < second.count; entry += 1) {
      first.keys[first.count + entry] = second.keys[entry]!;
      first.levels[first.count + entry] = second.levels[entry]!;
    }
    first.count += second.count;
    leaves.splice(left + 1, 1);
    this.#pool.give(second);
  }
}
