/*
 * What a fetcher is given, and whom it tells.
 */

/** Clock and timers; tests bring virtual ones. */
export interface RecoveryTimers {
  /** Monotonic, ns. */
  now(): number;
  /** UTC, ns since 1970, as decimal text: for the backlog. */
  utc(): string;
  /** Calls back once, after `ns`, never before this call has returned. @returns what takes it back. */
  after(ns: number, run: () => void): () => void;
}

/** Numbers that the server is asked for, both ends in. */
export interface Question {
  readonly channel: number;
  /** Raw id, null where the feed's sessions have none. */
  readonly session: Uint8Array | null;
  readonly first: number;
  readonly last: number;
}

/** The way to a server, one question at a time. It tells what comes from later turns only, never from within `ask`. */
export interface RecoveryRoute {
  /** A question is answered with one packet, behind which one asks on; else with all there is, and an end. */
  readonly answersOnePacket: boolean;
  ask(question: Question): void;
  /** The question is of no interest any more. Nothing but packets may come of it. */
  cancel(): void;
}

/** Answers of `PacketNumbers.read`. */
export const PACKET_READ = 0;
export const PACKET_DAMAGED = 1;
export const PACKET_OTHER_SESSION = 2;

/** Tells which numbers a packet carries. */
export interface PacketNumbers {
  readonly first: number;
  readonly count: number;
  /** @returns one of PACKET_*. */
  read(
    channel: number,
    session: Uint8Array | null,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): number;
}

/** Whoever is told. Never from within `request` or `satisfied`. */
export interface FetcherSink {
  /** A packet with numbers that were missing; its bytes are valid during the call. It may carry others besides. */
  packet(channel: number, bytes: Uint8Array, offset: number, length: number): void;
  /** These numbers will not come. */
  unrecoverable(channel: number, first: number, count: number, session: Uint8Array | null): void;
  /** A line for the backlog. */
  backlog(line: string): void;
  /** Nothing is asked for, nothing waits. */
  idle(): void;
}
