import type { Datagram } from '../../packet/datagram.ts';
import { PRESENCE_BYTES_MAX, VARINT_BYTES_MAX } from './layout.ts';

// Constants of other modules under names of this one: only those are compiled into the loop as constants.
const PRESENCE_MAX: number = PRESENCE_BYTES_MAX;
const VARINT_MAX: number = VARINT_BYTES_MAX;

/** The highest bit of each byte of a word: more bytes follow. */
const MORE = 0x80808080 | 0;

/**
 * Reads varints: 7 bits in a byte, the lowest first; bit 0x80 says that more bytes follow. Values are unsigned 64-bit
 * integers as signed 32-bit halves; a varint with needless bytes is one all the same, as long as it has ten at most.
 *
 * Every `read…` answers whether there was one in front of `end`. After a no the position says nothing.
 */
export class VarintReader {
  at = 0;
  end = 0;
  /** What was read last. */
  low = 0;
  high = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  /** From here on the buffer has fewer bytes than a varint may have. */
  #brink = 0;

  /** Reads from the buffer of a datagram from now on. */
  attach({ bytes, view }: Datagram): void {
    this.#bytes = bytes;
    this.#view = view;
    this.#brink = bytes.length - VARINT_MAX;
  }

  /** Reads four bytes at a time: up to four, as most varints have, the length costs no branch. */
  read(): boolean {
    const view = this.#view;
    const { at } = this;
    if (at > this.#brink) return this.#readLast();
    const first = view.getInt32(at, true);
    let stops = ~first & MORE;
    if (stops !== 0) return this.#done(packed(first & upTo(stops)), 0, at + bytesTo(stops));
    const second = view.getInt32(at + 4, true);
    stops = ~second & MORE;
    if (stops !== 0) {
      const rest = packed(second & upTo(stops));
      return this.#done(packed(first) | (rest << 28), rest >>> 4, at + 4 + bytesTo(stops));
    }
    const rest = packed(second);
    const low = packed(first) | (rest << 28);
    const ninth = view.getUint8(at + 8);
    const high = (rest >>> 4) | ((ninth & 0x7f) << 24);
    if (ninth < 0x80) return this.#done(low, high, at + 9);
    // The tenth byte has one bit, and none behind it.
    const tenth = view.getUint8(at + 9);
    return tenth <= 1 && this.#done(low, high | (tenth << 31), at + 10);
  }

  /** A varint where the buffer ends, byte by byte. */
  #readLast(): boolean {
    const bytes = this.#bytes;
    const { end } = this;
    let { at } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; at < end && shift < 70; at += 1, shift += 7) {
      const byte = bytes[at];
      if (shift === 63 && byte > 1) return false;
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (shift >= 32) high |= (byte & 0x7f) << (shift - 32);
      else if (shift === 28) high = (byte >> 4) & 7;
      if (byte < 0x80) return this.#done(low, high, at + 1);
    }
    return false;
  }

  /** @returns whether a value that was read ends in time. */
  #done(low: number, high: number, at: number): boolean {
    this.low = low;
    this.high = high;
    this.at = at;
    return at <= this.end;
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
    const bytes = this.#bytes;
    const { at, end } = this;
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
    this.low = this.#bytes[this.at];
    this.at += 1;
    return true;
  }
}

/** The bits of a word up to the lowest one of `stops`. */
function upTo(stops: number): number {
  return stops ^ (stops - 1);
}

/** How many bytes of a word reach up to the lowest bit of `stops`. */
function bytesTo(stops: number): number {
  return (32 - Math.clz32(stops & -stops)) >> 3;
}

/** The 7 bits of each byte of a word, side by side: 28 in all. */
function packed(word: number): number {
  return (word & 0x7f) | ((word >>> 1) & 0x3f80) | ((word >>> 2) & 0x1fc000) | ((word >>> 3) & 0xfe00000);
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
