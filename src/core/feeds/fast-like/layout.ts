/**
 * The FAST-like format (README.md beside this file). All integers but the packet number are varints.
 *
 *     packet    number u64 big-endian | message …
 *     message   presence map | template id | body length in bytes | body
 *
 *     1 add     order id | instrument, low 32 bits | side u8 | price zigzag | quantity zigzag
 *     2 modify  order id | quantity zigzag: the new total
 *     3 delete  order id
 *     4 trade   instrument | price zigzag | quantity zigzag | PRESENT_MAKER: order id | PRESENT_TAKER: side u8
 */

export const NUMBER_BYTES = 8;

export const TEMPLATE_ADD = 1;
export const TEMPLATE_MODIFY = 2;
export const TEMPLATE_DELETE = 3;
export const TEMPLATE_TRADE = 4;

/** Bits of a trade's presence map. */
export const PRESENT_MAKER = 1;
export const PRESENT_TAKER = 2;

/** Any other value than 0 is an ask; 1 is what is written. */
export const WIRE_BID = 0;
export const WIRE_ASK = 1;

/** Longest varint: 64 bits, 7 in a byte. */
export const VARINT_BYTES_MAX = 10;
/** Behind so many bytes a presence map ends, whatever the last one says. */
export const PRESENCE_BYTES_MAX = 9;

/** Decimal digits: prices and quantities are plain integers. */
export const SCALE = 0;

export function typeName(template: number): string {
  return String(template);
}
