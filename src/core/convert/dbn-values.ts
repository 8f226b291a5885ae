import { toBigInt } from '../binary/time.ts';
import { PRICE_SCALE, UNDEFINED_PRICE_HIGH, UNDEFINED_PRICE_LOW } from '../feeds/dbn/layout.ts';

const TWO_32 = 4294967296;
const EXACT_MAX: number = Number.MAX_SAFE_INTEGER;
const POWERS: readonly number[] = Array.from({ length: PRICE_SCALE + 1 }, (_, digits) => 10 ** digits);
/** 2^63 − 1 is the undefined price. */
const PRICE_MAX: bigint = (1n << 63n) - 2n;
const PRICE_MIN: bigint = -(1n << 63n);
/** 2^32 − 1 is the undefined size. */
const SIZE_MAX = 0xfffffffe;

/** A price in DBN's unit as signed halves. */
export class DbnPrice {
  high = 0;
  low = 0;

  setUndefined(): void {
    this.high = UNDEFINED_PRICE_HIGH;
    this.low = UNDEFINED_PRICE_LOW;
  }

  /** Takes an integer of units 10^−scale. @returns false where it is not a whole number of 1e-9 within 64 bits. */
  set(value: number, scale: number): boolean {
    const factor = PRICE_SCALE - scale;
    // No scale below zero, so no factor above nine.
    const scaled = factor >= 0 ? value * POWERS[factor]! : Number.NaN;
    if (Math.abs(scaled) <= EXACT_MAX) {
      this.#put(scaled);
      return true;
    }
    return this.setBig(BigInt(value), scale);
  }

  /** The same for the 64-bit integer that two halves make. */
  setHalves(high: number, low: number, scale: number): boolean {
    const value = high * TWO_32 + (low >>> 0);
    if (Math.abs(value) <= EXACT_MAX) return this.set(value, scale);
    return this.setBig(toBigInt(high, low), scale);
  }

  setBig(value: bigint, scale: number): boolean {
    const scaled = rescaled(value, PRICE_SCALE - scale);
    if (scaled === null || scaled > PRICE_MAX || scaled < PRICE_MIN) return false;
    this.high = Number(scaled >> 32n);
    this.low = Number(BigInt.asIntN(32, scaled));
    return true;
  }

  #put(value: number): void {
    this.high = Math.floor(value / TWO_32);
    this.low = value | 0;
  }
}

/**
 * A quantity of units 10^−scale as a DBN size, which counts units of 10^−sizeScale.
 * @returns −1 where it is not a whole number of them, −2 where it is more than 32 bits hold.
 */
export function dbnSize(high: number, low: number, scale: number, sizeScale: number): number {
  const value = high * TWO_32 + (low >>> 0);
  if (scale === sizeScale && value >= 0 && value <= SIZE_MAX) return value;
  const scaled = rescaled(toBigInt(high, low), sizeScale - scale);
  if (scaled === null) return SIZE_NOT_WHOLE;
  return scaled < 0n || scaled > SIZE_MAX ? SIZE_TOO_LARGE : Number(scaled);
}

export const SIZE_NOT_WHOLE: number = -1;
export const SIZE_TOO_LARGE: number = -2;

/** value × 10^digits, or null where that is no integer. */
function rescaled(value: bigint, digits: number): bigint | null {
  if (digits >= 0) return value * 10n ** BigInt(digits);
  const divisor = 10n ** BigInt(-digits);
  return value % divisor === 0n ? value / divisor : null;
}
