const PARTS_AT_START = 1024;

/**
 * Price levels that were touched before their turn in an image, as they were. A side that is still to come has them in a
 * list; of the side whose turn it is they stand in a heap, best price on top.
 */
export class SavedParts {
  /** By part, from 1: key of its price; of a level of orders the first one, else its order count; its quantity. */
  keys: Float64Array = new Float64Array(PARTS_AT_START);
  first: Int32Array = new Int32Array(PARTS_AT_START);
  quantities: Float64Array = new Float64Array(PARTS_AT_START);
  #next: Int32Array = new Int32Array(PARTS_AT_START);
  #parts = 1;
  #heap: Int32Array = new Int32Array(PARTS_AT_START);
  #heaped = 0;

  /** Forgets all parts. */
  reset(): void {
    this.#parts = 1;
    this.#heaped = 0;
  }

  /**
   * Adds a part in front of the list that begins with `next`; its fields are the caller's to fill.
   * @returns its number.
   */
  add(next: number): number {
    const part = this.#parts;
    if (part === this.keys.length - 1) this.#grow();
    this.#next[part] = next;
    this.#parts += 1;
    return part;
  }

  /** It is the turn of a side whose list begins with `part`. */
  open(part: number): void {
    this.#heaped = 0;
    for (let each = part; each !== 0; each = this.#next[each]!) {
      this.#heap[this.#heaped] = each;
      this.#heaped += 1;
    }
    for (let at = (this.#heaped >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  /** Adds a part to the side whose turn it is. */
  push(part: number): void {
    const heap = this.#heap;
    const { keys } = this;
    let at = this.#heaped;
    this.#heaped += 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (keys[heap[above]!]! >= keys[part]!) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = part;
  }

  /** The best part of that side, 0 = none. */
  get top(): number {
    return this.#heaped === 0 ? 0 : this.#heap[0]!;
  }

  pop(): void {
    this.#heaped -= 1;
    this.#heap[0] = this.#heap[this.#heaped]!;
    this.#sink(0);
  }

  /** Lets a part go down to where none below it is better. */
  #sink(start: number): void {
    const heap = this.#heap;
    const { keys } = this;
    const count = this.#heaped;
    const part = heap[start]!;
    let at = start;
    for (let below = at * 2 + 1; below < count; below = at * 2 + 1) {
      if (below + 1 < count && keys[heap[below + 1]!]! > keys[heap[below]!]!) below += 1;
      if (keys[part]! >= keys[heap[below]!]!) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = part;
  }

  #grow(): void {
    const room = this.keys.length * 2;
    this.keys = longer(this.keys, new Float64Array(room));
    this.quantities = longer(this.quantities, new Float64Array(room));
    this.first = longer(this.first, new Int32Array(room));
    this.#next = longer(this.#next, new Int32Array(room));
    this.#heap = longer(this.#heap, new Int32Array(room));
  }
}

/** The values of an array in a longer one. */
export function longer<T extends Int32Array | Float64Array | Uint32Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
