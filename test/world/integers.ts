import fc from 'fast-check';

/** Unsigned integers of 64 bits of every length, and those beside powers of ten and two. */
export const anyUnsigned: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt(0n, (1n << 64n) - 1n),
  fc
    .tuple(fc.bigInt(0n, 63n), fc.bigInt(-2n, 2n))
    .map(([bits, delta]) => BigInt.asUintN(64, (1n << bits) + delta)),
  fc
    .tuple(fc.bigInt(0n, 19n), fc.bigInt(-2n, 2n))
    .map(([digits, delta]) => BigInt.asUintN(64, 10n ** digits + delta)),
  fc.bigInt(0n, 100_000n),
);
