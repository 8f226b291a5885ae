/**
 * Open-addressing index from a 32-bit hash tag to a slot number: linear probing, load at most one half,
 * backward-shift deletion (no tombstones).
 *
 *     table: [tag, slot] pairs; slot 0 = empty. The tag alone decides the home position, so deleting and
 *     growing never read the keys. Two keys may share a tag: the caller compares the keys of each candidate.
 *
 *     for (let at = index.first(tag); at >= 0; at = index.next(at, tag)) {
 *       const slot = index.slotAt(at); if (key of slot matches) …
 *     }
 */
export class HashIndex {
  table: Int32Array;
  /** Positions are even numbers 0 … wrap − 1, taken modulo by this mask. */
  wrap: number;
  size = 0;

  /** @param capacity entries it holds before it grows; rounded up to a power of two. */
  constructor(capacity: number) {
    let entries = 16;
    while (entries < capacity) entries *= 2;
    this.table = new Int32Array(entries * 4);
    this.wrap = entries * 4 - 1;
  }

  /** Position of the first entry with this tag, or −1. */
  first(tag: number): number {
    const table = this.table;
    const wrap = this.wrap;
    let at = (tag << 1) & wrap;
    while (table[at + 1] !== 0) {
      if (table[at] === tag) return at;
      at = (at + 2) & wrap;
    }
    return -1;
  }

  /** Position of the next entry with this tag behind `at`, or −1. */
  next(at: number, tag: number): number {
    const table = this.table;
    const wrap = this.wrap;
    let position = (at + 2) & wrap;
    while (table[position + 1] !== 0) {
      if (table[position] === tag) return position;
      position = (position + 2) & wrap;
    }
    return -1;
  }

  slotAt(at: number): number {
    return this.table[at + 1]!;
  }

  /** Adds an entry; `slot` is not 0. Does not look for an equal one. */
  insert(tag: number, slot: number): void {
    this.reserve();
    const table = this.table;
    const wrap = this.wrap;
    let at = (tag << 1) & wrap;
    while (table[at + 1] !== 0) at = (at + 2) & wrap;
    table[at] = tag;
    table[at + 1] = slot;
    this.size += 1;
  }

  /** Makes room for one more entry; positions found before are void. */
  reserve(): void {
    if (this.size * 4 > this.wrap) this.#grow();
  }

  /** Adds an entry at the empty position where the search for its tag ended, after `reserve`. */
  insertAt(at: number, tag: number, slot: number): void {
    this.table[at] = tag;
    this.table[at + 1] = slot;
    this.size += 1;
  }

  /** Removes the entry at a position, closing the hole so that every later probe still finds its entry. */
  removeAt(at: number): void {
    const table = this.table;
    const wrap = this.wrap;
    let hole = at;
    let position = at;
    for (;;) {
      position = (position + 2) & wrap;
      const slot = table[position + 1]!;
      if (slot === 0) break;
      const tag = table[position]!;
      const home = (tag << 1) & wrap;
      if (((position - home) & wrap) >= ((position - hole) & wrap)) {
        table[hole] = tag;
        table[hole + 1] = slot;
        hole = position;
      }
    }
    table[hole + 1] = 0;
    this.size -= 1;
  }

  /** Removes the entry of this tag that names this slot; it must be there. */
  remove(tag: number, slot: number): void {
    const table = this.table;
    const wrap = this.wrap;
    let at = (tag << 1) & wrap;
    while (table[at + 1] !== slot) at = (at + 2) & wrap;
    this.removeAt(at);
  }

  #grow(): void {
    const old = this.table;
    this.table = new Int32Array(old.length * 2);
    this.wrap = this.table.length - 1;
    const table = this.table;
    const wrap = this.wrap;
    for (let from = 0; from < old.length; from += 2) {
      const slot = old[from + 1]!;
      if (slot === 0) continue;
      const tag = old[from]!;
      let at = (tag << 1) & wrap;
      while (table[at + 1] !== 0) at = (at + 2) & wrap;
      table[at] = tag;
      table[at + 1] = slot;
    }
  }
}

/** Spreads two 32-bit words over a tag whose low bits are good enough to be a table position. */
export function mix2(a: number, b: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** The same for three words. */
export function mix3(a: number, b: number, c: number): number {
  return mix2(a ^ Math.imul(c, 0x27d4eb2f), b + c);
}
