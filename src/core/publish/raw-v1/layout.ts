/**
 * raw-v1 frames: a header of 48 bytes and a payload, little-endian, without padding (docs/raw-v1.md).
 *
 *      0 u32 magic "OBv1"     4 u8 version 1     5 u8 codec 0     6 u16 message type     8 u32 channel 0
 *     12 u64 instrument      20 u64 sequence of the instrument   28 u64 cursor          36 u64 send time, ns, monotonic
 *     44 u32 bytes of the payload
 */

export const HEADER_BYTES = 48;
export const MAGIC = 0x3176424f;
/** Bytes 4–7 without the type: version 1, codec 0. */
export const VERSION_AND_CODEC = 1;

export const AT_TYPE = 6;
export const AT_INSTRUMENT = 12;
export const AT_SEQUENCE = 20;
export const AT_CURSOR = 28;
export const AT_SEND_TIME = 36;
export const AT_PAYLOAD_BYTES = 44;

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
/** 0 u64 order · 8 i64 price · 16 u64 quantity · 24 u8 flags (1: the price stays) */
export const MODIFY_BYTES = 25;
/** 0 u64 order · 8 u64 quantity (0: all) · 16 u8 reason */
export const CANCEL_BYTES = 17;
/** 0 u64 resting order · 8 u64 quantity · 16 i64 price · 24 u8 aggressor (0 bid, 1 ask) · 25 u64 match */
export const EXECUTE_BYTES = 33;
/** 0 u64 first · 8 u64 last, cursors */
export const GAP_BYTES = 16;
/**
 * Heartbeat, snapshot start and end; readers of the first form skip it:
 * 0 u64 epoch · 8 u64 cursor of the live frame that comes next · 16 u32 instruments that follow · 20 u8 prices (0 as the
 * feed has them, 1 e8) · 21 u8 price scale · 22 u8 quantity scale · 23 u8 0 · 24 u16 publisher; scales and publisher are
 * those of instruments that no header names
 */
export const CONTROL_BYTES = 26;
/**
 * Snapshot header: 0 u32 levels · 4 u32 orders that follow; what is behind it readers of the first form skip:
 * 8 u64 sequence of its last live frame · 16 u64 the venue's number · 24 u16 publisher · 26 u8 price scale ·
 * 27 u8 quantity scale · 28 u8 flags (1 stale, 2 refused) · 29 u8 bytes of the symbol · 30 symbol, UTF-8
 */
export const SNAPSHOT_HEADER_BYTES = 30;
export const SYMBOL_BYTES_MAX = 255;

export const MODIFY_QUANTITY_ONLY = 1;
/** Reason of what stands for a change of a book that is refused. */
export const REASON_REFUSED = 255;
export const FLAG_STALE = 1;
export const FLAG_REFUSED = 2;
