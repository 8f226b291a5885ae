import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExactDecimal } from '../../../../src/core/pipeline/diff/exact-decimal.ts';

function formOf(units: number, scale: number): string {
  const decimal = new ExactDecimal();
  decimal.units[0] = units;
  decimal.normalize(scale);
  const mantissa = (BigInt(decimal.high) << 32n) | BigInt(decimal.low >>> 0);
  return `${mantissa} ${decimal.exponent}`;
}

/** The same the plain way. */
function plainForm(units: number, scale: number): string {
  let mantissa = BigInt(units);
  let exponent = -scale;
  if (mantissa === 0n) return '0 0';
  for (; mantissa % 10n === 0n; mantissa /= 10n) exponent += 1;
  return `${mantissa} ${exponent}`;
}

test('a decimal has one form in all scales', () => {
  void fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -999, max: 999 })),
      fc.integer({ min: 0, max: 18 }),
      fc.integer({ min: 0, max: 12 }),
      (units, scale, more) => {
        expect(formOf(units, scale)).toBe(plainForm(units, scale));
        const wider = units * 10 ** more;
        if (Number.isSafeInteger(wider)) expect(formOf(wider, scale + more)).toBe(formOf(units, scale));
      },
    ),
    { numRuns: 2000 },
  );
  expect(formOf(9e15, 0)).toBe('9 15');
  expect(formOf(Number.POSITIVE_INFINITY, 4)).not.toBe(formOf(0, 4));
});
