import type { Market } from '../book/market.ts';
import { ORDER_BOOK_SIDE } from '../book/store.ts';
import type { EventBatch } from '../event/batch.ts';
import * as record from '../event/record.ts';

// V8 folds a module's own constants into its code and loads imported ones each time.
const { EXT_WORD_RELATED_ID, RECORD_WORDS, WORD_BOOK, WORD_ID, WORD_PRICE } = record;
const HEAD_ASK: number = record.FLAG_ASK << 8;
const HEAD_INFORMS: number = record.FLAG_INFORMS << 8;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const HEAD_BY_KIND: number = record.FLAG_BY_KIND << 8;
const HEAD_BEFORE_RELATED: number = (record.FLAG_BEFORE | record.FLAG_EXTENDED) << 8;
const TWO_32 = 4294967296;
const EXACT_MAX: number = Number.MAX_SAFE_INTEGER;

/** Is told which parts of the books of a market events are about to change. */
export interface Touched {
  /** An order may change, go, or get another one in front of it. */
  order(slot: number, bookSide: number): void;
  /** An order or a quantity may come to the level with the key in `levels.key` of the market, there or not. */
  price(bookSide: number): void;
  /** All levels of a side may go. */
  side(bookSide: number): void;
}

/**
 * Finds what the records `from` … `to − 1` of a batch will change when they are applied, or more: what an event does not
 * change after all is told, too. Only looks things up, so an event whose order may have come, or gone to another side,
 * with one in front of it ends the search: what is in front has to be applied first.
 * @returns up to which record, at least one event behind `from`.
 */
export function findTouched(
  market: Market,
  batch: EventBatch,
  from: number,
  to: number,
  touched: Touched,
): number {
  const { words } = batch;
  const { rules } = market;
  for (let index = from; index < to; ) {
    const at = index * RECORD_WORDS;
    const head = words[at]!;
    const next = index + ((head & HEAD_EXTENDED) !== 0 ? 2 : 1);
    const book = words[at + WORD_BOOK]!;
    const wanted = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    switch (head & 255) {
      case record.KIND_ADD:
        if (book >= 0 && touchEntry(market, words, at, wanted, touched)) return next;
        break;
      case record.KIND_DELETE:
      case record.KIND_REDUCE:
        touchOrder(market, words, at + WORD_ID, wanted, touched);
        break;
      case record.KIND_EXECUTE:
        if ((head & HEAD_INFORMS) === 0) touchOrder(market, words, at + WORD_ID, wanted, touched);
        break;
      case record.KIND_MODIFY: {
        const bookSide = touchOrder(market, words, at + WORD_ID, wanted, touched);
        if (bookSide < 0 && index > from) return index;
        const isMove = (head & HEAD_BY_KIND) === 0;
        if (bookSide >= 0 && isMove) touchPrice(market, words, at, bookSide, touched);
        // The order may have gone with an event in front.
        if (rules.modifyUnknown === 'add' && book >= 0) {
          if (bookSide !== wanted || !isMove) touchPrice(market, words, at, wanted, touched);
          if (bookSide !== wanted) return next;
        }
        break;
      }
      case record.KIND_REPLACE: {
        const related = at + RECORD_WORDS + EXT_WORD_RELATED_ID;
        const isExtended = (head & HEAD_EXTENDED) !== 0;
        const bookSide = isExtended ? touchOrder(market, words, related, wanted, touched) : -1;
        if (bookSide < 0 && index > from) return index;
        if (bookSide >= 0 && touchEntry(market, words, at, bookSide, touched)) return next;
        if (rules.replaceUnknown === 'add' && book >= 0 && bookSide !== wanted) {
          touchEntry(market, words, at, wanted, touched);
          return next;
        }
        break;
      }
      case record.KIND_LEVEL:
        if (book >= 0) touchPrice(market, words, at, wanted, touched);
        break;
      case record.KIND_CLEAR:
        if (book < 0) touchBooks(market, -1, touched);
        else {
          const isOneSide = (head & HEAD_BY_KIND) !== 0;
          if (!isOneSide || (wanted & 1) === 0) touched.side(book << 1);
          if (!isOneSide || (wanted & 1) === 1) touched.side((book << 1) | 1);
        }
        break;
      case record.KIND_SESSION:
        touchBooks(market, batch.channel, touched);
        break;
      default:
        break;
    }
    index = next;
  }
  return to;
}

/**
 * Touches what an order that enters does: its price, the order that it goes before, and the one that has its id.
 * @returns whether that one is on another side: the id is there from now on.
 */
function touchEntry(
  market: Market,
  words: Int32Array,
  at: number,
  bookSide: number,
  touched: Touched,
): boolean {
  if ((words[at]! & HEAD_BEFORE_RELATED) === HEAD_BEFORE_RELATED)
    touchOrder(market, words, at + RECORD_WORDS + EXT_WORD_RELATED_ID, bookSide, touched);
  const twin = touchOrder(market, words, at + WORD_ID, bookSide, touched);
  touchPrice(market, words, at, bookSide, touched);
  return twin >= 0 && twin !== bookSide;
}

/** Touches an order. @returns the side that it is on, −1 = it is not there. */
function touchOrder(
  market: Market,
  words: Int32Array,
  idAt: number,
  wanted: number,
  touched: Touched,
): number {
  const slot = market.findOrder(words[idAt]!, words[idAt + 1]!, wanted);
  if (slot === 0) return -1;
  const bookSide = market.orders.words[slot * 8 + ORDER_BOOK_SIDE]!;
  touched.order(slot, bookSide);
  return bookSide;
}

function touchPrice(market: Market, words: Int32Array, at: number, bookSide: number, touched: Touched): void {
  const high = words[at + WORD_PRICE + 1]!;
  const low = words[at + WORD_PRICE]!;
  const price = high * TWO_32 + (low >>> 0);
  const { key } = market.levels;
  if (price <= EXACT_MAX && price >= -EXACT_MAX) key[0] = (bookSide & 1) !== 0 ? 0 - price : price;
  else if (high === record.NULL_PRICE_HIGH && low === record.NULL_PRICE_LOW)
    key[0] = Number.POSITIVE_INFINITY;
  // No book takes it.
  else return;
  touched.price(bookSide);
}

/** Touches all books of a channel, or of all. */
function touchBooks({ books, dictionary }: Market, channel: number, touched: Touched): void {
  for (let book = 0; book < books; book += 1) {
    if (channel >= 0 && dictionary.books[book]?.channel !== channel) continue;
    touched.side(book << 1);
    touched.side((book << 1) | 1);
  }
}
