import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { UnixTime } from '../../../src/core/net/linux/unix-time.ts';

it('seconds and nanoseconds become the halves of their sum', () => {
  const time = new UnixTime();
  const seconds = fc.oneof(
    fc.integer({ min: 0, max: 0xffff_ffff }),
    fc.constantFrom(0, 1, 4, 5, 0xffff_ffff),
  );
  const nanoseconds = fc.array(fc.integer({ min: 0, max: 999_999_999 }), { minLength: 1, maxLength: 4 });
  void fc.assert(
    fc.property(seconds, nanoseconds, (second, parts) => {
      for (const part of parts) {
        time.set(second, part);
        const expected = BigInt(second) * 1_000_000_000n + BigInt(part);
        expect([time.high, time.low]).toEqual([bigHigh(expected), bigLow(expected)]);
      }
    }),
  );
});
