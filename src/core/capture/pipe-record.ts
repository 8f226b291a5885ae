/**
 * What a packet pipe says besides packets: a pcapng block of local use, which tcpdump and tshark skip. It stands
 * where the stream was when it happened.
 *
 *     block    0 u32 80006d78 · 4 u32 68 · 8 the record · 64 u32 68
 *     record   0 u8 version 1 · 1 u8 kind · 2 u8 state · 3 u8 by · 4 u32 channel · 8 session, 16 bytes ·
 *              24 u64 first · 32 u64 count (0 = not known) · 40 u64 time, ns since 1970 · 48 u32 interface or all
 *              ones · 52 u32 0
 */

/** Kinds of records. */
export const RECORD_GAP = 1;
export const RECORD_SESSION = 2;
export const RECORD_RESET = 3;
export const RECORD_LINE = 4;
export const RECORD_END = 5;

/** States of a gap. */
export const GAP_STATE_OPEN = 1;
export const GAP_STATE_FILLED = 2;
export const GAP_STATE_LOST = 3;

/** States of a line. */
export const LINE_STATE_UP = 1;
export const LINE_STATE_SILENT = 2;
export const LINE_STATE_CLOSED = 3;

/** `interfaceId` of a record that is about none. */
export const NO_INTERFACE = -1;

export const BLOCK_RECORD: number = 0x80006d78 | 0;
/** The whole block; other writers may add options. */
export const RECORD_BLOCK_BYTES = 68;
/** Where the record begins in its block. */
const RECORD_AT = 8;
const VERSION = 1;
const SESSION_BYTES = 16;
const TWO_32 = 4294967296;

/** One record; reused by who reads and by who writes. */
export class PipeRecord {
  /** One of RECORD_*. */
  kind = 0;
  /** One of GAP_STATE_* or LINE_STATE_*, by kind; 0 for the others. */
  state = 0;
  /** Letter code of the line that filled a gap, or that the state is of; 0 = none. */
  by = 0;
  /** Group pair × 256 + the part of it that the packets name (T7: the partition): see `channelOfRecord`. */
  channel = 0;
  /** Raw session id, zeros behind it. */
  readonly session: Uint8Array = new Uint8Array(SESSION_BYTES);
  /** Sequence numbers, ≤ 2^53; a count of 0 is not known. */
  first = 0;
  count = 0;
  /** ns since 1970 as signed halves. */
  timeHigh = 0;
  timeLow = 0;
  /** Number of the interface, or NO_INTERFACE. */
  interfaceId: number = NO_INTERFACE;

  /** Everything as in a new record, but the kind. */
  reset(kind: number): this {
    this.kind = kind;
    this.state = 0;
    this.by = 0;
    this.channel = 0;
    this.session.fill(0);
    this.first = 0;
    this.count = 0;
    this.timeHigh = 0;
    this.timeLow = 0;
    this.interfaceId = NO_INTERFACE;
    return this;
  }
}

/** How a record names a channel: one and the same for every reader, whatever it saw first. */
export function channelOfRecord(pair: number, subchannel: number): number {
  return pair * 256 + subchannel;
}

export function subchannelOfRecord(channel: number): number {
  return channel & 255;
}

/** Writes the body of a record's block, which begins at `at`. */
export function encodeRecord(record: PipeRecord, bytes: Uint8Array, view: DataView, at: number): void {
  const from = at + RECORD_AT;
  bytes[from] = VERSION;
  bytes[from + 1] = record.kind;
  bytes[from + 2] = record.state;
  bytes[from + 3] = record.by;
  view.setInt32(from + 4, record.channel, true);
  bytes.set(record.session, from + 8);
  putNumber(view, from + 24, record.first);
  putNumber(view, from + 32, record.count);
  view.setInt32(from + 40, record.timeLow, true);
  view.setInt32(from + 44, record.timeHigh, true);
  view.setInt32(from + 48, record.interfaceId, true);
  view.setInt32(from + 52, 0, true);
}

/**
 * Reads a block of BLOCK_RECORD that lies whole at `at`.
 * @returns false when it is none of ours (anybody may use blocks of local use), of another version, or has numbers
 * that nobody could work with; the record is then half read.
 */
export function decodeRecord(
  record: PipeRecord,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  total: number,
  littleEndian: boolean,
): boolean {
  const from = at + RECORD_AT;
  if (total < RECORD_BLOCK_BYTES || bytes[from] !== VERSION) return false;
  const kind = bytes[from + 1]!;
  record.kind = kind;
  record.state = bytes[from + 2]!;
  record.by = bytes[from + 3]!;
  record.channel = view.getUint32(from + 4, littleEndian);
  for (let index = 0; index < SESSION_BYTES; index += 1) record.session[index] = bytes[from + 8 + index]!;
  record.first = getNumber(view, from + 24, littleEndian);
  record.count = getNumber(view, from + 32, littleEndian);
  record.timeLow = view.getInt32(from + (littleEndian ? 40 : 44), littleEndian);
  record.timeHigh = view.getInt32(from + (littleEndian ? 44 : 40), littleEndian);
  record.interfaceId = view.getInt32(from + 48, littleEndian);
  return (
    kind >= RECORD_GAP && kind <= RECORD_END && record.first + record.count <= Number.MAX_SAFE_INTEGER + 1
  );
}

function putNumber(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % TWO_32, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function getNumber(view: DataView, at: number, littleEndian: boolean): number {
  const low = view.getUint32(littleEndian ? at : at + 4, littleEndian);
  return view.getUint32(littleEndian ? at + 4 : at, littleEndian) * TWO_32 + low;
}
