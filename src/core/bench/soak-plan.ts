/** Words that all threads of a soak share. */
export const SOAK_GO = 0;
export const SOAK_STOP = 1;
/** Fillers that have ended. */
export const SOAK_ENDED = 2;
/** Packets given back so far, per line from here. */
export const SOAK_RETURNED = 3;

export interface SoakPlan {
  readonly control: Int32Array;
  readonly owners: Int32Array;
  readonly pool: SharedArrayBuffer;
  readonly buffers: number;
  readonly size: number;
  readonly burst: number;
  readonly lines: readonly SoakLinePlan[];
  /** The line to fill; null = check them all. */
  readonly fills: number | null;
}

export interface SoakLinePlan {
  readonly iterations: number;
  /** Slots of this line. */
  readonly slots: number;
  readonly capacity: number;
  readonly free: SharedArrayBuffer;
  readonly filled: SharedArrayBuffer;
}

/** What a thread tells in the end; a filler knows nothing of some, the checker nothing of others. */
export interface SoakCounts {
  readonly packets: number;
  readonly misses: number;
  readonly duplicated: number;
  readonly returnDrops: number;
  readonly outOfOrder: number;
  readonly torn: number;
  /** At start, middle and end. */
  readonly heapBytes: readonly number[];
  /** Of the whole process; only the checker looks. */
  readonly residentBytes: readonly number[];
}
