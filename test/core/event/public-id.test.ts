import { expect, test } from 'vitest';
import { bigHigh, bigLow, toBigUint } from '../../../src/core/binary/time.ts';
import { PublicId } from '../../../src/core/event/public-id.ts';

function publicId(instrument: bigint, ask: boolean, id: bigint): bigint {
  const made = new PublicId();
  made.hash(7n, !ask, 1, 2);
  made.hash(instrument, ask, bigHigh(id), bigLow(id));
  return toBigUint(made.high, made.low);
}

test('known numbers of a T7 engine', () => {
  expect(publicId(1n, false, 10_000_000n)).toBe(0x2a815d8f48993411n);
  expect(publicId(12345n, true, 1_700_000_000_000_000_000n)).toBe(0xea85e4a3d2152ccen);
});

test('differs by side, instrument and id, also in their high halves', () => {
  const ids = [
    publicId(1n, false, 1n),
    publicId(1n, true, 1n),
    publicId(2n, false, 1n),
    publicId(1n, false, 2n),
    publicId((1n << 40n) | 1n, false, 1n),
    publicId(1n, false, (1n << 40n) | 1n),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});
