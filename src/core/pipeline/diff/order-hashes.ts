import type { Market } from '../../book/market.ts';
import { ORDER_BOOK_SIDE, ORDER_ID_HIGH, ORDER_ID_LOW, ORDER_QUANTITY_DOUBLE } from '../../book/store.ts';
import { PublicId } from '../../event/public-id.ts';
import { ExactDecimal } from './exact-decimal.ts';

/**
 * What an order counts for in a comparison, as two 32-bit hashes: its quantity as an exact decimal, so that feeds with
 * other scales agree, and with ids the id by which it is known outside of the book.
 */
export class OrderHashes {
  a = 0;
  b = 0;
  readonly #withIds: boolean;
  readonly #decimal: ExactDecimal = new ExactDecimal();
  readonly #publicId: PublicId = new PublicId();

  /** @param withIds ids count. */
  constructor(withIds: boolean) {
    this.#withIds = withIds;
  }

  order(market: Market, slot: number): void {
    const { words, doubles } = market.orders;
    const at = slot * 8;
    const bookSide = words[at + ORDER_BOOK_SIDE]!;
    const { quantityScale, instrument } = market.dictionary.books[bookSide >> 1]!;
    this.#decimal.units[0] = doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    this.#hashDecimal(quantityScale);
    if (!this.#withIds) return;
    const high = words[at + ORDER_ID_HIGH]!;
    const low = words[at + ORDER_ID_LOW]!;
    if (market.rules.idScope !== 'bookSide') {
      this.#hash(high);
      this.#hash(low);
      return;
    }
    const id = this.#publicId;
    id.hash(instrument, (bookSide & 1) !== 0, high, low);
    this.#hash(id.high);
    this.#hash(id.low);
  }

  /** The hashes of a quantity alone: of `quantities[at]`. */
  quantity(quantities: Float64Array, at: number, scale: number): void {
    this.#decimal.units[0] = quantities[at]!;
    this.#hashDecimal(scale);
  }

  #hashDecimal(scale: number): void {
    const decimal = this.#decimal;
    decimal.normalize(scale);
    this.a = 0x1e3779b9;
    this.b = 0x7f4a7c15;
    this.#hash(decimal.low);
    this.#hash(decimal.high ^ (decimal.exponent << 21));
  }

  #hash(word: number): void {
    const a = Math.imul(this.a ^ word, 0x85ebca6b);
    this.a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
    const b = Math.imul(this.b ^ word, 0x27d4eb2f);
    this.b = Math.imul(b ^ (b >>> 16), 0x165667b1);
  }
}
