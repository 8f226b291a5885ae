import type { QueueMemory } from '../net/packet-queue.ts';

/** What the thread that writes packets is given. */
export interface HandOffPlan {
  readonly queue: QueueMemory;
  /** Shared: HAND_OFF_*. */
  readonly control: Int32Array;
}

/** Counts the runs: the next one begins when it moves. */
export const HAND_OFF_GO = 0;
/** Packets of a run. */
export const HAND_OFF_PACKETS = 1;
/** Runs whose packets are all handed over, and the CPU time that the last one took the writing thread, µs. */
export const HAND_OFF_DONE = 2;
export const HAND_OFF_CPU_US = 3;

export const PAYLOAD_WORDS = 16;
/** Packets that are handed over at once. */
export const HAND_OFF_BURST = 32;
