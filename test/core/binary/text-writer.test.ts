import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Literal, TextWriter } from '../../../src/core/binary/text-writer.ts';
import { bigHigh, bigLow } from '../../../src/core/binary/time.ts';
import { anyUnsigned } from '../../world/integers.ts';

const writer = new TextWriter(65_536);

function written(write: (writer: TextWriter) => void): string {
  writer.used = 0;
  // What was there before must not show.
  writer.bytes.fill(0xee, 0, 512);
  write(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.used)).toString('utf8');
}

const anySigned = anyUnsigned.map((value) => BigInt.asIntN(64, value));

const decimal = (value: bigint, scale: number): string => {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return value < 0n ? `-${text}` : text;
};

describe('the text writer', () => {
  it('writes integers of 64 bits', () => {
    fc.assert(
      fc.property(anyUnsigned, anySigned, (unsigned, signed) => {
        expect(written((text) => text.unsigned(bigHigh(unsigned), bigLow(unsigned)))).toBe(String(unsigned));
        expect(written((text) => text.signed(bigHigh(signed), bigLow(signed)))).toBe(String(signed));
      }),
      { numRuns: 2000 },
    );
  });

  it('writes scaled integers with all digits of their scale', () => {
    fc.assert(
      fc.property(anySigned, fc.integer({ min: 0, max: 20 }), (value, scale) => {
        expect(written((text) => text.scaled(bigHigh(value), bigLow(value), scale))).toBe(
          decimal(value, scale),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('writes times one after another, whatever the one before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyUnsigned, fc.bigInt(10n ** 18n, 10n ** 18n + 3n * 10n ** 9n))),
        (times) => {
          for (const time of times) {
            expect(written((text) => text.time(bigHigh(time), bigLow(time)))).toBe(String(time));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('writes safe integers', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(written((text) => text.integer(value))).toBe(String(value));
      }),
    );
  });

  it('copies literals of any length and character, to any place', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 120 }), { maxLength: 4 }), (texts) => {
        const whole = written((text) => {
          for (const each of texts) text.literal(new Literal(each));
        });
        expect(whole).toBe(Buffer.from(texts.join(''), 'utf8').toString('utf8'));
      }),
    );
    // Bytes that are no number as a double.
    const odd = `${'\u007f'.repeat(8)}ÿ\u{10ffff}\u007f\u{10ffff}ab\u007f`;
    expect(written((text) => text.literal(new Literal(odd)))).toBe(odd);
  });
});
