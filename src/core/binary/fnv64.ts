/**
 * FNV-1a 64 over little-endian numbers, in two 32-bit halves: offset 0xcbf29ce484222325, prime 0x100000001b3.
 */
export class Fnv64 {
  high: number = 0xcbf29ce4 | 0;
  low: number = 0x84222325 | 0;

  byte(value: number): void {
    const low = (this.low ^ (value & 255)) >>> 0;
    // × (2^40 + 0x1b3): the low half times 435 carries into the high half; 2^40 adds the low half shifted by 8.
    const product = low * 435;
    const newLow = product >>> 0;
    this.high = (Math.imul(this.high, 435) + (product - newLow) / 4294967296 + (low << 8)) | 0;
    this.low = newLow | 0;
  }

  u16(value: number): void {
    this.byte(value);
    this.byte(value >>> 8);
  }

  u32(value: number): void {
    this.byte(value);
    this.byte(value >>> 8);
    this.byte(value >>> 16);
    this.byte(value >>> 24);
  }

  /** A 64-bit integer given as halves. */
  u64(high: number, low: number): void {
    this.u32(low);
    this.u32(high);
  }

  /** A signed integer within ±2^53. */
  integer(value: number): void {
    const low = value | 0;
    this.u64((value - (low >>> 0)) / 4294967296, low);
  }

  bytes(values: Uint8Array): void {
    for (const value of values) this.byte(value);
  }

  get value(): bigint {
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }
}

/** `0x` and 16 lower-case hexadecimal digits. */
export function formatHash(hash: bigint): string {
  return `0x${hash.toString(16).padStart(16, '0')}`;
}
