const TWO_32 = 4294967296;
const INT_MAX = 0x7fffffff;
/** Exponent of what has no price. */
export const NO_PRICE_EXPONENT = 0x7fff;
/** 15 zeros at most end a safe integer, and 10 to these powers together take them all away. */
const DIGITS: Int32Array = Int32Array.of(8, 4, 2, 1);
const POWERS: Float64Array = Float64Array.of(1e8, 1e4, 1e2, 1e1);

/**
 * A decimal in the one form that does not depend on the scale it came in: an integer that does not end with a zero,
 * as two words, and a power of ten. 1.50 in scale 2 and 1.5000 in scale 4 are both 15 × 10^−1. One object is reused for
 * all; the number goes in through `units`, because a double in a call would be boxed.
 */
export class ExactDecimal {
  readonly units: Float64Array = new Float64Array(1);
  high = 0;
  low = 0;
  exponent = 0;

  /** Brings `units`, which count 10^−scale, into that form; +Infinity is the price of what has none. */
  normalize(scale: number): void {
    let units = this.units[0]!;
    if (units === 0) this.#set(0, 0);
    else if (units === Number.POSITIVE_INFINITY) this.#set(0, NO_PRICE_EXPONENT);
    else if (units <= INT_MAX && units >= -INT_MAX) {
      let small = units | 0;
      let exponent = -scale;
      while (small % 10 === 0) {
        small = (small / 10) | 0;
        exponent += 1;
      }
      this.low = small;
      this.high = small >> 31;
      this.exponent = exponent;
    } else {
      let exponent = -scale;
      for (let at = 0; at < POWERS.length; at += 1) {
        const rest = Math.trunc(units / POWERS[at]!);
        if (rest * POWERS[at]! !== units) continue;
        units = rest;
        exponent += DIGITS[at]!;
      }
      this.#set(units, exponent);
    }
  }

  #set(units: number, exponent: number): void {
    this.high = Math.floor(units / TWO_32);
    this.low = (units - this.high * TWO_32) | 0;
    this.exponent = exponent;
  }
}
