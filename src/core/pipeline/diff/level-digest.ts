import type { Market } from '../../book/market.ts';
import {
  LEVEL_BOOK_SIDE,
  LEVEL_HEAD,
  LEVEL_QUANTITY_DOUBLE,
  ORDER_BOOK_SIDE,
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_NEXT,
  ORDER_QUANTITY_DOUBLE,
} from '../../book/store.ts';
import { PublicId } from '../../event/public-id.ts';
import { ExactDecimal } from './exact-decimal.ts';

/** Both words of the quantity of an order, in its record. */
const ORDER_QUANTITY_WORD = ORDER_QUANTITY_DOUBLE * 2;
/** Words per order that is remembered: those it is recognised by as they are in its record, then its two hashes. */
const KNOWN_WORDS = 8;
const KNOWN_HASHES = 5;

/**
 * What a price level holds, as two 64-bit digests of 32-bit halves: one of its queue (the quantities of its orders, the
 * oldest first, with their ids where those count) and one of its total. Quantities go in as exact decimals, so the
 * digests of two feeds with other scales can be compared. A level that holds nothing has zeros, and only that one.
 *
 * A queue is walked whole each time. What its orders are worth is remembered by their slots, so that the walk is short work
 * per order.
 */
export class LevelDigest {
  queueA = 0;
  queueB = 0;
  totalA = 0;
  totalB = 0;
  readonly #withIds: boolean;
  readonly #decimal: ExactDecimal = new ExactDecimal();
  readonly #publicId: PublicId = new PublicId();
  #known: Int32Array = new Int32Array(0);
  /** Hashes of the order or quantity at hand. */
  #a = 0;
  #b = 0;

  /** @param withIds the public ids of orders are part of their queue. */
  constructor(withIds: boolean) {
    this.#withIds = withIds;
  }

  /** Takes the digests of a level; 0 = no level. */
  take(market: Market, level: number): void {
    this.queueA = 0;
    this.queueB = 0;
    this.totalA = 0;
    this.totalB = 0;
    const { words, doubles } = market.levels;
    const total = doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!;
    if (level === 0 || total === 0) return;
    const book = words[level * 8 + LEVEL_BOOK_SIDE]! >> 1;
    this.#decimal.units[0] = total;
    this.#hashDecimal(market.dictionary.books[book]!.quantityScale);
    this.totalA = this.#a;
    this.totalB = this.#b | 1;
    if (market.bookKind[book] === 0) this.#takeQueue(market, words[level * 8 + LEVEL_HEAD]!);
    else {
      this.queueA = this.totalA;
      this.queueB = this.totalB;
    }
  }

  /** Two lanes that have nothing in common, each of which tells the hash of an order and its place apart. */
  #takeQueue(market: Market, head: number): void {
    const { words } = market.orders;
    if (this.#known.length !== words.length) this.#known = new Int32Array(words.length);
    const known = this.#known;
    let a = 0x243f6a88;
    let b = 0x13198a2e;
    for (let slot = head; slot !== 0; ) {
      const order = slot * KNOWN_WORDS;
      if (
        known[order] !== words[order + ORDER_QUANTITY_WORD] ||
        known[order + 1] !== words[order + ORDER_QUANTITY_WORD + 1] ||
        known[order + 2] !== words[order + ORDER_ID_LOW] ||
        known[order + 3] !== words[order + ORDER_ID_HIGH] ||
        known[order + 4] !== words[order + ORDER_BOOK_SIDE]
      ) {
        this.#learn(market, slot);
      }
      a = Math.imul(((a << 7) | (a >>> 25)) ^ known[order + KNOWN_HASHES]!, 0x2c1b3c6d);
      b = Math.imul((b ^ (b >>> 15)) + known[order + KNOWN_HASHES + 1]!, 0x297a2d39);
      slot = words[order + ORDER_NEXT]!;
    }
    this.queueA = a;
    this.queueB = b | 1;
  }

  /** Works out the hashes of an order. */
  #learn(market: Market, slot: number): void {
    const { words, doubles } = market.orders;
    const order = slot * KNOWN_WORDS;
    const bookSide = words[order + ORDER_BOOK_SIDE]!;
    const { quantityScale, instrument } = market.dictionary.books[bookSide >> 1]!;
    this.#decimal.units[0] = doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    this.#hashDecimal(quantityScale);
    const low = words[order + ORDER_ID_LOW]!;
    const high = words[order + ORDER_ID_HIGH]!;
    if (this.#withIds) this.#hashId(low, high, bookSide, instrument, market.rules.idScope === 'bookSide');
    const known = this.#known;
    known[order] = words[order + ORDER_QUANTITY_WORD]!;
    known[order + 1] = words[order + ORDER_QUANTITY_WORD + 1]!;
    known[order + 2] = low;
    known[order + 3] = high;
    known[order + 4] = bookSide;
    known[order + KNOWN_HASHES] = this.#a;
    known[order + KNOWN_HASHES + 1] = this.#b;
  }

  #hashDecimal(scale: number): void {
    const decimal = this.#decimal;
    decimal.normalize(scale);
    this.#a = 0x9e3779b9;
    this.#b = 0x7f4a7c15;
    this.#hash(decimal.low);
    this.#hash(decimal.high ^ (decimal.exponent << 21));
  }

  #hashId(low: number, high: number, bookSide: number, instrument: bigint, isMade: boolean): void {
    if (!isMade) {
      this.#hash(high);
      this.#hash(low);
      return;
    }
    const id = this.#publicId;
    id.hash(instrument, (bookSide & 1) !== 0, high, low);
    this.#hash(id.high);
    this.#hash(id.low);
  }

  #hash(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x85ebca6b);
    this.#a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
    const b = Math.imul(this.#b ^ word, 0x27d4eb2f);
    this.#b = Math.imul(b ^ (b >>> 16), 0x165667b1);
  }
}
