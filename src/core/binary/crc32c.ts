/** The polynomial of Castagnoli, bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/** Eight tables of 256 words: what a byte does to the sum n bytes later. */
const TABLES: Int32Array = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (POLYNOMIAL & -(sum & 1));
    tables[byte] = sum;
  }
  for (let at = 256; at < tables.length; at += 1) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 255]!;
  }
  return tables;
}

/**
 * CRC32C (Castagnoli; RFC 3720, appendix B.4) of `length` bytes from `offset`, as a signed 32-bit integer. Eight bytes a step, each through
 * a table of its own. `before` continues the sum of the bytes in front.
 */
export function crc32c(view: DataView, offset: number, length: number, before = 0): number {
  const tables = TABLES;
  let sum = ~before;
  let at = offset;
  const end = offset + length;
  for (const eights = end - 7; at < eights; at += 8) {
    const low = sum ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    sum =
      tables[1792 + (low & 255)]! ^
      tables[1536 + ((low >>> 8) & 255)]! ^
      tables[1280 + ((low >>> 16) & 255)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + (high & 255)]! ^
      tables[512 + ((high >>> 8) & 255)]! ^
      tables[256 + ((high >>> 16) & 255)]! ^
      tables[high >>> 24]!;
  }
  for (; at < end; at += 1) sum = (sum >>> 8) ^ tables[(sum ^ view.getUint8(at)) & 255]!;
  return ~sum;
}
