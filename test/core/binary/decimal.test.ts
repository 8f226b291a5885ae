import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decimal, putInteger, putNine, widthOf } from '../../../src/core/binary/decimal.ts';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { anyUnsigned } from '../../world/integers.ts';

const AT = 3;
const OTHER = 0x2e;
const bytes = Buffer.alloc(32);
const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** What stands where digits were put, with what is beside them. */
function put(width: number, write: () => void): string {
  bytes.fill(OTHER);
  write();
  expect(bytes.subarray(0, AT).equals(Buffer.alloc(AT, OTHER))).toBe(true);
  expect(bytes.subarray(AT + width).equals(Buffer.alloc(bytes.length - AT - width, OTHER))).toBe(true);
  return bytes.toString('latin1', AT, AT + width);
}

describe('decimal digits', () => {
  it('are those of integers of 64 bits, one after another, and nothing beside them is written', () => {
    const decimal = new Decimal();
    const property = fc.property(anyUnsigned, (value) => {
      const signed = BigInt.asIntN(64, value);
      decimal.unsigned(bigHigh(value), bigLow(value));
      expect(put(decimal.width, () => decimal.put(view, AT))).toBe(String(value));
      decimal.signed(bigHigh(value), bigLow(value));
      expect(put(decimal.width, () => decimal.put(view, AT))).toBe(String(signed));
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it('are those of safe integers', () => {
    const property = fc.property(anyUnsigned, (bits) => {
      const value = Number(bits & 0x1f_ffff_ffff_ffffn);
      const width = widthOf(value);
      expect(put(width, () => putInteger(view, AT, width, value))).toBe(String(value));
    });
    fc.assert(property, { numRuns: 3000 });
  });

  it('have zeros in front where there are nine of them', () => {
    const property = fc.property(anyUnsigned, (bits) => {
      const value = Number(bits % 1_000_000_000n);
      expect(put(9, () => putNine(view, AT, value))).toBe(String(value).padStart(9, '0'));
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
