/**
 * Nanosecond times as two signed 32-bit halves (high, low) of the 64-bit integer, because doubles cannot hold
 * ns since 1970 exactly and BigInt allocates.
 */

const TWO_32 = 4294967296;

/** `a − b` in ns. Exact while the difference is below 2^53. */
export function nsBetween(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  return (aHigh - bHigh) * TWO_32 + ((aLow >>> 0) - (bLow >>> 0));
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
