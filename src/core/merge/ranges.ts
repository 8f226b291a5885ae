/**
 * A sorted list of disjoint ranges of sequence numbers, each with a time. `from` is in, `to` is out.
 *
 * Bounded: when more than `RANGES_MAX` would be kept, the lowest one is forgotten and counted.
 */
export interface Range {
  from: number;
  to: number;
  /** When it was first known to be missing, in the clock of its owner. */
  readonly since: number;
}

export const RANGES_MAX = 65536;

export class RangeList {
  readonly ranges: Range[] = [];
  /** Ranges forgotten because the list was full. */
  forgotten = 0;

  /** Adds a range above all others. */
  push(from: number, to: number, since: number): void {
    if (this.ranges.length === RANGES_MAX) {
      this.ranges.shift();
      this.forgotten += 1;
    }
    this.ranges.push({ from, to, since });
  }

  /** Index of the first range that ends above `number`. */
  indexAbove(number: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ranges[middle]!.to <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** How many of the numbers `from` … `to − 1` are in the list. */
  overlap(from: number, to: number): number {
    let count = 0;
    for (let index = this.indexAbove(from); index < this.ranges.length; index += 1) {
      const range = this.ranges[index]!;
      if (range.from >= to) break;
      count += Math.min(range.to, to) - Math.max(range.from, from);
    }
    return count;
  }

  /** Takes the numbers `from` … `to − 1` out. @returns how many of them were in. */
  subtract(from: number, to: number): number {
    let count = 0;
    let index = this.indexAbove(from);
    while (index < this.ranges.length) {
      const range = this.ranges[index]!;
      if (range.from >= to) break;
      const low = Math.max(range.from, from);
      const high = Math.min(range.to, to);
      count += high - low;
      const pieces: Range[] = [];
      if (range.from < low) pieces.push({ from: range.from, to: low, since: range.since });
      if (high < range.to) pieces.push({ from: high, to: range.to, since: range.since });
      this.ranges.splice(index, 1, ...pieces);
      index += pieces.length;
    }
    return count;
  }
}
