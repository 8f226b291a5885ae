import type { Subscription } from './subscription.ts';

/** Events that say what the books are, as they stand in the log: event `i` ends at `ends[i]`. */
export interface BookEvents {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
  readonly books: number;
}

/** Who knows the books. */
export interface BookSource {
  /**
   * The books that a subscription takes, as they are behind the last event. Null where they need more than so many bytes.
   */
  take(subscription: Subscription, bytesMax: number): BookEvents | null;
  /** What the books that a subscription takes are called. Absent: each event says it. */
  names?(subscription: Subscription): BookEvents;
}
