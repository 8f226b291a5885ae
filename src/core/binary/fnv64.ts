const OFFSET_HIGH: number = 0xcbf29ce4 | 0;
const OFFSET_LOW: number = 0x84222325 | 0;

/**
 * FNV-1a 64 over little-endian numbers, in two 32-bit halves: offset 0xcbf29ce484222325, prime 0x100000001b3.
 */
export class Fnv64 {
  high: number = OFFSET_HIGH;
  low: number = OFFSET_LOW;

  /** Begins anew. */
  reset(): void {
    this.high = OFFSET_HIGH;
    this.low = OFFSET_LOW;
  }

  byte(value: number): void {
    this.#add(value, 1);
  }

  u16(value: number): void {
    this.#add(value, 2);
  }

  u32(value: number): void {
    this.#add(value, 4);
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

  /**
   * The low `bytes` bytes of a word, lowest first. Each round multiplies by 2^40 + 435: the low half times 435, in
   * 16-bit parts so that nothing leaves 32-bit integers, carries into the high half; 2^40 adds the low half shifted by 8.
   */
  #add(value: number, bytes: number): void {
    let { high, low } = this;
    let rest = value;
    for (let left = bytes; left > 0; left -= 1) {
      low ^= rest & 255;
      rest >>>= 8;
      const bottom = (low & 0xffff) * 435;
      const top = (low >>> 16) * 435 + (bottom >>> 16);
      high = (Math.imul(high, 435) + (top >>> 16) + (low << 8)) | 0;
      low = (bottom & 0xffff) | (top << 16);
    }
    this.high = high;
    this.low = low;
  }

  get value(): bigint {
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }
}

/** `0x` and 16 lower-case hexadecimal digits. */
export function formatHash(hash: bigint): string {
  return `0x${hash.toString(16).padStart(16, '0')}`;
}
