/**
 * 32-bit digest of a span of bytes, for telling whether two copies are the same: not one that resists an attacker.
 * Words first, then the bytes that are left; the length is mixed in.
 */
export function digest32(view: DataView, offset: number, length: number): number {
  let hash = Math.imul(length ^ 0x9e3779b9, 0x85ebca6b);
  const end = offset + length;
  const words = end - 3;
  let at = offset;
  for (; at < words; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0xcc9e2d51);
    hash = (hash << 15) | (hash >>> 17);
  }
  for (; at < end; at += 1) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
