import { DIGITS_OF_QUADS } from './decimal.ts';

const TWO_32 = 4294967296;
const BILLION = 1_000_000_000;
const ZERO = 48;
const MINUS = 45;
const POINT = 46;
// V8 folds a module's own constants into its code and loads imported ones each time.
const QUADS: Int32Array = DIGITS_OF_QUADS;
const POWERS: readonly number[] = Array.from({ length: 9 }, (_, digits) => 10 ** digits);
/** Upper half of 2^53. */
const SAFE_HIGH = 0x200000;
/** Literals longer than this are copied by one call, shorter ones eight bytes at a time. */
const DOUBLES_BYTES_MAX = 96;
/** Bytes that may be written behind the end of what is written: they are overwritten next. */
export const SLACK_BYTES = 16;
/** Eleven digits at most, in whole doubles. */
const SECONDS_BYTES = 16;

/** Text as bytes, made once and copied often. */
export class Literal {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** The same eight bytes at a time, zeros behind the end; null where that is not how it is copied. */
  readonly doubles: Float64Array | null;

  constructor(text: string) {
    this.bytes = Uint8Array.from(Buffer.from(text, 'utf8'));
    this.length = this.bytes.length;
    const padded = new Uint8Array(Math.ceil(this.length / 8) * 8);
    padded.set(this.bytes);
    const doubles = new Float64Array(padded.buffer);
    // A NaN need not keep its bits.
    this.doubles = this.length > DOUBLES_BYTES_MAX || doubles.some(Number.isNaN) ? null : doubles;
  }
}

/**
 * Writes text into a reused buffer, without strings, BigInt or objects: literals, and decimal digits of 64-bit integers
 * given as signed halves. Whoever writes makes sure with `hasRoom` that there is enough room.
 */
export class TextWriter {
  bytes: Uint8Array;
  used = 0;
  // Whatever kind of array `bytes` is, what is written goes through the view.
  #view: DataView;
  /** The seconds of the last time, and its digits: bytes, and the same eight at a time. */
  #second = -1;
  readonly #seconds: Uint8Array<ArrayBuffer> = new Uint8Array(SECONDS_BYTES);
  readonly #secondsDoubles: Float64Array<ArrayBuffer> = new Float64Array(this.#seconds.buffer);
  #secondsLength = 0;
  /** The integer at hand as upper × 10^9 + bottom. */
  #upper = 0;
  #bottom = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Is there room for this many bytes? */
  hasRoom(bytes: number): boolean {
    return this.used + bytes + SLACK_BYTES <= this.bytes.length;
  }

  /** Takes a larger buffer; what was written must be gone. */
  grow(capacity: number): void {
    this.bytes = new Uint8Array(capacity + SLACK_BYTES);
    this.#view = new DataView(this.bytes.buffer);
  }

  /**
   * Goes on in memory of somebody else.
   * @param bytes whole of `view`.
   */
  aim(bytes: Uint8Array, view: DataView, at: number): void {
    this.bytes = bytes;
    this.#view = view;
    this.used = at;
  }

  literal(text: Literal): void {
    const { doubles, length } = text;
    const { used } = this;
    if (doubles === null) this.bytes.set(text.bytes, used);
    else {
      const view = this.#view;
      for (let at = 0; at < doubles.length; at += 1) view.setFloat64(used + at * 8, doubles[at]!, true);
    }
    this.used = used + length;
  }

  /** An integer 0 … 2^53. */
  integer(value: number): void {
    if (value < BILLION) this.#digits(value | 0);
    else {
      const upper = Math.floor(value / BILLION);
      this.#digits(upper);
      this.#nine(value - upper * BILLION);
    }
  }

  /** An unsigned 64-bit integer. */
  unsigned(high: number, low: number): void {
    if (high === 0 && low >= 0 && low < BILLION) {
      this.#digits(low);
      return;
    }
    this.#divide(high, low);
    const upper = this.#upper;
    const bottom = this.#bottom;
    if (upper === 0) this.#digits(bottom);
    else {
      this.integer(upper);
      this.#nine(bottom);
    }
  }

  /** A signed 64-bit integer. */
  signed(high: number, low: number): void {
    if (high >= 0) this.unsigned(high, low);
    else {
      this.#byte(MINUS);
      this.unsigned(low === 0 ? -high | 0 : ~high, -low | 0);
    }
  }

  /** A signed 64-bit integer that counts units of 10^−scale, with all digits of the scale. */
  scaled(high: number, low: number, scale: number): void {
    if (scale === 0) {
      this.signed(high, low);
      return;
    }
    let magnitudeHigh = high;
    let magnitudeLow = low;
    if (high < 0) {
      this.#byte(MINUS);
      magnitudeHigh = low === 0 ? -high | 0 : ~high;
      magnitudeLow = -low | 0;
    }
    if (scale === 9) {
      this.#divide(magnitudeHigh, magnitudeLow);
      const bottom = this.#bottom;
      this.integer(this.#upper);
      this.#byte(POINT);
      this.#nine(bottom);
      return;
    }
    if (scale < 9 && magnitudeHigh >= 0 && magnitudeHigh < SAFE_HIGH) {
      this.#scaledNumber(magnitudeHigh * TWO_32 + (magnitudeLow >>> 0), scale);
      return;
    }
    const start = this.used;
    this.unsigned(magnitudeHigh, magnitudeLow);
    const { bytes } = this;
    // Zeros in front until one digit stands before the point.
    const missing = scale + 1 - (this.used - start);
    if (missing > 0) {
      for (let at = this.used - 1; at >= start; at -= 1) bytes[at + missing] = bytes[at]!;
      for (let at = start; at < start + missing; at += 1) bytes[at] = ZERO;
      this.used += missing;
    }
    const point = this.used - scale;
    for (let at = this.used; at > point; at -= 1) bytes[at] = bytes[at - 1]!;
    bytes[point] = POINT;
    this.used += 1;
  }

  /** An unsigned 64-bit integer whose digits in front of the last nine are often those of the one before: a time. */
  time(high: number, low: number): void {
    this.#divide(high, low);
    const second = this.#upper;
    const bottom = this.#bottom;
    if (second === 0) {
      this.#digits(bottom);
      return;
    }
    const { used } = this;
    if (second !== this.#second) {
      this.integer(second);
      this.#second = second;
      this.#secondsLength = this.used - used;
      for (let at = 0; at < this.#secondsLength; at += 1) this.#seconds[at] = this.bytes[used + at]!;
    } else {
      this.#view.setFloat64(used, this.#secondsDoubles[0]!, true);
      this.#view.setFloat64(used + 8, this.#secondsDoubles[1]!, true);
      this.used = used + this.#secondsLength;
    }
    this.#nine(bottom);
  }

  /** An integer below 2^53 that counts units of 10^−scale, 0 < scale < 9. */
  #scaledNumber(value: number, scale: number): void {
    const unit = POWERS[scale]!;
    let whole = Math.floor(value / unit);
    let rest = value - whole * unit;
    // The quotient of doubles may be one too large.
    if (rest < 0) {
      whole -= 1;
      rest += unit;
    }
    this.integer(whole);
    this.#byte(POINT);
    if (scale <= 4) this.#lastOfFour(rest, scale);
    else {
      const upper = (rest / 10_000) | 0;
      this.#lastOfFour(upper, scale - 4);
      this.#lastOfFour(rest - upper * 10_000, 4);
    }
  }

  #byte(value: number): void {
    this.#view.setUint8(this.used, value);
    this.used += 1;
  }

  /** Divides unsigned 64 bits by 10^9. */
  #divide(high: number, low: number): void {
    // The quotient of doubles may be one off; the remainder is exact in 32 bits.
    let quotient = Math.floor(((high >>> 0) * TWO_32 + (low >>> 0)) / BILLION);
    let rest = (low - Math.imul(quotient, BILLION)) | 0;
    if (rest < 0) {
      quotient -= 1;
      rest += BILLION;
    } else if (rest >= BILLION) {
      quotient += 1;
      rest -= BILLION;
    }
    this.#upper = quotient;
    this.#bottom = rest;
  }

  /** An integer below 10^9, as nine digits. */
  #nine(value: number): void {
    const { used } = this;
    const view = this.#view;
    const upper = (value / 10_000) | 0;
    const first = (upper / 10_000) | 0;
    view.setUint8(used, ZERO + first);
    view.setInt32(used + 1, QUADS[upper - first * 10_000]!, true);
    view.setInt32(used + 5, QUADS[value - upper * 10_000]!, true);
    this.used = used + 9;
  }

  /** An integer below 2^31, as many digits as it has. */
  #digits(value: number): void {
    if (value < 10_000) {
      this.#upToFour(value);
      return;
    }
    const upper = (value / 10_000) | 0;
    if (upper < 10_000) this.#upToFour(upper);
    else {
      const top = (upper / 10_000) | 0;
      this.#upToFour(top);
      this.#lastOfFour(upper - top * 10_000, 4);
    }
    this.#lastOfFour(value - upper * 10_000, 4);
  }

  /** An integer below 10^4, as many digits as it has. */
  #upToFour(value: number): void {
    this.#lastOfFour(value, value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4);
  }

  /** The last ones of the four digits of an integer below 10^4; what stands behind them is written over. */
  #lastOfFour(value: number, digits: number): void {
    this.#view.setInt32(this.used, QUADS[value]! >> ((4 - digits) * 8), true);
    this.used += digits;
  }
}
