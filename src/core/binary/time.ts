/**
 * Nanosecond times as two signed 32-bit halves (high, low) of the 64-bit integer, because doubles cannot hold
 * ns since 1970 exactly and BigInt allocates.
 */

const TWO_32 = 4294967296;

/** `a − b` in ns. Exact while the difference is below 2^53. */
export function nsBetween(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  return (aHigh - bHigh) * TWO_32 + ((aLow >>> 0) - (bLow >>> 0));
}

/** High half of `seconds × 10^9 + nanos`; seconds an integer in 0 … 2^33, nanos an integer in 0 … 2^32. */
export function nsHigh(seconds: number, nanos: number): number {
  // 10^9 = 15258 × 2^16 + 51712; both products stay below 2^53.
  const upper = seconds * 15258;
  const lower = seconds * 51712 + nanos;
  return Math.floor((upper + Math.floor(lower / 65536)) / 65536) | 0;
}

/** Low half of `seconds × 10^9 + nanos`. */
export function nsLow(seconds: number, nanos: number): number {
  const upper = seconds * 15258;
  const lower = seconds * 51712 + nanos;
  const middle = upper + Math.floor(lower / 65536);
  return ((middle % 65536) * 65536 + (lower % 65536)) | 0;
}

/** The signed 64-bit integer that two halves make; for text and reports, never per event. */
export function toBigInt(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** The unsigned 64-bit integer that two halves make. */
export function toBigUint(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Halves of a 64-bit integer (its low 64 bits). */
export function bigHigh(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

export function bigLow(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}
