import type { SenderOptions } from '../net/sender.ts';

/**
 * Whose time a probe's packets carry: the one that the receive times are of. `system`: CLOCK_REALTIME, which the kernel
 * stamps with; `process`: that of this process, where the kernel does not stamp.
 */
export type ProbeClock = 'system' | 'process';

/** What the sending thread of a probe is given. */
export interface ProbePlan {
  readonly sender: SenderOptions;
  readonly packets: number;
  readonly payloadBytes: number;
  /** Packets a second, 0 = as fast as possible. */
  readonly rate: number;
  readonly clock: ProbeClock;
  /** Shared: PROBE_*. */
  readonly control: Int32Array;
}

/** Set by the parent: send no more. */
export const PROBE_STOP = 0;
/** Set by the thread: all is sent that will be. */
export const PROBE_DONE = 1;
export const PROBE_SENT = 2;
export const PROBE_SEND_ERRORS = 3;
export const PROBE_WORDS = 16;

/** Payload: number from 1, u64 LE @0 · time of sending, ns since 1970, u64 LE @8 · the rest is 0. */
export const PROBE_TIME = 8;
