import type { BackendName } from '../net/backend.ts';

/** One thing that has to be right. */
export interface ProbeCheck {
  readonly name: string;
  readonly pass: boolean;
  readonly detail: string;
}

/** Receive time minus send time, of one clock; null where nothing came. */
export interface ProbeLatency {
  readonly p50Ns: number | null;
  readonly p90Ns: number | null;
  readonly p99Ns: number | null;
  readonly p999Ns: number | null;
  readonly maxNs: number | null;
  readonly samples: number;
}

export interface ProbeOptions {
  readonly backend: BackendName | 'auto';
  /** Send to a group, else to 127.0.0.1. */
  readonly multicast: boolean;
  readonly packets: number;
  readonly payloadBytes: number;
  readonly batch: number;
  /** Packets a second, 0 = as fast as possible. */
  readonly rate: number;
  readonly timeoutMs: number;
  readonly receiveBufferBytes: number;
  readonly signal: AbortSignal | null;
  /** Told now and then how many packets came. */
  readonly progress: (packets: number) => void;
}

/** What `mdx rx-probe --json` prints, but for what all reports have. */
export interface ProbeResult {
  readonly backend: BackendName;
  readonly destination: string;
  readonly sent: number;
  readonly received: number;
  readonly missing: number;
  readonly sendErrors: number;
  /** Numbers in front of which others had not come yet, how often one came behind a higher one, and twice. */
  readonly gaps: number;
  readonly outOfOrder: number;
  readonly duplicates: number;
  /** Packets that came to the port and are none of ours. */
  readonly foreign: number;
  readonly kernelDrops: number;
  /** Dropped by the receiver for want of a buffer. */
  readonly poolFull: number;
  readonly receiveBuffer: { readonly asked: number | null; readonly granted: number | null };
  /** Of the send and the receive times alike. */
  readonly clock: 'CLOCK_REALTIME' | 'process';
  readonly latency: ProbeLatency;
  readonly pps: number;
  readonly pool: number;
  /** Buffers that are free at the end; the receiver holds a batch of them for its next call. */
  readonly poolAvailable: number;
  readonly verdict: 'pass' | 'fail';
  readonly checks: readonly ProbeCheck[];
  /** From the first packet sent to the last one received. */
  readonly elapsedNs: number;
}
