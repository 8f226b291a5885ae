import type { Datagram } from '../packet/datagram.ts';

/** Line A is 0, B is 1; R brings what recovery fetched. */
export const LINE_A = 0;
export const LINE_R = 2;

/** What a datagram's transport header says; the transport reader of a feed is one. */
export interface TransportHeader {
  /** Dense session number, from 1 in order of first sight on any line; 0 = none. */
  readonly session: number;
  /** Number of its first message, or the next expected one; 0 = unsequenced. */
  readonly first: number;
  /** Whole messages in it. */
  readonly count: number;
  /** Writes a digest of each of the first `count` numbered messages of the datagram read last. */
  digest(datagram: Datagram, count: number, into: Int32Array): void;
}
