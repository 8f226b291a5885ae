import type { ErrorCode } from '../errors.ts';
import type { BackendName, BackendStatus, ReceiveClock, Subscription } from './backend.ts';
import type { QueueMemory } from './packet-queue.ts';
import type { LineOptions } from './subscription.ts';

/** What a receiver's thread is given. */
export interface ReceiverPlan {
  readonly line: string;
  readonly subscriptions: readonly Subscription[];
  readonly options: LineOptions;
  /** The one processor of this thread. */
  readonly cpu: number | null;
  readonly queue: QueueMemory;
  /** Shared Int32Array: STOP. */
  readonly control: SharedArrayBuffer;
  /** Shared Float64Array: COUNT_*. */
  readonly counts: SharedArrayBuffer;
  readonly doorbell: SharedArrayBuffer;
  /** Memory of its `ThreadCpu`. */
  readonly cpuTime: SharedArrayBuffer;
}

export const CONTROL_STOP = 0;
export const CONTROL_WORDS = 16;

/** Packets taken off the kernel: published, or dropped because no slot was free. */
export const COUNT_RECEIVED = 0;
export const COUNT_POOL_FULL = 1;
/** Published, but longer than a slot. */
export const COUNT_TRUNCATED = 2;
/** Bytes on the wire of what was received; of packets dropped unread where they are known. */
export const COUNT_BYTES = 3;
export const COUNTS = 8;

/** What it says. */
export type ReceiverMessage =
  | {
      readonly kind: 'listening';
      readonly backend: BackendName;
      readonly clock: ReceiveClock;
      /** Why `auto` did not take a better one. */
      readonly why: string | null;
      readonly status: BackendStatus;
    }
  | { readonly kind: 'status'; readonly status: BackendStatus }
  | { readonly kind: 'ended'; readonly status: BackendStatus }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    };

/** Between two looks at the kernel's counters. */
export const STATUS_MS = 1000;
/** A blocked call comes back this often to look at the stop flag. */
export const RECEIVE_TIMEOUT_MS = 50;
