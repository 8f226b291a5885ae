import { NULL_PRICE_HIGH, NULL_PRICE_LOW } from '../../event/record.ts';

/** Prices as frames have them: integers in the scale of the feed, or in units of 10^-8. */
export type PriceForm = 'native' | 'e8';

const E8_SCALE = 8;
const TWO_16 = 65536;
const TWO_31 = 2147483648;
const TWO_32 = 4294967296;

/** Scale of the prices in frames for a book of this scale. */
export function frameScale(form: PriceForm, scale: number): number {
  return form === 'e8' ? E8_SCALE : scale;
}

/** Converts prices exactly. The result stands in `high` and `low`. No price stays no price. */
export class FramePrice {
  high = 0;
  low = 0;

  /** @returns false where the price has no form in units of 10^-8. */
  toE8(high: number, low: number, scale: number): boolean {
    this.high = high;
    this.low = low;
    if (scale === E8_SCALE || (high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW)) return true;
    return scale < E8_SCALE
      ? this.#multiply(10 ** (E8_SCALE - scale))
      : this.#divide(10 ** (scale - E8_SCALE));
  }

  #multiply(factor: number): boolean {
    const { high, low } = this;
    const first = (low & 0xffff) * factor;
    const second = (low >>> 16) * factor + Math.floor(first / TWO_16);
    const third = high * factor + Math.floor(second / TWO_16);
    if (third >= TWO_31 || third < -TWO_31) return false;
    this.high = third;
    this.low = ((second % TWO_16) << 16) | (first % TWO_16);
    return true;
  }

  #divide(factor: number): boolean {
    const price = this.high * TWO_32 + (this.low >>> 0);
    if (!Number.isSafeInteger(price) || price % factor !== 0) return false;
    const quotient = price / factor;
    this.high = Math.floor(quotient / TWO_32);
    this.low = quotient | 0;
    return true;
  }
}
