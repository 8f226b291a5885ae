import { KIND_BY_RTYPE, WORD_BYTES } from './layout.ts';

/*
 * The records that show prices: trades, and those with levels of a book. All have their fields in the same words:
 *
 *      4  price, low and high        7  u8 action · u8 side · u8 flags · u8 depth
 *      6  size                       8  receive time, low and high
 *     12  levels of 8 words: bid price, ask price (two words each), bid size, ask size, bid count, ask count
 *
 * bbo- and cbbo- records have no action. In consolidated levels (c-) publishers stand in place of the counts.
 */

export const LEVEL_WORDS = 8;
export const LEVELS_WORD = 12;

/** What a record of these does, in bits: see `levelKind`. */
export const SHOWS_LEVELS = 15;
/** It has an action: it may be a trade or a clear, and F_LAST ends its group. Otherwise it is one of an interval. */
export const HAS_ACTION = 16;
/** The levels count orders. */
export const HAS_COUNTS = 32;
/** The levels are those from before the trade. */
export const SHOWS_BEFORE = 64;
export const IS_LEVEL_KIND = 128;

const TRADES = 0x00;
const MBP_1 = 0x01;

const KINDS: Int32Array = new Int32Array(256);
const WORDS: Int32Array = new Int32Array(256);
const add = (rtype: number, kind: number): void => {
  KINDS[rtype] = IS_LEVEL_KIND | kind;
  WORDS[rtype] = KIND_BY_RTYPE[rtype]!.bytes[0] / WORD_BYTES;
};
add(TRADES, HAS_ACTION);
add(MBP_1, 1 | HAS_ACTION | HAS_COUNTS);
add(0x0a, 10 | HAS_ACTION | HAS_COUNTS);
add(0xb1, 1 | HAS_ACTION);
add(0xc2, 1 | HAS_ACTION | SHOWS_BEFORE);
add(0xc0, 1);
add(0xc1, 1);
add(0xc3, 1 | HAS_COUNTS);
add(0xc4, 1 | HAS_COUNTS);

/**
 * What a record of an rtype shows, as bits: how many levels (SHOWS_LEVELS), and HAS_ACTION, HAS_COUNTS, SHOWS_BEFORE;
 * 0 = it is none of these records, or shorter than its type.
 * @param tbbo is mbp-1 what the schema tbbo means by it? They share their rtype.
 */
export function levelKind(head: number, tbbo: boolean): number {
  const rtype = (head >>> 8) & 0xff;
  const kind = KINDS[rtype];
  if (kind === 0 || (head & 0xff) < WORDS[rtype]) return 0;
  return tbbo && rtype === MBP_1 ? kind | SHOWS_BEFORE : kind;
}

/** Does the record say by itself that it is a trade, whatever its action? */
export function isTradeType(head: number): boolean {
  return ((head >>> 8) & 0xff) === TRADES;
}
