/**
 * The event record: 40 bytes, 10 little-endian 32-bit words, written once by a decoder and then read by the
 * book, the journal, pipes and rings alike (docs/journal.md).
 *
 *     word 0   kind u8 | flags u8 | message number − base of the channel, u16
 *     word 1   book number u32 (NO_BOOK: the feed names no instrument; what changes an order then says no side either)
 *     word 2-3 order id        low, high
 *     word 4-5 price           low, high   wire integer in the book's price scale
 *     word 6-7 quantity        low, high   wire integer in the book's quantity scale
 *     word 8   venue time   − base of the batch, i32 ns
 *     word 9   receive time − base of the batch, u32 ns
 *
 * A record with the flag `extended` is followed by a second 40-byte record that belongs to it:
 *
 *     word 0   255 u8 | aggressor side u8 (0 none, 1 bid, 2 ask) | trade condition u16
 *     word 1   attributes handle, 0 = none
 *     word 2-3 related id      low, high   replace: the order that leaves
 *     word 4-5 execution price low, high
 *     word 6-7 match id        low, high
 *     word 8-9 zero
 *
 * What the words hold per kind, where it is not obvious from their names:
 *
 *     replace            order id = the new order, related id = the one that leaves
 *     execute            quantity = decrement; without an execution price the order's own price counts
 *     execute, trade     trade condition: the venue's code, or CONDITION_NON_PRINTABLE
 *     trade              price and quantity of the print; order id = what the venue names, or 0
 *     level              quantity = absolute; order id = the order count of the level, 0 = unknown
 *     status, venue,
 *     definition         quantity low = the venue's message type; price low = the venue's state code, or 0
 *     gap                order id = first missing number, quantity = how many, price low = GapState; with a book:
 *                        something of that book is lost, how much the feed does not say (both 0)
 *     session, reset     order id = first number expected, quantity 0
 */

export const RECORD_WORDS = 10;
export const RECORD_BYTES = 40;

export const WORD_HEAD = 0;
export const WORD_BOOK = 1;
export const WORD_ID = 2;
export const WORD_PRICE = 4;
export const WORD_QUANTITY = 6;
export const WORD_VENUE_TIME = 8;
export const WORD_RECEIVE_TIME = 9;

/** Words of the second record of an extended event, counted from the start of that second record. */
export const EXT_WORD_ATTRIBUTES = 1;
export const EXT_WORD_RELATED_ID = 2;
export const EXT_WORD_PRICE = 4;
export const EXT_WORD_MATCH_ID = 6;

/** Value of word 1 when the event names no book. */
export const NO_BOOK = -1;

export const KIND_ADD = 1;
export const KIND_MODIFY = 2;
export const KIND_REPLACE = 3;
export const KIND_REDUCE = 4;
export const KIND_DELETE = 5;
export const KIND_EXECUTE = 6;
export const KIND_TRADE = 7;
export const KIND_LEVEL = 8;
export const KIND_CLEAR = 9;
export const KIND_STATUS = 10;
export const KIND_DEFINITION = 11;
export const KIND_GAP = 12;
export const KIND_RESET = 13;
export const KIND_SESSION = 14;
export const KIND_VENUE = 15;
/** First byte of the second record of an extended event. */
export const KIND_EXTENSION = 255;

/** Names of the kinds as reports print them; index = kind. */
export const KIND_NAMES: readonly string[] = [
  '',
  'add',
  'modify',
  'replace',
  'reduce',
  'delete',
  'execute',
  'trade',
  'level',
  'clear',
  'status',
  'definition',
  'gap',
  'reset',
  'session',
  'venue',
];

/** The group ends here: the book is consistent. */
export const FLAG_LAST = 1;
export const FLAG_SNAPSHOT = 2;
export const FLAG_ASK = 4;
export const FLAG_KEEP_PRIORITY = 8;
/** An execute whose book change comes as an event of its own: the book only checks the id. */
export const FLAG_INFORMS = 16;
/** An add that enters before the order `related`. */
export const FLAG_BEFORE = 32;
export const FLAG_EXTENDED = 64;
/** modify: only the quantity changes · execute: what is left goes · clear: one side, named by FLAG_ASK. */
export const FLAG_BY_KIND = 128;
export const FLAG_QUANTITY_ONLY: typeof FLAG_BY_KIND = FLAG_BY_KIND;
export const FLAG_FULL: typeof FLAG_BY_KIND = FLAG_BY_KIND;
export const FLAG_ONE_SIDE: typeof FLAG_BY_KIND = FLAG_BY_KIND;

export const SIDE_NONE = 0;
export const SIDE_BID = 1;
export const SIDE_ASK = 2;

/** Trade condition of what is left out of volume and last sale; other conditions are the venue's. */
export const CONDITION_NON_PRINTABLE = 0xfffe;

export const GAP_OPEN = 1;
export const GAP_FILLED = 2;
export const GAP_LOST = 3;

/** High and low half of the null price (a market order): −2^63. */
export const NULL_PRICE_HIGH = -0x80000000;
export const NULL_PRICE_LOW = 0;
