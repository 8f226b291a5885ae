/**
 * Book numbers by two words, such as publisher and instrument or the halves of a 64-bit instrument: open addressing
 * with linear probing, at most half full.
 *
 *     entry, 4 words: first | second | book number + 1, 0 = empty | zero
 */
export class BookTable {
  #words: Int32Array;
  #size = 0;

  constructor() {
    this.#words = new Int32Array(256 * 4);
  }

  /** Book number, or −1 where the pair was never added. Unsigned words are given as signed ones. */
  find(first: number, second: number): number {
    const words = this.#words;
    return words[place(words, first, second) + 2] - 1;
  }

  /** Adds a pair that is not in the table. */
  add(first: number, second: number, book: number): void {
    if ((this.#size + 1) * 8 > this.#words.length) this.#grow();
    put(this.#words, first, second, book + 1);
    this.#size += 1;
  }

  #grow(): void {
    const old = this.#words;
    const words = new Int32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 4) {
      if (old[at + 2] !== 0) put(words, old[at], old[at + 1], old[at + 2]);
    }
    this.#words = words;
  }
}

function put(words: Int32Array, first: number, second: number, stored: number): void {
  const at = place(words, first, second);
  words[at] = first;
  words[at + 1] = second;
  words[at + 2] = stored;
}

/** Where the pair stands, or the empty entry where it would. */
function place(words: Int32Array, first: number, second: number): number {
  const wrap = words.length - 4;
  let hash = Math.imul(second, 0x9e3779b1) ^ Math.imul(first, 0x85ebca6b);
  hash ^= hash >>> 15;
  let at = (hash << 2) & wrap;
  while (words[at + 2] !== 0 && (words[at + 1] !== second || words[at] !== first)) at = (at + 4) & wrap;
  return at;
}
