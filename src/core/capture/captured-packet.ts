import type { PipeInterface } from './pipe-interface.ts';
import { PipeRecord } from './pipe-record.ts';

/** Bytes a window must be able to hold for a capture: no record is longer. */
export const WINDOW_BYTES_MIN: number = 1 << 20;

/** Answers of `CaptureReader.next`. */
/** One captured record is described by the reader's fields. */
export const CAPTURE_PACKET = 0;
/** More bytes are needed in the window, or the word that it has ended. */
export const CAPTURE_MORE = 1;
/** The capture has ended behind its last whole record. */
export const CAPTURE_END = 2;
/** The capture ends inside a record or block; `problem` says where. */
export const CAPTURE_TRUNCATED = 3;
/** The capture cannot be read any further; `problem` says why. */
export const CAPTURE_DAMAGED = 4;
/** Not a packet: a record of a packet pipe is in `record`. */
export const CAPTURE_RECORD = 5;
/** Not a packet: the counters of an interface are in `statistics`. */
export const CAPTURE_STATISTICS = 6;

/** Link type and unit of one source of packets. A classic pcap file has one. */
export interface CaptureInterface {
  readonly linkType: number;
  /** Longest packet kept, 0 = no limit. */
  readonly snapLength: number;
  /** Check sequence bytes at the end of every whole packet. */
  readonly fcsLength: number;
  /** if_name and if_description, null where the file has none. */
  readonly name: string | null;
  readonly description: string | null;
  /** What the description says, null where the interface is none of a packet pipe. */
  readonly pipe: PipeInterface | null;
}

/** Counters of an interface since its stream began, as they stood at a time; −1 = not said. */
export class SeenStatistics {
  interfaceId = 0;
  /** ns since 1970 as signed halves. */
  timeHigh = 0;
  timeLow = 0;
  received = -1;
  interfaceDropped = -1;
  systemDropped = -1;
  delivered = -1;
}

/** What a capture says about one packet; the bytes stay in the window. */
export class CapturedPacket {
  /** First byte in `window.bytes`; valid until the window is filled again. */
  dataOffset = 0;
  /** Bytes stored, and bytes there were on the wire. */
  capturedLength = 0;
  originalLength = 0;
  linkType = 0;
  /** Check sequence bytes at the end of the packet, counted in both lengths; cut off in a cut packet. */
  fcsLength = 0;
  /** ns since 1970 UTC as signed 32-bit halves. Records without a time keep that of the record before. */
  timeHigh = 0;
  timeLow = 0;
  /** Interface within the section; 0 in a classic pcap file. */
  interfaceId = 0;
  /** From 1, over all sections. */
  packetNumber = 0;
  /** Interfaces described so far in the running section; another list in another section. */
  interfaces: readonly CaptureInterface[] = [];
  /** What CAPTURE_RECORD and CAPTURE_STATISTICS are about. */
  readonly record: PipeRecord = new PipeRecord();
  readonly statistics: SeenStatistics = new SeenStatistics();
  /** Why the capture cannot be read any further, and where (offset in the uncompressed stream). */
  problem: string | null = null;
  problemOffset = 0;
  /** With CAPTURE_TRUNCATED: a live packet pipe whose writer went away; what a pipe brings then is not damaged. */
  isCut = false;
}

/** Reads one file format: bytes of a window in, packets out. */
export interface CaptureParser {
  next(): number;
}
