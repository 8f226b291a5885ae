import { createRequire } from 'node:module';

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

/** Fewer bytes are summed here: the call costs more than they do. */
const NATIVE_BYTES_MIN = 256;

/** The processor's own instruction; null on a machine that no build of the package is for. */
const NATIVE: ((bytes: Uint8Array, before: number) => number) | null = findNative();

function findNative(): typeof NATIVE {
  try {
    return createRequire(import.meta.url)('@node-rs/crc32').crc32c;
  } catch {
    return null;
  }
}

/**
 * CRC32C (Castagnoli; RFC 3720, appendix B.4) of `length` bytes from `offset`, as a signed 32-bit integer.
 * `before` continues the sum of the bytes in front.
 */
export function crc32c(view: DataView, offset: number, length: number, before = 0): number {
  const { buffer } = view;
  if (NATIVE === null || length < NATIVE_BYTES_MIN || !(buffer instanceof ArrayBuffer))
    return crc32cTables(view, offset, length, before);
  return NATIVE(new Uint8Array(buffer, view.byteOffset + offset, length), before >>> 0) | 0;
}

/** The same by tables: eight bytes a step, each through one of its own. */
export function crc32cTables(view: DataView, offset: number, length: number, before: number): number {
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
