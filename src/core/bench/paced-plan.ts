import type { QueueMemory } from '../net/packet-queue.ts';

/** A queue that packets are put into, and what rings when they are. */
export interface PacedTarget {
  readonly queue: QueueMemory;
  readonly doorbell: SharedArrayBuffer;
}

/** What the thread that hands over packets at a pace is given. */
export interface PacedPlan {
  /** By TARGET_*. */
  readonly targets: readonly PacedTarget[];
  /** Shared: PACED_*. */
  readonly control: Int32Array;
  /** Live orders of the stream. */
  readonly live: number;
  readonly messagesPerSecond: number;
  /** Where packets are sent, as a line has it. */
  readonly destination: Int32Array;
  readonly port: number;
}

/** To the engine; and to whoever only looks when they came. */
export const TARGET_ENGINE = 0;
export const TARGET_NOBODY = 1;

/** Counts the runs: the next one begins when it moves. */
export const PACED_GO = 0;
/** Of a run: what it is, and its messages. */
export const PACED_RUN = 1;
export const PACED_MESSAGES = 2;
export const PACED_WORDS = 16;

/** The live orders, as fast as they are taken; the mix at the pace; as many packets that nobody reads. */
export const RUN_FILL = 0;
export const RUN_ENGINE = 1;
export const RUN_NOBODY = 2;

/** Messages of a packet in the mean. */
export const PACKET_MESSAGES = 10.5;
