/** Stages on the way of an event, in their order: its packet was merged, it was decoded, it is in the book, … */
export const STAGES = ['merge', 'decode', 'book', 'publish', 'sent'] as const;
export type Stage = (typeof STAGES)[number];

/**
 * What a time counts from. `receive`: the packet's receive time, which is on the same clock as ours, the system's.
 * `thread`: the moment the thread at hand took the event up, because its packet has a time of another clock: a file's,
 * or a network card's. The two are never in one histogram.
 */
export const STARTS = ['receive', 'thread'] as const;
export type Start = (typeof STARTS)[number];

/** Upper edges of the histograms, ns: three in each decade, and where promises about latency end. */
export const EDGES_NS: readonly number[] = [
  1e3, 2e3, 5e3, 9e3, 2e4, 4e4, 6e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8, 1e9, 2e9,
  5e9, 1e10,
];

/** Index of the bucket of a time: of the first edge that it does not pass; behind the last one, the number of edges. */
export function bucketOf(ns: number): number {
  let low = 0;
  let high = EDGES_NS.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ns > EDGES_NS[middle]!) low = middle + 1;
    else high = middle;
  }
  return low;
}
