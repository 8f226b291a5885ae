/*
 * Snapshot files of an older engine, versions 1 and 2. The head is big-endian, the body little-endian.
 *
 *     0 `OBSNAP`, two zeros · 8 u32 version · 12 u64 wall time, ns since 1970 · 20 u64 bus cursor that comes next, all ones
 *     = none (version 2 only) · 28, in version 1 20: body
 *
 *     body          u32 1 · u64 instruments, each: u32 instrument · u64 orders, each:
 *     order         u64 id · i64 price · i64 quantity · u32 side (0 bid, 1 ask)
 *
 * Inside a price the oldest order stands first; prices may stand in any order.
 */

export const OBSNAP_HEAD_V1 = 20;
export const OBSNAP_HEAD_V2 = 28;
export const OBSNAP_BODY_VERSION = 1;
export const OBSNAP_BODY_HEAD = 12;
export const OBSNAP_BOOK_BYTES = 12;
export const OBSNAP_ORDER_BYTES = 28;
const MAGIC: readonly number[] = [0x4f, 0x42, 0x53, 0x4e, 0x41, 0x50, 0, 0];

/** Does something begin like such a file? */
export function isObsnap(head: Uint8Array): boolean {
  return head.length >= MAGIC.length && MAGIC.every((byte, at) => head[at] === byte);
}

export function putMagic(view: DataView): void {
  for (const [at, byte] of MAGIC.entries()) view.setUint8(at, byte);
}
