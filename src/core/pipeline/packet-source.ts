import type { PipeInterface } from '../capture/pipe-interface.ts';
import type { PipeRecord } from '../capture/pipe-record.ts';
import { Datagram } from '../packet/datagram.ts';

/** Lines as the merge numbers them; R is what recovery brought. */
export const LINE_A = 0;
export const LINE_B = 1;
export const LINE_R = 2;
export const LINE_NAMES: readonly string[] = ['A', 'B', 'R'];

/** Answers of `PacketSource.next`. */
export const SOURCE_PACKET = 0;
/** Not a packet: what the stream says about itself; `record` has it. */
export const SOURCE_RECORD = 1;
/** Nothing is at hand now: `wait` for more. */
export const SOURCE_NONE = 2;
export const SOURCE_END = 3;
/** Not a packet: time has come to that of `packet`. */
export const SOURCE_TIME = 4;

/** A datagram and what its source knows of its way. */
export class SourcePacket extends Datagram {
  /** LINE_A … LINE_R; −1 = the source does not say. */
  line = -1;
  /** Number of the group pair within its line: A's n-th group carries what B's n-th carries; −1 = not said. */
  pair = -1;
  /** Interface of a packet pipe that it came on, −1 = none. */
  interfaceId = -1;

  override copy(): SourcePacket {
    const copy = this.copyTo(new SourcePacket());
    copy.line = this.line;
    copy.pair = this.pair;
    copy.interfaceId = this.interfaceId;
    return copy;
  }
}

/** Where packets come from: capture files, pipes, sockets and live lines look the same to a merge. */
export interface PacketSource {
  /** Path or endpoint, as the user named it. */
  readonly name: string;
  /** Its times are those of a running clock, so that a hole also ages while nothing comes. */
  readonly isLive: boolean;
  /** What SOURCE_RECORD is about, valid until the next call. Absent: the source has no records. */
  readonly record?: PipeRecord;
  /** Points `packet` at what comes next; its bytes are valid until the next call. @returns one of SOURCE_*. */
  next(packet: SourcePacket): number;
  /** How the packet that `next` gave was received, for the description of its interface; null = by a file's word. */
  origin(): PipeInterface | null;
  /** The packet that `next` gave is none of the feed's. */
  refuse?(): void;
  /** Resolves when something may be at hand, after `ms` at the latest. Rejects with MdxError where reading fails. */
  wait(ms: number): Promise<void>;
  /** No more is wanted: what was received already is still given out, then comes SOURCE_END. */
  stop(): void;
  close(): Promise<void>;
}
