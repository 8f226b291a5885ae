import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bigHigh, bigLow, toBigInt } from '../../../src/core/binary/time.ts';
import { TimeUnit } from '../../../src/core/capture/time-unit.ts';

test('agrees with whole-number arithmetic for every resolution and offset', () => {
  const resolution = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0, 3, 6, 9, 10, 12, 0x80, 0x9f, 0xa0, 0xa1),
  );
  const offset = fc.oneof(fc.constant(0n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
  fc.assert(
    fc.property(resolution, offset, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (unit, seconds, count) => {
      const digits = BigInt(unit & 0x7f);
      const perSecond = unit & 0x80 ? 2n ** digits : 10n ** digits;
      const expected = BigInt.asIntN(64, (count * 10n ** 9n) / perSecond + seconds * 10n ** 9n);
      const converter = new TimeUnit(unit, seconds);
      converter.convert(bigHigh(count), bigLow(count));
      expect(toBigInt(converter.high, converter.low)).toBe(expected);
    }),
    { numRuns: 3000 },
  );
});
