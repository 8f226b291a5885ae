import type { SenderOptions } from '../net/sender.ts';

/** What the thread that sends bursts is given. */
export interface BurstPlan {
  readonly sender: SenderOptions;
  readonly payloadBytes: number;
  /** Shared: BURST_*. */
  readonly control: Int32Array;
}

/** Counts the bursts that were asked for, and those that were sent. */
export const BURST_ASKED = 0;
export const BURST_SENT = 1;
/** Datagrams of the burst. */
export const BURST_COUNT = 2;
export const BURST_WORDS = 16;
