const TWO_32 = 4294967296;
const BILLION = 1_000_000_000;
const INT_MAX = 0x7fffffff;
const ZERO = 48;
const MINUS = 45;

/** The digits 0000 … 9999 as little-endian words. */
export const DIGITS_OF_QUADS: Int32Array = new Int32Array(10_000);
for (let value = 0; value < 10_000; value += 1) {
  const digit = (power: number): number => ZERO + (Math.floor(value / power) % 10);
  DIGITS_OF_QUADS[value] = digit(1000) | (digit(100) << 8) | (digit(10) << 16) | (digit(1) << 24);
}

/** A 64-bit integer as decimal digits; reused, so that no string, BigInt or object is made. */
export class Decimal {
  /** Bytes of the text, a sign included. */
  width = 0;
  #isNegative = false;
  /** upper × 10^9 + bottom. */
  #upper = 0;
  #bottom = 0;

  /** An unsigned one, given as signed halves. */
  unsigned(high: number, low: number): void {
    this.#isNegative = false;
    this.#set(high, low);
  }

  signed(high: number, low: number): void {
    this.#isNegative = high < 0;
    if (high >= 0) this.#set(high, low);
    else {
      this.#set(low === 0 ? -high | 0 : ~high, -low | 0);
      this.width += 1;
    }
  }

  /** Puts it to a place, and nothing beside it. */
  put(view: DataView, place: number): void {
    let at = place;
    let left = this.width;
    if (this.#isNegative) {
      view.setUint8(at, MINUS);
      at += 1;
      left -= 1;
    }
    if (this.#upper === 0) putInteger(view, at, left, this.#bottom);
    else {
      putInteger(view, at, left - 9, this.#upper);
      putNine(view, at + left - 9, this.#bottom);
    }
  }

  #set(high: number, low: number): void {
    if (high === 0 && low >= 0) {
      this.#upper = 0;
      this.#bottom = low;
      this.width = widthOf(low);
      return;
    }
    // The quotient of doubles may be one off; the remainder is exact in 32 bits.
    let upper = Math.floor(((high >>> 0) * TWO_32 + (low >>> 0)) / BILLION);
    let bottom = (low - Math.imul(upper, BILLION)) | 0;
    if (bottom < 0) {
      upper -= 1;
      bottom += BILLION;
    } else if (bottom >= BILLION) {
      upper += 1;
      bottom -= BILLION;
    }
    this.#upper = upper;
    this.#bottom = bottom;
    this.width = 9 + widthOf(upper);
  }
}

/** Digits of an integer 0 … 2^53. */
export function widthOf(value: number): number {
  if (value < 10_000) {
    if (value < 100) return value < 10 ? 1 : 2;
    return value < 1000 ? 3 : 4;
  }
  if (value < 100_000_000) {
    if (value < 1_000_000) return value < 100_000 ? 5 : 6;
    return value < 10_000_000 ? 7 : 8;
  }
  return value < BILLION ? 9 : 9 + widthOf(Math.floor(value / BILLION));
}

/** Puts an integer 0 … 2^53 to a place, as many digits as it has, and nothing beside them. */
export function putInteger(view: DataView, at: number, width: number, value: number): void {
  if (value > INT_MAX) {
    const upper = Math.floor(value / BILLION);
    putInteger(view, at, width - 9, upper);
    putNine(view, at + width - 9, (value - upper * BILLION) | 0);
    return;
  }
  let rest = value | 0;
  let left = width;
  for (; left >= 4; left -= 4) {
    const upper = (rest / 10_000) | 0;
    view.setInt32(at + left - 4, DIGITS_OF_QUADS[rest - upper * 10_000]!, true);
    rest = upper;
  }
  if (left === 0) return;
  const digits = DIGITS_OF_QUADS[rest]!;
  if (left === 1) view.setUint8(at, digits >> 24);
  else {
    view.setInt16(at + left - 2, digits >> 16, true);
    if (left === 3) view.setUint8(at, digits >> 8);
  }
}

/** Puts an integer below 10^9 to a place, with zeros in front. */
export function putNine(view: DataView, at: number, value: number): void {
  const upper = (value / 10_000) | 0;
  const first = (upper / 10_000) | 0;
  view.setUint8(at, ZERO + first);
  view.setInt32(at + 1, DIGITS_OF_QUADS[upper - first * 10_000]!, true);
  view.setInt32(at + 5, DIGITS_OF_QUADS[value - upper * 10_000]!, true);
}
