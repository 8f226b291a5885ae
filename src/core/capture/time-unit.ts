import { bigHigh, bigLow } from '../binary/time.ts';

const NS_PER_SECOND = 1_000_000_000;
const TWO_32 = 4294967296;
/** Decimal digits that one division step can take: the divisor stays below 2^30. */
const STEP_DIGITS = 9;
/** Finer than 10^-28 s, a 64-bit count is always less than one nanosecond. */
const DIGITS_MAX = 28;

/**
 * Unit and offset of an interface's times (pcapng if_tsresol, if_tsoffset): turns a 64-bit count of units into
 * ns since 1970, both as halves. Everything is exact; fractions of a nanosecond are cut. Results are modulo 2^64.
 */
export class TimeUnit {
  /** Result of `convert`. */
  high = 0;
  low = 0;
  /** ns = count × multiplier >> shift, or count / divisor (repeated). */
  readonly #multiplier: number;
  readonly #shift: number;
  readonly #divisors: readonly number[];
  readonly #offsetHigh: number;
  readonly #offsetLow: number;

  /**
   * @param resolution if_tsresol: 10^−n s, or with bit 0x80 2^−n s, n the low 7 bits.
   * @param offsetSeconds if_tsoffset, added to every time.
   */
  constructor(resolution: number, offsetSeconds: bigint) {
    const digits = resolution & 0x7f;
    const divisors: number[] = [];
    this.#multiplier = NS_PER_SECOND;
    this.#shift = 0;
    if (resolution & 0x80) this.#shift = digits;
    else if (digits <= 9) this.#multiplier = 10 ** (9 - digits);
    else {
      this.#multiplier = digits > DIGITS_MAX ? 0 : 1;
      for (let left = Math.min(digits, DIGITS_MAX) - 9; left > 0; left -= STEP_DIGITS) {
        divisors.push(10 ** Math.min(left, STEP_DIGITS));
      }
    }
    this.#divisors = divisors;
    const offset = BigInt.asIntN(64, offsetSeconds * BigInt(NS_PER_SECOND));
    this.#offsetHigh = bigHigh(offset);
    this.#offsetLow = bigLow(offset);
  }

  /** Converts the count `high × 2^32 + low` (unsigned, given as signed halves) into `this.high` and `this.low`. */
  convert(high: number, low: number): void {
    if (this.#shift > 0) this.#scaleAndShift(high, low);
    else if (this.#multiplier !== 1) this.#scale(high, low);
    else {
      this.high = high | 0;
      this.low = low | 0;
      for (const divisor of this.#divisors) this.#divide(divisor);
    }
    if (this.#offsetHigh !== 0 || this.#offsetLow !== 0) {
      const sum = (this.low >>> 0) + (this.#offsetLow >>> 0);
      this.high = (this.high + this.#offsetHigh + (sum >= TWO_32 ? 1 : 0)) | 0;
      this.low = sum | 0;
    }
  }

  #scale(high: number, low: number): void {
    const multiplier = this.#multiplier;
    const first = (low & 0xffff) * multiplier;
    const second = (low >>> 16) * multiplier + Math.floor(first / 65536);
    this.low = ((second % 65536) * 65536 + (first % 65536)) | 0;
    this.high = (Math.imul(high, multiplier) + Math.floor(second / 65536)) | 0;
  }

  /** count × 10^9 in three 32-bit words, then the shift. */
  #scaleAndShift(high: number, low: number): void {
    const lowFirst = (low & 0xffff) * NS_PER_SECOND;
    const lowSecond = (low >>> 16) * NS_PER_SECOND + Math.floor(lowFirst / 65536);
    const word0 = ((lowSecond % 65536) * 65536 + (lowFirst % 65536)) | 0;
    const highFirst = (high & 0xffff) * NS_PER_SECOND + Math.floor(lowSecond / 65536);
    const highSecond = (high >>> 16) * NS_PER_SECOND + Math.floor(highFirst / 65536);
    const word1 = ((highSecond % 65536) * 65536 + (highFirst % 65536)) | 0;
    const word2 = Math.floor(highSecond / 65536) | 0;
    this.low = shiftedWord(word0, word1, word2, this.#shift);
    this.high = shiftedWord(word0, word1, word2, this.#shift + 32);
  }

  /** Long division in 16-bit digits; the remainder stays below 2^30. */
  #divide(divisor: number): void {
    const high = this.high >>> 0;
    const low = this.low >>> 0;
    const middle = (high % divisor) * 65536 + (low >>> 16);
    const last = (middle % divisor) * 65536 + (low & 0xffff);
    this.high = Math.floor(high / divisor) | 0;
    this.low = (Math.floor(middle / divisor) * 65536 + Math.floor(last / divisor)) | 0;
  }
}

/** 32 bits of a 96-bit number, beginning at bit `shift`. */
function shiftedWord(word0: number, word1: number, word2: number, shift: number): number {
  const bits = shift & 31;
  const words = shift >>> 5;
  const lower = words === 0 ? word0 : words === 1 ? word1 : words === 2 ? word2 : 0;
  const upper = words === 0 ? word1 : words === 1 ? word2 : 0;
  return bits === 0 ? lower : (lower >>> bits) | (upper << (32 - bits));
}
