/*
 * Counts of an HDR histogram with three significant digits: 2048 buckets of one nanosecond, then for every further power
 * of two 1024 buckets, each twice as wide as those before.
 */
const SUB_BITS = 11;
const SUB_COUNT = 2048;
const HALF_COUNT = 1024;
/** Up to 2^53 − 1. */
const BUCKETS: number = SUB_COUNT + (53 - SUB_BITS) * HALF_COUNT;
const TWO_31 = 2147483648;

/** Signed times, for quantiles with three significant digits, as HDR histograms of their magnitudes tell them. */
export class SkewHistogram {
  samples = 0;
  /** The largest by magnitude, with its sign; 0 before the first. */
  maxNs = 0;
  #negative = 0;
  /** Below zero, and from zero on; made with the first sample. */
  #below: Float64Array | null = null;
  #above: Float64Array | null = null;

  record(ns: number): void {
    const magnitude = ns < 0 ? -ns : ns;
    if (magnitude > Math.abs(this.maxNs)) this.maxNs = ns;
    this.samples += 1;
    if (this.#above === null || this.#below === null) {
      this.#above = new Float64Array(BUCKETS);
      this.#below = new Float64Array(BUCKETS);
    }
    if (ns < 0) {
      this.#negative += 1;
      this.#below[bucketOf(magnitude)] += 1;
    } else this.#above[bucketOf(magnitude)] += 1;
  }

  /** How many samples lie between the edges, ascending, as their buckets tell: below the first one, …, from the last one on. */
  counts(edges: readonly number[]): number[] {
    const counts = new Array<number>(edges.length + 1).fill(0);
    const add = (value: number, samples: number): void => {
      let at = 0;
      while (at < edges.length && value >= edges[at]!) at += 1;
      counts[at]! += samples;
    };
    for (let bucket = 0; this.#above !== null && this.#below !== null && bucket < BUCKETS; bucket += 1) {
      if (this.#below[bucket]! > 0) add(-topOf(bucket), this.#below[bucket]!);
      if (this.#above[bucket]! > 0) add(topOf(bucket), this.#above[bucket]!);
    }
    return counts;
  }

  /** The time that `percent` of the samples do not pass; null without samples. */
  quantile(percent: number): number | null {
    if (this.#above === null || this.#below === null) return null;
    // Rounded up, as HDR histograms do, without one more for an error in the last bit.
    const exact = (percent / 100) * this.samples;
    const rank = Math.max(1, Math.ceil(exact - exact * Number.EPSILON));
    let seen = 0;
    if (rank <= this.#negative) {
      for (let bucket = BUCKETS - 1; bucket >= 0; bucket -= 1) {
        seen += this.#below[bucket]!;
        if (seen >= rank) return -topOf(bucket);
      }
    }
    seen = this.#negative;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.#above[bucket]!;
      if (seen >= rank) return topOf(bucket);
    }
    return this.maxNs;
  }
}

function bucketOf(magnitude: number): number {
  if (magnitude < SUB_COUNT) return magnitude | 0;
  // Up to 2^31 the bits can be counted at once; above, halve until they can.
  let value = magnitude;
  let shift = 0;
  while (value >= TWO_31) {
    value = Math.floor(value / 1024);
    shift += 10;
  }
  const more = 32 - Math.clz32(value) - SUB_BITS;
  const sub = value >>> more;
  return HALF_COUNT + (shift + more) * HALF_COUNT + (sub - HALF_COUNT);
}

/** The largest value of a bucket. */
function topOf(bucket: number): number {
  if (bucket < SUB_COUNT) return bucket;
  const shift = Math.floor(bucket / HALF_COUNT) - 1;
  const sub = (bucket % HALF_COUNT) + HALF_COUNT;
  return (sub + 1) * 2 ** shift - 1;
}
