import type { Market } from '../../book/market.ts';
import { LEVEL_COUNT, LEVEL_HEAD, ORDER_LEVEL, ORDER_NEXT, ORDER_PREVIOUS } from '../../book/store.ts';
import type { OrderHashes } from './order-hashes.ts';

/** Bases of the two lanes: odd, so that they have an inverse; 3 modulo 8, so that their powers differ in low bits. */
const BASE_A = 0x2c1b3c6b;
const BASE_B = 0x297a2d3b;
const INVERSE_A: number = inverseOf(BASE_A);
const INVERSE_B: number = inverseOf(BASE_B);

/**
 * Digests of the queues of one market, two lanes of 32 bits. A lane is the sum over the orders of hash × base^place, places
 * counted from the head, modulo 2^32: it tells an order and its place apart, and it can follow what an event does to one
 * order without a walk over the whole queue: an order at the end adds a summand, one that changes in its place changes its
 * own, and one that leaves moves those behind it by one place, all at once, when the sum of those in front of it (or
 * behind it, whichever are fewer) is known. What is not so simple makes a digest unknown, and it is taken anew.
 */
export class QueueDigests {
  /** Lanes of the level that was looked at last. */
  a = 0;
  b = 0;
  readonly #market: Market;
  readonly #hashes: OrderHashes;
  /** Per level: two lanes, and whether they are known. */
  #lanes: Int32Array = new Int32Array(2048);
  #known: Uint8Array = new Uint8Array(1024);
  /** Powers of the bases, in turn. */
  #powers: Int32Array = new Int32Array([1, 1]);
  /** The held order as it was. */
  #slot = 0;
  #level = 0;
  #previous = 0;
  #next = 0;
  #place = 0;
  #isNearHead = false;
  #hashA = 0;
  #hashB = 0;

  constructor(market: Market, hashes: OrderHashes) {
    this.#market = market;
    this.#hashes = hashes;
  }

  /** The order that the event at hand is about; 0 = none, −1 = more than one. */
  get held(): number {
    return this.#slot;
  }

  /** An event is about to come. */
  begin(): void {
    this.#slot = 0;
  }

  /** The event is about this order. */
  hold(slot: number): void {
    if (slot === this.#slot) return;
    const { words } = this.#market.orders;
    const level = words[slot * 8 + ORDER_LEVEL]!;
    if (this.#slot !== 0) {
      // Two orders: each may change the place of the other.
      this.forget(this.#level);
      this.forget(level);
      this.#slot = -1;
      return;
    }
    this.#slot = slot;
    this.#level = level;
    if (!this.#isKnown(level)) return;
    this.#previous = words[slot * 8 + ORDER_PREVIOUS]!;
    this.#next = words[slot * 8 + ORDER_NEXT]!;
    this.#findPlace(words, this.#market.levels.words[level * 8 + LEVEL_COUNT]!);
    this.#hashes.order(this.#market, slot);
    this.#hashA = this.#hashes.a;
    this.#hashB = this.#hashes.b;
  }

  /** The event has been applied. @param slot the order that has the id which the event names; 0 = there is none. */
  settle(slot: number): void {
    const { words } = this.#market.orders;
    const held = this.#slot;
    if (held < 0) {
      if (slot !== 0) this.forget(words[slot * 8 + ORDER_LEVEL]!);
      return;
    }
    const level = this.#level;
    if (held !== 0 && this.#isKnown(level)) {
      if (
        slot === held &&
        words[slot * 8 + ORDER_LEVEL] === level &&
        words[slot * 8 + ORDER_PREVIOUS] === this.#previous &&
        words[slot * 8 + ORDER_NEXT] === this.#next
      ) {
        this.#change(slot);
        return;
      }
      this.#leave(slot, words);
    }
    if (slot !== 0) this.#enter(slot, words);
  }

  /** The digest of a level is not known any more. */
  forget(level: number): void {
    if (level < this.#known.length) this.#known[level] = 0;
  }

  /** Puts the lanes of a level into `a` and `b`. */
  take(level: number): void {
    if (!this.#isKnown(level)) this.#walk(level);
    this.a = this.#lanes[level * 2]!;
    this.b = this.#lanes[level * 2 + 1]!;
  }

  #isKnown(level: number): boolean {
    return level < this.#known.length && this.#known[level] === 1;
  }

  /** Which place has the held order in its queue of `count`? Walks to the nearer end. */
  #findPlace(words: Int32Array, count: number): void {
    let before = this.#previous;
    let behind = this.#next;
    let steps = 0;
    while (before !== 0 && behind !== 0) {
      before = words[before * 8 + ORDER_PREVIOUS]!;
      behind = words[behind * 8 + ORDER_NEXT]!;
      steps += 1;
    }
    this.#isNearHead = before === 0;
    this.#place = this.#isNearHead ? steps : count - 1 - steps;
    this.#raise(count);
  }

  /** The held order is where it was, with another quantity. */
  #change(slot: number): void {
    this.#hashes.order(this.#market, slot);
    const at = this.#level * 2;
    const power = this.#place * 2;
    const lanes = this.#lanes;
    lanes[at]! += Math.imul(this.#hashes.a - this.#hashA, this.#powers[power]!);
    lanes[at + 1]! += Math.imul(this.#hashes.b - this.#hashB, this.#powers[power + 1]!);
  }

  /** The held order has left its place; those that were behind it move up. The one that has come in is not among them. */
  #leave(entered: number, words: Int32Array): void {
    const lanes = this.#lanes;
    const powers = this.#powers;
    const at = this.#level * 2;
    let a = 0;
    let b = 0;
    const link = this.#isNearHead ? ORDER_PREVIOUS : ORDER_NEXT;
    const step = this.#isNearHead ? -2 : 2;
    let power = this.#place * 2 + step;
    const first = this.#isNearHead ? this.#previous : this.#next;
    for (let slot = first; slot !== 0 && slot !== entered; power += step) {
      this.#hashes.order(this.#market, slot);
      a = (a + Math.imul(this.#hashes.a, powers[power]!)) | 0;
      b = (b + Math.imul(this.#hashes.b, powers[power + 1]!)) | 0;
      slot = words[slot * 8 + link]!;
    }
    const place = this.#place * 2;
    const restA = (lanes[at]! - a - Math.imul(this.#hashA, powers[place]!)) | 0;
    const restB = (lanes[at + 1]! - b - Math.imul(this.#hashB, powers[place + 1]!)) | 0;
    lanes[at] = this.#isNearHead ? a + Math.imul(restA, INVERSE_A) : restA + Math.imul(a, INVERSE_A);
    lanes[at + 1] = this.#isNearHead ? b + Math.imul(restB, INVERSE_B) : restB + Math.imul(b, INVERSE_B);
  }

  /** An order has come into its level: at the end, unless it says otherwise. */
  #enter(slot: number, words: Int32Array): void {
    const level = words[slot * 8 + ORDER_LEVEL]!;
    const count = this.#market.levels.words[level * 8 + LEVEL_COUNT]!;
    this.#reach(level);
    if (count === 1) {
      this.#lanes[level * 2] = 0;
      this.#lanes[level * 2 + 1] = 0;
      this.#known[level] = 1;
    } else if (this.#known[level] !== 1) return;
    if (words[slot * 8 + ORDER_NEXT] !== 0) {
      this.#known[level] = 0;
      return;
    }
    this.#raise(count);
    this.#hashes.order(this.#market, slot);
    this.#lanes[level * 2]! += Math.imul(this.#hashes.a, this.#powers[count * 2 - 2]!);
    this.#lanes[level * 2 + 1]! += Math.imul(this.#hashes.b, this.#powers[count * 2 - 1]!);
  }

  #walk(level: number): void {
    this.#reach(level);
    const { words } = this.#market.orders;
    let a = 0;
    let b = 0;
    let powerA = 1;
    let powerB = 1;
    for (let slot = this.#market.levels.words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) {
      this.#hashes.order(this.#market, slot);
      a = (a + Math.imul(this.#hashes.a, powerA)) | 0;
      b = (b + Math.imul(this.#hashes.b, powerB)) | 0;
      powerA = Math.imul(powerA, BASE_A);
      powerB = Math.imul(powerB, BASE_B);
      slot = words[slot * 8 + ORDER_NEXT]!;
    }
    this.#lanes[level * 2] = a;
    this.#lanes[level * 2 + 1] = b;
    this.#known[level] = 1;
  }

  /** Makes room for the digest of a level. */
  #reach(level: number): void {
    if (level < this.#known.length) return;
    const known = new Uint8Array(Math.max(level + 1, this.#known.length * 2));
    const lanes = new Int32Array(known.length * 2);
    known.set(this.#known);
    lanes.set(this.#lanes);
    this.#known = known;
    this.#lanes = lanes;
  }

  /** Makes powers for so many places. */
  #raise(count: number): void {
    const have = this.#powers.length / 2;
    if (count <= have) return;
    const powers = new Int32Array(Math.max(count, have * 2) * 2);
    powers.set(this.#powers);
    for (let at = have * 2; at < powers.length; at += 2) {
      powers[at] = Math.imul(powers[at - 2]!, BASE_A);
      powers[at + 1] = Math.imul(powers[at - 1]!, BASE_B);
    }
    this.#powers = powers;
  }
}

/** The number that makes 1 of an odd one, modulo 2^32: each round doubles the bits that are right. */
function inverseOf(base: number): number {
  let inverse = base;
  for (let round = 0; round < 4; round += 1) inverse = Math.imul(inverse, 2 - Math.imul(base, inverse));
  return inverse;
}
