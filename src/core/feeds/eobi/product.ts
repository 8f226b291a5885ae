import type { Datagram } from '../../packet/datagram.ts';
import type { ProductNumbers } from '../feed.ts';

/** No message of the product has been seen: its next number is not known. The null value, so never a number. */
export const NEXT_UNKNOWN = -1;

/** Messages of a packet that wait, in a copy of it. */
export interface HeldPart {
  readonly datagram: Datagram;
  readonly channel: number;
  /** Offsets in the payload. */
  readonly from: number;
  readonly to: number;
}

/** One round of the snapshot channel about one product, as far as it has come. */
export interface SnapshotCycle {
  /** Last message number that it contains. */
  readonly last: number;
  readonly channel: number;
  readonly parts: HeldPart[];
  /** Its next MsgSeqNum. */
  next: number;
  /** Orders of the current instrument that have not come yet. */
  ordersLeft: number;
  /** The last packet says that the unit is complete. */
  complete: boolean;
}

/** What is known of one product, a market segment: its numbers, its books, and what waits for a snapshot. */
export class Product implements ProductNumbers {
  readonly segment: number;
  /** Channel of its changes; of its snapshots as long as none have come. */
  channel: number;
  hasChanges = false;
  /** MsgSeqNum expected next; NEXT_UNKNOWN before the first. */
  next: number = NEXT_UNKNOWN;
  /** First MsgSeqNum seen, and how many are lost since. */
  first: number | null = null;
  lost = 0;
  /** Nothing is missing since the beginning of the numbers or since a snapshot. */
  synced = false;
  /** Its changes wait for a snapshot. */
  holds = false;
  /** LastMsgSeqNumProcessed that a snapshot must have at least to be continued by what comes. */
  need = 0;
  /** Messages up to this number are in the snapshot that was loaded. */
  through = 0;
  /** Something of its channel was lost once. */
  hadLoss = false;
  /** A loss of packets explains the next jump of its numbers. */
  lossTold = false;
  snapshotsSeen = false;
  /** Snapshots its books were made from. */
  snapshots = 0;
  cycle: SnapshotCycle | null = null;
  readonly held: HeldPart[] = [];
  readonly books: number[] = [];

  constructor(segment: number, channel: number) {
    this.segment = segment;
    this.channel = channel;
  }

  get last(): number | null {
    const next = this.next >>> 0;
    return this.next === NEXT_UNKNOWN || next === 0 ? null : next - 1;
  }

  get complete(): boolean {
    return this.synced;
  }
}
