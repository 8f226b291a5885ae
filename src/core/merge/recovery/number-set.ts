import { RangeList } from '../ranges.ts';

/**
 * A set of numbers as ranges `from` … `to − 1`, sorted, disjoint, and not adjacent: what is added joins what it touches.
 */
export class NumberSet {
  readonly #ranges: RangeList = new RangeList();

  /** Ranges in it. */
  get count(): number {
    return this.#ranges.count;
  }

  get isEmpty(): boolean {
    return this.#ranges.count === 0;
  }

  /** First number of the range at `index`. */
  from(index: number): number {
    return this.#ranges.from(index);
  }

  /** The number behind the last one of the range at `index`. */
  to(index: number): number {
    return this.#ranges.to(index);
  }

  /** Adds `from` … `to − 1`. An empty range adds nothing. */
  add(from: number, to: number): void {
    if (from >= to) return;
    const ranges = this.#ranges;
    let low = from;
    let high = to;
    // What ends right in front of it touches it, too.
    const index = ranges.indexAbove(from - 1);
    while (index < ranges.count && ranges.from(index) <= to) {
      low = Math.min(low, ranges.from(index));
      high = Math.max(high, ranges.to(index));
      ranges.remove(index);
    }
    ranges.add(low, high, 0);
  }

  /** Adds those of `from` … `to − 1` that are not in `other`. */
  addWithout(from: number, to: number, other: NumberSet): void {
    let at = from;
    for (let index = other.#ranges.indexAbove(from); index < other.count; index += 1) {
      if (other.from(index) >= to) break;
      this.add(at, other.from(index));
      at = other.to(index);
    }
    this.add(at, to);
  }

  /** Takes `from` … `to − 1` out. @returns how many of them were in. */
  subtract(from: number, to: number): number {
    return from < to ? this.#ranges.subtract(from, to) : 0;
  }

  /** How many of `from` … `to − 1` are in it. */
  overlap(from: number, to: number): number {
    return this.#ranges.overlap(from, to);
  }

  /** The lowest number at or above `number`, Infinity where there is none. */
  lowestFrom(number: number): number {
    const index = this.#ranges.indexAbove(number);
    return index < this.count ? Math.max(number, this.from(index)) : Number.POSITIVE_INFINITY;
  }

  /** Takes the lowest range out. */
  shift(): void {
    this.#ranges.shift();
  }
}

/**
 * Covers a set with at most `max` ranges, by leaving the widest gaps open; the others are asked for along with it.
 * @returns pairs `from`, `to` (out), ascending.
 */
export function hullsOf(numbers: NumberSet, max: number): number[] {
  const gaps: number[] = [];
  for (let index = 1; index < numbers.count; index += 1)
    gaps.push(numbers.from(index) - numbers.to(index - 1));
  gaps.sort(descending);
  const least = gaps.length < max ? 1 : gaps[max - 1]! + 1;
  // Of gaps as wide as the last one that stays open, as many are closed as it takes.
  let spare = max - 1;
  for (const gap of gaps) if (gap >= least) spare -= 1;
  const hulls: number[] = [];
  for (let index = 0; index < numbers.count; index += 1) {
    const from = numbers.from(index);
    const gap = index === 0 ? Number.POSITIVE_INFINITY : from - hulls.at(-1)!;
    const isOpen = gap >= least || (gap === least - 1 && spare > 0);
    if (gap === least - 1 && isOpen) spare -= 1;
    if (isOpen) hulls.push(from, numbers.to(index));
    else hulls[hulls.length - 1] = numbers.to(index);
  }
  return hulls;
}

function descending(left: number, right: number): number {
  return right - left;
}
