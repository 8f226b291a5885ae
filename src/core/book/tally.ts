/** What a market counts; slots of one Float64Array, so that counting in the hot loop allocates nothing. */
export const TALLY_UNKNOWN_MODIFY = 0;
export const TALLY_UNKNOWN_REPLACE = 1;
export const TALLY_UNKNOWN_REDUCE = 2;
export const TALLY_UNKNOWN_DELETE = 3;
export const TALLY_UNKNOWN_EXECUTE = 4;
export const TALLY_UNKNOWN_INFORMS = 5;
/** Add of an id that was live: the old order went. */
export const TALLY_DUPLICATE_ORDER = 6;
/** Reduce or execute of more than was left: the order went. */
export const TALLY_OVER_REDUCED = 7;
export const TALLY_CROSSED_AT_LAST = 8;
export const TALLY_LOCKED_AT_LAST = 9;
/** Events with the flag `last`. */
export const TALLY_GROUPS = 10;
/** Executes with the flag `informs`. */
export const TALLY_INFORMS = 11;
/** Rejected events by reason: TALLY_REJECTED + REJECT_*. */
export const TALLY_REJECTED = 12;

/** Quantity that is not above zero (below zero in a modify or level). */
export const REJECT_QUANTITY = 0;
/** Price, quantity or the level's total beyond 2^53−1; the book is stale from then on. */
export const REJECT_RANGE = 1;
/** A modify that names another side than the order has. */
export const REJECT_SIDE = 2;
/** Orders into a book of price levels, or a price level into a book of orders. */
export const REJECT_MIXED = 3;
/** The order store is full; the book is stale from then on. */
export const REJECT_FULL = 4;
/** An event without a book that needs one (the dictionary of books is full); nothing could be marked stale. */
export const REJECT_BOOK = 5;

/** Names of the reasons as reports print them; index = REJECT_*. */
export const REJECT_NAMES: readonly string[] = ['quantity', 'range', 'side', 'mixed', 'full', 'book'];

export const TALLY_SLOTS: number = TALLY_REJECTED + REJECT_NAMES.length;
