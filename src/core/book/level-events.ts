import * as record from '../event/record.ts';
import { BOOK_OF_LEVELS, BOOK_OF_ORDERS, type BookStates } from './book-states.ts';
import type { PriceLevels } from './price-levels.ts';
import * as store from './store.ts';
import { REJECT_BOOK, REJECT_MIXED, REJECT_QUANTITY } from './tally.ts';

const HEAD_ASK: number = record.FLAG_ASK << 8;
const NULL_PRICE_HIGH = record.NULL_PRICE_HIGH;
const NULL_PRICE_LOW = record.NULL_PRICE_LOW;
const WORD_ID = record.WORD_ID;
const WORD_PRICE = record.WORD_PRICE;
const WORD_QUANTITY = record.WORD_QUANTITY;
const LEVEL_COUNT = store.LEVEL_COUNT;
const LEVEL_QUANTITY_DOUBLE = store.LEVEL_QUANTITY_DOUBLE;
const TWO_32 = 4294967296;
const EXACT_MAX: number = Number.MAX_SAFE_INTEGER;

/** Puts the key of the price of the record at word `at` into `levels.key`; false when the price is out of range. */
export function readKey(levels: PriceLevels, words: Int32Array, at: number, bookSide: number): boolean {
  const high = words[at + WORD_PRICE + 1]!;
  const low = words[at + WORD_PRICE]!;
  const price = high * TWO_32 + (low >>> 0);
  if (price > EXACT_MAX || price < -EXACT_MAX) {
    if (high !== NULL_PRICE_HIGH || low !== NULL_PRICE_LOW) return false;
    levels.key[0] = Number.POSITIVE_INFINITY;
    return true;
  }
  levels.key[0] = (bookSide & 1) !== 0 ? 0 - price : price;
  return true;
}

/** Applies what feeds without orders say of a price level: its quantity and its count, 0 = it is gone. */
export class LevelEvents {
  readonly #levels: PriceLevels;
  readonly #states: BookStates;

  constructor(levels: PriceLevels, states: BookStates) {
    this.#levels = levels;
    this.#states = states;
  }

  set(words: Int32Array, at: number, head: number, book: number): void {
    const states = this.#states;
    const levels = this.#levels;
    if (book < 0) {
      states.reject(REJECT_BOOK);
      return;
    }
    const bookSide = (book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0);
    const quantity = words[at + WORD_QUANTITY + 1]! * TWO_32 + (words[at + WORD_QUANTITY]! >>> 0);
    if (quantity < 0) {
      states.reject(REJECT_QUANTITY);
      return;
    }
    if (quantity > EXACT_MAX || !readKey(levels, words, at, bookSide)) {
      states.rejectRange(book);
      return;
    }
    if (states.kind[book] === BOOK_OF_ORDERS) {
      if (levels.holds(book)) {
        states.reject(REJECT_MIXED);
        return;
      }
      states.kind[book] = BOOK_OF_LEVELS;
    }
    if (quantity === 0) {
      const level = levels.find(bookSide);
      if (level === 0 || levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] === 0) return;
      levels.words[level * 8 + LEVEL_COUNT] = 0;
      levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = 0;
      levels.vacate(level);
      return;
    }
    const level = levels.at(bookSide);
    if (level === 0) {
      states.rejectFull(book);
      return;
    }
    if (levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] === 0) levels.occupy(level);
    levels.words[level * 8 + LEVEL_COUNT] = words[at + WORD_ID]!;
    levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE] = quantity;
  }
}
