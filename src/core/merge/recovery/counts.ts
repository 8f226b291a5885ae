/** Upper bounds of the histogram of range times, in seconds. */
export const RANGE_SECONDS_BOUNDS: readonly number[] = [
  0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5,
];

/** What recovery did; docs/recovery.md describes each, and the metric that it becomes. */
export class RecoveryCounts {
  /** Ranges taken up. */
  requests = 0;
  /** Attempts behind the first one of their range. */
  retries = 0;
  /** Ranges given up at once because too many were waiting; each was told as unrecoverable. */
  droppedRequests = 0;
  /** Attempts that did not bring every number. */
  failures = 0;
  /** Ranges told as unrecoverable, and the numbers in them. */
  unrecoverableGaps = 0;
  unrecoverableNumbers = 0;
  /** Ranges of which every number came. */
  fetchedRanges = 0;
  /** Packets handed on. */
  injectedPackets = 0;
  /** Packets with none of the numbers of the range in hand: dropped. */
  stalePackets = 0;
  /** Packets with numbers of the range that had come already: dropped. */
  duplicatePackets = 0;
  /** Packets of another session: dropped. */
  otherSessionPackets = 0;
  /** Packets that cannot be read, or whose numbers are not those of their frame: dropped. */
  damagedPackets = 0;
  sloViolations = 0;
  /** Questions sent to the server. */
  questions = 0;
  /** Questions that ended in time and in order, and not with every number. */
  shortAnswers = 0;
  /** Requests for numbers that are not in 1 … 2^53 − 1. */
  refusedRequests = 0;
  /** Lines that could not be written to the backlog. */
  backlogFailures = 0;
  /** What was wrong with the last attempt that failed. */
  lastFailure: string | null = null;
  /** Longest range, ns. */
  rangeNsMax = 0;
  /** Ranges by time: up to each of RANGE_SECONDS_BOUNDS, not cumulative, and longer ones. */
  readonly rangeSeconds: number[] = new Array<number>(RANGE_SECONDS_BOUNDS.length + 1).fill(0);
  /** Sum of the times of all ranges, ns. */
  rangeNsSum = 0;

  /** Notes how long a range took. */
  noteRange(ns: number): void {
    const seconds = ns / 1e9;
    let bucket = 0;
    while (bucket < RANGE_SECONDS_BOUNDS.length && seconds > RANGE_SECONDS_BOUNDS[bucket]!) bucket += 1;
    this.rangeSeconds[bucket]! += 1;
    this.rangeNsSum += ns;
    if (ns > this.rangeNsMax) this.rangeNsMax = ns;
  }
}
