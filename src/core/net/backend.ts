import type { Address } from '../capture/address.ts';
import type { PacketPool } from '../packet/packet-pool.ts';

export type BackendName = 'dgram' | 'mmsg' | 'ring' | 'xdp';

/** Whose clock the receive times of a backend are. */
export type ReceiveClock = 'none' | 'software' | 'hardware';

/** One group and port to listen to. A unicast address is bound, not joined. */
export interface Subscription {
  readonly group: Address;
  readonly port: number;
  /** Interface name (`eth0`) or a local address on it; null = the routing table chooses. */
  readonly iface: string | null;
  /** Source-specific: only packets from here. */
  readonly source: Address | null;
}

export interface ReceiveOptions {
  readonly subscriptions: readonly Subscription[];
  /** Kernel receive buffer to ask for, bytes; null = leave it. */
  readonly receiveBufferBytes: number | null;
  readonly busyPollUs: number | null;
  readonly timestamping: 'off' | 'software' | 'hardware';
  /** Most packets taken by one call, 1 … 1024. */
  readonly batch: number;
  /** How long `receive` blocks when nothing comes, ms. */
  readonly timeoutMs: number;
  /** Backend-specific: version of the packet ring, queue and mode of XDP, fanout, ring sizes. */
  readonly ring: RingOptions | null;
  readonly xdp: XdpOptions | null;
}

export interface RingOptions {
  /** 2 = a frame at a time, for latency; 3 = blocks, for recording. */
  readonly version: 2 | 3;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly blockTimeoutMs: number;
  /** Number of a fanout group that several sockets share the traffic in; null = alone. */
  readonly fanout: number | null;
}

export interface XdpOptions {
  /** The only queue of the interface that is read; null = all of them. */
  readonly queue: number | null;
  readonly mode: 'generic' | 'native';
  readonly zeroCopy: boolean;
  /** Packets that the memory of one queue holds, rounded up to a power of two. */
  readonly chunks: number;
}

/** What the kernel granted, and what it lost; drops are since the backend was opened. */
export interface BackendStatus {
  readonly receiveBufferAsked: number | null;
  readonly receiveBufferGranted: number | null;
  /** Packets the kernel received for us and dropped, by where: `socket`, `ring`, `xskRingFull`, … */
  readonly kernelDrops: Readonly<Record<string, number>>;
  /** Frames seen that are none of ours, by reason: `fragment`, `badIp`, `otherPort`, … */
  readonly skipped: Readonly<Record<string, number>>;
}

/**
 * A blocking way to receive packets in batches; runs on a thread of its own. (`dgram`, which calls back, is driven by
 * its own loop in the receiver's thread.)
 */
export interface BlockingBackend {
  readonly name: BackendName;
  readonly clock: ReceiveClock;
  /**
   * Waits up to the timeout for packets and writes them into the slots `free[0 … count − 1]` of the pool, headers and
   * data. Packets longer than a slot are cut and flagged.
   * @returns how many slots were filled, in order; 0 after the timeout. Throws MdxError where receiving fails for good.
   */
  receive(pool: PacketPool, free: Int32Array, count: number): number;
  /**
   * Packets taken off the kernel and dropped because there was no free slot: the receiver calls it instead of `receive`
   * when the pool is empty, so that they are counted here and not as kernel drops. @returns how many were dropped.
   */
  discard?(): number;
  /** Reads the kernel's counters; cheap enough for once a second. */
  status(): BackendStatus;
  close(): void;
}
