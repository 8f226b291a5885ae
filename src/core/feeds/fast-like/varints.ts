import { PRESENCE_BYTES_MAX } from './layout.ts';

const PRESENCE_MAX: number = PRESENCE_BYTES_MAX;

/**
 * Reads varints: 7 bits in a byte, the lowest first; bit 0x80 says that more bytes follow. Values are unsigned 64-bit
 * integers as signed 32-bit halves; a varint with needless bytes is one all the same, as long as it has ten at most.
 *
 * Every `read…` answers whether there was one in front of `end`. After a no the position says nothing.
 */
export class VarintReader {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  /** What was read last. */
  low = 0;
  high = 0;

  read(): boolean {
    const { bytes, at, end } = this;
    if (at < end) {
      const first = bytes[at];
      if (first < 0x80) {
        this.low = first;
        this.high = 0;
        this.at = at + 1;
        return true;
      }
      if (at + 1 < end) {
        const second = bytes[at + 1];
        if (second < 0x80) {
          this.low = (first & 0x7f) | (second << 7);
          this.high = 0;
          this.at = at + 2;
          return true;
        }
        return this.#readLong();
      }
    }
    return false;
  }

  /** A varint of at least three bytes. */
  #readLong(): boolean {
    const { bytes, end } = this;
    let { at } = this;
    let low = (bytes[at] & 0x7f) | ((bytes[at + 1] & 0x7f) << 7);
    at += 2;
    for (let shift = 14; shift < 28; shift += 7) {
      if (at >= end) return false;
      const byte = bytes[at];
      at += 1;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return this.#done(low, 0, at);
    }
    if (at >= end) return false;
    // The fifth byte has bits of both halves.
    let byte = bytes[at];
    at += 1;
    low |= byte << 28;
    let high = (byte >> 4) & 7;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      if (at >= end) return false;
      byte = bytes[at];
      at += 1;
      // The tenth byte has one bit, and none behind it.
      if (shift === 31 && byte > 1) return false;
      high |= (byte & 0x7f) << shift;
    }
    return this.#done(low, high, at);
  }

  #done(low: number, high: number, at: number): boolean {
    this.low = low;
    this.high = high;
    this.at = at;
    return true;
  }

  /** A varint whose lowest bit is the sign: 0, 1, 2, 3 are 0, −1, 1, −2. A signed 64-bit integer. */
  readZigzag(): boolean {
    if (!this.read()) return false;
    const { low, high } = this;
    const sign = -(low & 1);
    this.low = ((low >>> 1) | (high << 31)) ^ sign;
    this.high = (high >>> 1) ^ sign;
    return true;
  }

  /** A presence map; `low` has its first seven bits, no field needs more. */
  readPresence(): boolean {
    const { bytes, at, end } = this;
    if (at >= end) return false;
    this.low = bytes[at] & 0x7f;
    const last = at + PRESENCE_MAX - 1;
    let next = at;
    while (bytes[next] >= 0x80 && next < last) {
      next += 1;
      if (next >= end) return false;
    }
    this.at = next + 1;
    return true;
  }

  readByte(): boolean {
    if (this.at >= this.end) return false;
    this.low = this.bytes[this.at];
    this.at += 1;
    return true;
  }
}

/** Writes an unsigned 64-bit integer with as few bytes as it takes. @returns where the next byte goes. */
export function writeVarint(bytes: Uint8Array, at: number, low: number, high: number): number {
  let to = at;
  while (high !== 0 || low >>> 0 > 0x7f) {
    bytes[to] = (low & 0x7f) | 0x80;
    to += 1;
    low = (low >>> 7) | (high << 25);
    high >>>= 7;
  }
  bytes[to] = low;
  return to + 1;
}

/** Writes a signed 64-bit integer, as `readZigzag` reads it. @returns where the next byte goes. */
export function writeZigzag(bytes: Uint8Array, at: number, low: number, high: number): number {
  const sign = high >> 31;
  return writeVarint(bytes, at, (low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
}
