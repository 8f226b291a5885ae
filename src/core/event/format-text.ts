import { toBigInt, toBigUint } from '../binary/time.ts';

/*
 * Exact text of the integers in events, for everything that prints them, and the way back for what users type.
 * Nothing here goes through a fraction in floating point.
 */

const TWO_32 = 4294967296;
const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
/** Milliseconds that a Date can hold on either side of 1970. */
const DATE_MS_MAX = 8_640_000_000_000_000n;
const INT64_MIN: bigint = -(1n << 63n);
const INT64_MAX: bigint = (1n << 63n) - 1n;
/** Longer texts are refused unread: no number or time here needs as many characters. */
const TEXT_LENGTH_MAX = 64;

/** Decimal text of a signed 64-bit integer that counts units of 10^−scale: (0, 64780000000, 9) → `64.780000000`. */
export function formatScaled(high: number, low: number, scale: number): string {
  // The top words of safe integers are −2^21 … 2^21 − 1; −2^53 itself is still exact.
  if (high >= -0x200000 && high < 0x200000) {
    const value = high * TWO_32 + (low >>> 0);
    return value < 0 ? `-${withPoint(String(-value), scale)}` : withPoint(String(value), scale);
  }
  return formatScaledBig(toBigInt(high, low), scale);
}

/** The same for an integer that is a bigint already. */
export function formatScaledBig(value: bigint, scale: number): string {
  return value < 0n ? `-${withPoint(String(-value), scale)}` : withPoint(String(value), scale);
}

/** Decimal text of an unsigned 64-bit integer: order ids, sequences. */
export function formatUnsigned(high: number, low: number): string {
  if (high >= 0 && high < 0x200000) return String(high * TWO_32 + (low >>> 0));
  return String(toBigUint(high, low));
}

/** ISO 8601 text of a time in UTC with nine digits, `2025-09-24T19:30:00.000860311Z`. Throws RangeError beyond the year 275760. */
export function formatTimeIso(ns: bigint): string {
  let milliseconds = ns / NS_PER_MS;
  let rest = ns % NS_PER_MS;
  if (rest < 0n) {
    milliseconds -= 1n;
    rest += NS_PER_MS;
  }
  if (milliseconds > DATE_MS_MAX || milliseconds < -DATE_MS_MAX) {
    throw new RangeError(`formatting the time ${ns} ns: beyond what a calendar date can say`);
  }
  const text = new Date(Number(milliseconds)).toISOString();
  return `${text.slice(0, -1)}${String(rest).padStart(6, '0')}Z`;
}

const TIME_ISO =
  /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:(Z)|([+-])(\d\d):?(\d\d))$/i;

/**
 * Reads a time as users type it: ISO 8601 with `Z` or an offset and up to nine digits of a second
 * (`2025-09-24T19:30:00.5Z`, `2025-09-24 15:30-04:00`), or an integer, ns since 1970.
 * Throws RangeError that says what was found.
 */
export function parseTime(text: string): bigint {
  if (text.length <= TEXT_LENGTH_MAX) {
    if (/^\d+$/.test(text)) return within64(BigInt(text), 'time', text);
    const match = TIME_ISO.exec(text);
    if (match !== null) {
      const ns = nsOf(match);
      if (ns !== null) return within64(ns, 'time', text);
    }
  }
  throw new RangeError(
    `reading the time ${quoted(text)}: expected 2025-09-24T19:30:00.000860311Z (Z or an offset such as -04:00, up to 9 digits) or an integer, ns since 1970`,
  );
}

/**
 * Reads a decimal number as the integer that counts units of 10^−scale: (`64.78`, 9) → 64780000000n.
 * Throws RangeError where it is no number, needs more digits than the scale has, or passes 64 bits.
 */
export function parseScaled(text: string, scale: number): bigint {
  const match = text.length <= TEXT_LENGTH_MAX ? /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text) : null;
  if (match === null) {
    throw new RangeError(`reading the number ${quoted(text)}: expected decimal digits such as 64.78`);
  }
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) {
    throw new RangeError(
      `reading the number ${quoted(text)}: it has ${fraction.length} decimals, this scale holds ${scale}`,
    );
  }
  const magnitude = BigInt(match[2] + fraction.padEnd(scale, '0'));
  return within64(match[1] === '-' ? -magnitude : magnitude, 'number', text);
}

/** ns since 1970 of the parts of an ISO time, or null where a part is out of its range. */
function nsOf(match: RegExpExecArray): bigint | null {
  const [year, month, day, hour, minute] = match.slice(1, 6).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const second = Number(match[6] ?? 0);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  const offsetHour = Number(match[10] ?? 0);
  const offsetMinute = Number(match[11] ?? 0);
  if (hour > 23 || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) return null;
  const offset = (offsetHour * 60 + offsetMinute) * (match[9] === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 + (hour * 60 + minute - offset) * 60 + second;
  return BigInt(seconds) * NS_PER_SECOND + BigInt((match[7] ?? '').padEnd(9, '0'));
}

function within64(value: bigint, what: string, text: string): bigint {
  if (value < INT64_MIN || value > INT64_MAX) {
    throw new RangeError(`reading the ${what} ${quoted(text)}: it does not fit a signed 64-bit integer`);
  }
  return value;
}

/** Puts the decimal point in front of the last `scale` digits. */
function withPoint(digits: string, scale: number): string {
  if (scale === 0) return digits;
  const padded = digits.length > scale ? digits : digits.padStart(scale + 1, '0');
  return `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text);
}
