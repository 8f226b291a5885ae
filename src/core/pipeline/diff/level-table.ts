import { HashIndex, mix2, mix3 } from '../../binary/hash-index.ts';
import { ExactDecimal, NO_PRICE_EXPONENT } from './exact-decimal.ts';

/**
 * Per level: 0 pair × 2 + ask · 1-3 price (low, high, exponent) · 4-7 digests of side A: queue, total · 8-11 of side B.
 * The first word chains free ones.
 */
const FIELDS = 12;
const FIELD_A = 4;
const SIDE_FIELDS = 4;
const LEVELS_AT_START = 1 << 12;

/** A price level that is not the same on both sides. */
export interface DifferingLevel {
  readonly ask: boolean;
  /** Null: orders without a price. */
  readonly price: { readonly units: bigint; readonly exponent: number } | null;
}

/** What the levels of every pair of books hold on either side, as digests, and how many of each pair differ. */
export class LevelTable {
  readonly #index: HashIndex = new HashIndex(LEVELS_AT_START);
  #words: Int32Array = new Int32Array(LEVELS_AT_START * FIELDS);
  #used = 1;
  #free = 0;
  /** Per pair: levels that differ, and whether totals are compared instead of queues. */
  #differing: Int32Array = new Int32Array(64);
  #byTotal: Uint8Array = new Uint8Array(64);
  readonly #price: ExactDecimal = new ExactDecimal();

  /** Levels of a pair that differ. */
  differing(pair: number): number {
    return this.#differing[pair] ?? 0;
  }

  /** From now on only the totals of the levels of a pair are compared: one side knows no orders. */
  compareTotals(pair: number): void {
    this.#reach(pair);
    if (this.#byTotal[pair] === 1) return;
    this.#byTotal[pair] = 1;
    let differing = 0;
    for (let slot = 1; slot < this.#used; slot += 1) {
      if (this.#isOf(slot, pair) && this.#differs(slot * FIELDS, true)) differing += 1;
    }
    this.#differing[pair] = differing;
  }

  /** A level of one side of a pair now holds this: see step-queue.ts for what stands at `at`. */
  set(pair: number, side: 0 | 1, levels: Float64Array, at: number, scale: number): void {
    this.#reach(pair);
    const ask = levels[at]! & 1;
    this.#price.units[0] = ask === 1 ? 0 - levels[at + 1]! : levels[at + 1]!;
    if (levels[at + 1] === Number.POSITIVE_INFINITY) this.#price.units[0] = Number.POSITIVE_INFINITY;
    this.#price.normalize(scale);
    const slot = this.#slotOf(pair * 2 + ask);
    const from = slot * FIELDS;
    const words = this.#words;
    const byTotal = this.#byTotal[pair] === 1;
    const before = this.#differs(from, byTotal);
    const to = from + FIELD_A + side * SIDE_FIELDS;
    words[to] = levels[at + 2]!;
    words[to + 1] = levels[at + 3]!;
    words[to + 2] = levels[at + 4]!;
    words[to + 3] = levels[at + 5]!;
    const after = this.#differs(from, byTotal);
    if (before !== after) this.#differing[pair]! += after ? 1 : -1;
    if (this.#isEmpty(from)) this.#forget(slot);
  }

  /** The levels of a pair that differ; walks over all that there are. */
  list(pair: number, most: number): DifferingLevel[] {
    const found: DifferingLevel[] = [];
    for (let slot = 1; slot < this.#used && found.length < most; slot += 1) {
      const from = slot * FIELDS;
      if (!this.#isOf(slot, pair) || !this.#differs(from, this.#byTotal[pair] === 1)) continue;
      const exponent = this.#words[from + 3]!;
      const units = (BigInt(this.#words[from + 2]!) << 32n) | BigInt(this.#words[from + 1]! >>> 0);
      const ask = (this.#words[from]! & 1) === 1;
      found.push({ ask, price: exponent === NO_PRICE_EXPONENT ? null : { units, exponent } });
    }
    return found;
  }

  /** A slot in use whose level is of this pair? Free ones hold nothing on either side. */
  #isOf(slot: number, pair: number): boolean {
    return !this.#isEmpty(slot * FIELDS) && this.#words[slot * FIELDS]! >> 1 === pair;
  }

  /** Totals of what holds something are never 0. */
  #isEmpty(from: number): boolean {
    return (this.#words[from + FIELD_A + 3]! | this.#words[from + FIELD_A + SIDE_FIELDS + 3]!) === 0;
  }

  #differs(from: number, byTotal: boolean): boolean {
    const words = this.#words;
    const at = from + FIELD_A + (byTotal ? 2 : 0);
    return words[at] !== words[at + SIDE_FIELDS] || words[at + 1] !== words[at + SIDE_FIELDS + 1];
  }

  /** The slot of a level with the price at hand, made where there is none. */
  #slotOf(pairSide: number): number {
    const { low, high, exponent } = this.#price;
    const tag = mix3(mix2(low, exponent), high, pairSide);
    const index = this.#index;
    for (let at = index.first(tag); at >= 0; at = index.next(at, tag)) {
      const slot = index.slotAt(at);
      const from = slot * FIELDS;
      const words = this.#words;
      if (
        words[from] === pairSide &&
        words[from + 1] === low &&
        words[from + 2] === high &&
        words[from + 3] === exponent
      ) {
        return slot;
      }
    }
    const slot = this.#take();
    const from = slot * FIELDS;
    this.#words.fill(0, from, from + FIELDS);
    this.#words[from] = pairSide;
    this.#words[from + 1] = low;
    this.#words[from + 2] = high;
    this.#words[from + 3] = exponent;
    index.insert(tag, slot);
    return slot;
  }

  #take(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.#words[free * FIELDS]!;
      return free;
    }
    if (this.#used * FIELDS === this.#words.length) {
      const wider = new Int32Array(this.#words.length * 2);
      wider.set(this.#words);
      this.#words = wider;
    }
    this.#used += 1;
    return this.#used - 1;
  }

  #forget(slot: number): void {
    const from = slot * FIELDS;
    const { low, high, exponent } = this.#price;
    this.#index.remove(mix3(mix2(low, exponent), high, this.#words[from]!), slot);
    this.#words[from] = this.#free;
    this.#free = slot;
  }

  #reach(pair: number): void {
    if (pair < this.#differing.length) return;
    const differing = new Int32Array(Math.max(pair + 1, this.#differing.length * 2));
    const byTotal = new Uint8Array(differing.length);
    differing.set(this.#differing);
    byTotal.set(this.#byTotal);
    this.#differing = differing;
    this.#byTotal = byTotal;
  }
}
