/**
 * MoldUDP64 downstream packet, big-endian:
 *
 *     0 session, 10 characters · 10 number of the first message u64 · 18 message count u16 · 20 blocks
 *     block: length of the message u16 · message
 *
 * Count 0 is a heartbeat, 0xFFFF the end of the session; both name the next number and have no blocks. A block of
 * length 0 is legal and uses its number. Numbers begin at 1 in every session.
 */
export const MOLD_HEADER_BYTES = 20;
export const MOLD_SESSION_BYTES = 10;
export const MOLD_SEQUENCE_OFFSET = 10;
export const MOLD_COUNT_OFFSET = 18;
export const MOLD_COUNT_HEARTBEAT = 0;
export const MOLD_COUNT_END = 0xffff;
/** Bytes in front of every message. */
export const BLOCK_PREFIX_BYTES = 2;
