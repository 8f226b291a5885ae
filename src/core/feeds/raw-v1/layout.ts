/**
 * raw-v1 as it is read (README.md): recordings of frames, little-endian, without padding.
 *
 *     recording   { length u32 · frame } …
 *     frame       header · payload
 *     header      0 u32 "OBv1" · 4 u8 version 1 · 5 u8 codec 0 · 6 u16 type · 8 u32 channel 0 · 12 u64 instrument · 20 u64 sequence
 *       48 bytes  28 u64 cursor · 36 u64 send time · 44 u32 bytes of the payload
 *       40 bytes  28 u64 send time · 36 u32 bytes of the payload: the older form, which has no cursor
 */

export const PREFIX_BYTES = 4;
export const HEADER_BYTES = 48;
export const OLD_HEADER_BYTES = 40;
/** Longest frame that a recording may name; what is longer is no length. */
export const LENGTH_MAX: number = 16 * 1024 * 1024;
/** Longest frame that is read; no type has more. */
export const FRAME_BYTES_MAX = 65_536;

export const MAGIC = 0x3176424f;
/** Version 1, codec 0, in one word. */
export const VERSION_AND_CODEC = 1;
export const AT_VERSION = 4;
export const AT_TYPE = 6;
export const AT_CHANNEL = 8;
export const AT_INSTRUMENT = 12;
export const AT_SEQUENCE = 20;
export const AT_CURSOR = 28;
/** Of both forms: the send time, and the bytes of the payload, counted back from the payload. */
export const BACK_TO_TIME = 12;
export const BACK_TO_LENGTH = 4;

export const TYPE_HEARTBEAT = 1;
export const TYPE_GAP = 2;
export const TYPE_SNAPSHOT_START = 3;
export const TYPE_SNAPSHOT_END = 4;
export const TYPE_ADD = 100;
export const TYPE_MODIFY = 101;
export const TYPE_CANCEL = 102;
export const TYPE_EXECUTE = 103;
export const TYPE_SNAPSHOT_HEADER = 104;

/** 0 u64 order · 8 i64 price · 16 u64 quantity · 24 u8 side (0 bid, 1 ask) · 25 u8 flags */
export const ADD_BYTES = 26;
/** 0 u64 order · 8 i64 price · 16 u64 quantity, absolute · 24 u8 flags (1: price and place stay) */
export const MODIFY_BYTES = 25;
/** 0 u64 order · 8 u64 quantity that goes (0: all) · 16 u8 reason */
export const CANCEL_BYTES = 17;
/** 0 u64 resting order (0: a print) · 8 u64 quantity · 16 i64 price · 24 u8 aggressor (0 bid or not known, 1 ask) · 25 u64 match */
export const EXECUTE_BYTES = 33;
/** 0 u64 first · 8 u64 last: cursors that are lost */
export const GAP_BYTES = 16;
/** 0 u32 levels · 4 u32 orders that follow */
export const SNAPSHOT_HEADER_BYTES = 8;
/**
 * What may stand behind it: 8 u64 sequence of its last live frame · 16 u64 the venue's number · 24 u16 publisher ·
 * 26 u8 price scale · 27 u8 quantity scale · 28 u8 flags · 29 u8 bytes of the symbol · 30 symbol
 */
export const EXTENDED_SNAPSHOT_HEADER_BYTES = 30;
/**
 * What heartbeats and the ends of snapshots may bear: 0 u64 epoch · 8 u64 cursor of the next live frame · 16 u32
 * instruments · 20 u8 form of prices · 21 u8 price scale · 22 u8 quantity scale · 23 u8 0
 */
export const CONTROL_BYTES = 24;
/** With what newer servers say behind that: 24 u16 publisher */
export const CONTROL_BYTES_WITH_PUBLISHER = 26;

export const MODIFY_QUANTITY_ONLY = 1;
/** Reason of a cancel that stands for a change which has no form in frames: the book is not shown any longer. */
export const REASON_REFUSED = 255;
/** Flags of an extended snapshot header: the book is stale, or not shown. */
export const FLAG_STALE = 1;
export const FLAG_REFUSED = 2;

/** Scales of books that nobody tells the scales of: prices are named as value × 10^8, quantities are whole. */
export const PRICE_SCALE = 8;
export const QUANTITY_SCALE = 0;
export const SCALE_MAX = 18;

const NAMES: readonly (readonly [type: number, name: string])[] = [
  [TYPE_HEARTBEAT, 'HEARTBEAT'],
  [TYPE_GAP, 'GAP'],
  [TYPE_SNAPSHOT_START, 'SNAPSHOT_START'],
  [TYPE_SNAPSHOT_END, 'SNAPSHOT_END'],
  [TYPE_ADD, 'OBO_ADD'],
  [TYPE_MODIFY, 'OBO_MODIFY'],
  [TYPE_CANCEL, 'OBO_CANCEL'],
  [TYPE_EXECUTE, 'OBO_EXECUTE'],
  [TYPE_SNAPSHOT_HEADER, 'SNAPSHOT_HDR'],
];
/** Types are counted by their number. */
export const TYPE_COUNT: number = TYPE_SNAPSHOT_HEADER + 1;

export function typeName(type: number): string {
  for (const [known, name] of NAMES) if (known === type) return name;
  return `type ${type}`;
}

/** By type: least bytes of its payload, and whether it has exactly so many; types that do not exist have −1. */
const LEAST_BYTES: Int32Array = new Int32Array(TYPE_COUNT).fill(-1);
const IS_EXACT: Uint8Array = new Uint8Array(TYPE_COUNT);
LEAST_BYTES[TYPE_HEARTBEAT] = 0;
LEAST_BYTES[TYPE_GAP] = GAP_BYTES;
LEAST_BYTES[TYPE_SNAPSHOT_START] = 0;
LEAST_BYTES[TYPE_SNAPSHOT_END] = 0;
LEAST_BYTES[TYPE_ADD] = ADD_BYTES;
LEAST_BYTES[TYPE_MODIFY] = MODIFY_BYTES;
LEAST_BYTES[TYPE_CANCEL] = CANCEL_BYTES;
LEAST_BYTES[TYPE_EXECUTE] = EXECUTE_BYTES;
LEAST_BYTES[TYPE_SNAPSHOT_HEADER] = SNAPSHOT_HEADER_BYTES;
for (let type = TYPE_ADD; type <= TYPE_EXECUTE; type += 1) IS_EXACT[type] = 1;

/** Answers of `headerBytes` for what is no frame. */
export const NOT_A_FRAME = 0;
export const UNKNOWN_TYPE = -1;
export const OTHER_CHANNEL = -2;
export const WRONG_LENGTH = -3;

/**
 * Length of the header of the frame at `at`, 48 or 40: the form whose length field agrees with the length of the frame,
 * and whose payload is one that its type has. Else one of the answers above.
 */
export function headerBytes(view: DataView, at: number, length: number): number {
  if (length < OLD_HEADER_BYTES || view.getUint32(at, true) !== MAGIC) return NOT_A_FRAME;
  if (view.getUint16(at + AT_VERSION, true) !== VERSION_AND_CODEC) return NOT_A_FRAME;
  if (view.getUint32(at + AT_CHANNEL, true) !== 0) return OTHER_CHANNEL;
  const type = view.getUint16(at + AT_TYPE, true);
  if (type >= TYPE_COUNT || LEAST_BYTES[type]! < 0) return UNKNOWN_TYPE;
  if (isForm(view, at, length, type, HEADER_BYTES)) return HEADER_BYTES;
  return isForm(view, at, length, type, OLD_HEADER_BYTES) ? OLD_HEADER_BYTES : WRONG_LENGTH;
}

function isForm(view: DataView, at: number, length: number, type: number, header: number): boolean {
  const payload = length - header;
  if (payload < 0 || view.getUint32(at + header - BACK_TO_LENGTH, true) !== payload) return false;
  const least = LEAST_BYTES[type]!;
  return payload === least || (payload > least && IS_EXACT[type] === 0);
}
