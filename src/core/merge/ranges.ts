/** Most ranges of a list that forgets. */
export const RANGES_MAX = 65536;
const FIRST_CAPACITY = 16;

/**
 * A sorted list of disjoint ranges of sequence numbers, each with a value of its owner's. `from` is in, `to` is out.
 *
 * In typed arrays with room at both ends: ranges come at the top and go at the bottom, and what happens between moves
 * the shorter side. A list that forgets drops its lowest range when it has `max`.
 */
export class RangeList {
  count = 0;
  /** Numbers, from `floor` on, that were forgotten because the list was full. */
  forgotten = 0;
  /** Numbers below are not worth counting when they are forgotten. */
  floor = 0;
  readonly #max: number;
  #head = 0;
  #from: Float64Array = new Float64Array(FIRST_CAPACITY);
  #to: Float64Array = new Float64Array(FIRST_CAPACITY);
  #value: Float64Array = new Float64Array(FIRST_CAPACITY);

  constructor(max: number = Number.POSITIVE_INFINITY) {
    this.#max = max;
  }

  from(index: number): number {
    return this.#from[this.#head + index]!;
  }

  to(index: number): number {
    return this.#to[this.#head + index]!;
  }

  value(index: number): number {
    return this.#value[this.#head + index]!;
  }

  setValue(index: number, value: number): void {
    this.#value[this.#head + index] = value;
  }

  /** Lets the highest range end higher. */
  extend(to: number): void {
    this.#to[this.#head + this.count - 1] = to;
  }

  /** Adds a range above all others. */
  push(from: number, to: number, value: number): void {
    if (this.count === this.#max) this.#forget();
    let at = this.#head + this.count;
    if (at === this.#from.length) {
      this.#makeRoom();
      at = this.#head + this.count;
    }
    this.#from[at] = from;
    this.#to[at] = to;
    this.#value[at] = value;
    this.count += 1;
  }

  /** Adds a range that overlaps none. */
  add(from: number, to: number, value: number): void {
    if (this.count === 0 || from >= this.to(this.count - 1)) {
      this.push(from, to, value);
      return;
    }
    if (this.count === this.#max) this.#forget();
    this.#insert(this.indexAbove(from), from, to, value);
  }

  /** Takes the lowest range out. */
  shift(): void {
    this.#head += 1;
    this.count -= 1;
    if (this.count === 0) this.#head = 0;
  }

  remove(index: number): void {
    if (index === 0) this.shift();
    else if (index < this.count >>> 1) {
      this.#move(this.#head, this.#head + 1, index);
      this.#head += 1;
      this.count -= 1;
    } else {
      const at = this.#head + index;
      this.#move(at + 1, at, this.count - index - 1);
      this.count -= 1;
    }
  }

  /** Index of the first range that ends above `number`. */
  indexAbove(number: number): number {
    const to = this.#to;
    const head = this.#head;
    let low = head;
    let high = head + this.count;
    // What is asked for is most often at the top.
    if (low < high && to[high - 1]! <= number) return this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (to[middle]! <= number) low = middle + 1;
      else high = middle;
    }
    return low - head;
  }

  /** How many of the numbers `from` … `to − 1` are in the list. */
  overlap(from: number, to: number): number {
    let count = 0;
    for (let index = this.indexAbove(from); index < this.count; index += 1) {
      if (this.from(index) >= to) break;
      count += Math.min(this.to(index), to) - Math.max(this.from(index), from);
    }
    return count;
  }

  /** Takes the numbers `from` … `to − 1` out. @returns how many of them were in. */
  subtract(from: number, to: number): number {
    let count = 0;
    let index = this.indexAbove(from);
    while (index < this.count && this.from(index) < to) {
      const low = Math.max(this.from(index), from);
      const high = Math.min(this.to(index), to);
      count += high - low;
      this.cut(index, low, high);
      // A piece that is left below is done with; one above ends the loop.
      if (index < this.count && this.to(index) <= low) index += 1;
    }
    return count;
  }

  /** Takes `low` … `high − 1`, which lie in the range at `index`, out of it; what is left keeps its value. */
  cut(index: number, low: number, high: number): void {
    const at = this.#head + index;
    const from = this.#from[at]!;
    const to = this.#to[at]!;
    if (from < low && high < to) {
      if (this.count < this.#max) {
        const value = this.#value[at]!;
        this.#to[at] = low;
        this.#insert(index + 1, high, to, value);
      } else if (index > 0) {
        this.#forget();
        this.cut(index - 1, low, high);
      } else {
        this.forgotten += Math.max(0, low - Math.max(from, this.floor));
        this.#from[at] = high;
      }
    } else if (from < low) this.#to[at] = low;
    else if (high < to) this.#from[at] = high;
    else this.remove(index);
  }

  /** Gives up what room is not used, for a list that will hardly change any more. */
  shrink(): void {
    const end = this.#head + this.count;
    this.#from = this.#from.slice(this.#head, end);
    this.#to = this.#to.slice(this.#head, end);
    this.#value = this.#value.slice(this.#head, end);
    this.#head = 0;
  }

  #forget(): void {
    this.forgotten += Math.max(0, this.to(0) - Math.max(this.from(0), this.floor));
    this.shift();
  }

  #insert(index: number, from: number, to: number, value: number): void {
    if (index < this.count >>> 1 && this.#head > 0) {
      this.#move(this.#head, this.#head - 1, index);
      this.#head -= 1;
    } else {
      if (this.#head + this.count === this.#from.length) this.#makeRoom();
      const at = this.#head + index;
      this.#move(at, at + 1, this.count - index);
    }
    const at = this.#head + index;
    this.#from[at] = from;
    this.#to[at] = to;
    this.#value[at] = value;
    this.count += 1;
  }

  #move(at: number, target: number, count: number): void {
    if (count === 0) return;
    this.#from.copyWithin(target, at, at + count);
    this.#to.copyWithin(target, at, at + count);
    this.#value.copyWithin(target, at, at + count);
  }

  /** Makes room at the top: from the bottom where half of the arrays is free there, else in larger ones. */
  #makeRoom(): void {
    const head = this.#head;
    if (head > 0 && head >= this.#from.length >>> 1) {
      this.#head = 0;
      this.#move(head, 0, this.count);
      return;
    }
    const capacity = Math.max(FIRST_CAPACITY, this.#from.length * 2);
    this.#from = enlarged(this.#from, head, capacity);
    this.#to = enlarged(this.#to, head, capacity);
    this.#value = enlarged(this.#value, head, capacity);
    this.#head = 0;
  }
}

function enlarged(array: Float64Array, head: number, capacity: number): Float64Array {
  const larger = new Float64Array(capacity);
  larger.set(array.subarray(head));
  return larger;
}
