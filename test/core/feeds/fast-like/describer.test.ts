import { expect, test } from 'vitest';
import { FastLikeDescriber } from '../../../../src/core/feeds/fast-like/describer.ts';

function describeHex(hex: string): object | null {
  const bytes = Uint8Array.from(hex.split(' '), (byte) => Number.parseInt(byte, 16));
  return new FastLikeDescriber().describe(bytes, 0, bytes.length);
}

test.each([
  [
    '00 01 08 E9 07 07 00 CA E5 01 32',
    'Add',
    { template: 1, order_id: 1001n, instrument: 7, side: 0, price: 14693n, quantity: 25n },
  ],
  ['00 02 03 E9 07 28', 'Mod', { template: 2, order_id: 1001n, quantity: 20n }],
  [
    '03 04 08 07 CA E5 01 0A E9 07 01',
    'Trade',
    { template: 4, instrument: 7, price: 14693n, quantity: 5n, maker_order_id: 1001n, taker_side: 1 },
  ],
  ['00 03 02 E9 07', 'Del', { template: 3, order_id: 1001n }],
])('%s', (hex, schema, fields) => {
  expect(describeHex(hex)).toEqual({ schema, fields });
});

test('what a trade does not have is null', () => {
  expect(describeHex('00 04 05 07 CA E5 01 0A')).toEqual({
    schema: 'Trade',
    fields: {
      template: 4,
      instrument: 7,
      price: 14693n,
      quantity: 5n,
      maker_order_id: null,
      taker_side: null,
    },
  });
});

test('unknown templates and short bodies are not read', () => {
  expect(describeHex('00 05 01 07')).toBeNull();
  expect(describeHex('00 02 02 E9 07')).toBeNull();
});
