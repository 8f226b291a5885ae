import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../src/core/binary/crc32c.ts';

const sum = (bytes: Uint8Array, from = 0, length = bytes.length): number =>
  crc32c(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), from, length) >>> 0;

/** Bit by bit, as the polynomial is defined. */
function reference(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('CRC32C', () => {
  // RFC 3720, appendix B.4, and the check value of the catalogues.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['0 … 31', Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    ['31 … 0', Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113fdb5c],
    ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(0), 0],
  ])('%s', (_, bytes, expected) => {
    expect(sum(bytes)).toBe(expected);
  });

  it('is that of the definition at every offset and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, skip) => {
        const from = Math.min(skip, bytes.length);
        expect(sum(bytes, from, bytes.length - from)).toBe(reference(bytes.subarray(from)));
      }),
    );
  });

  it('continues', () => {
    const bytes = Uint8Array.from({ length: 61 }, (_, at) => at * 7);
    const view = new DataView(bytes.buffer);
    expect(crc32c(view, 20, 41, crc32c(view, 0, 20))).toBe(crc32c(view, 0, 61));
  });
});
