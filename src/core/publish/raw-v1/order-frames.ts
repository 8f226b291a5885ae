import type { Market } from '../../book/market.ts';
import * as store from '../../book/store.ts';
import { PublicId } from '../../event/public-id.ts';
import * as record from '../../event/record.ts';
import type { BookTable } from './book-table.ts';
import type { FrameWriter } from './frame-writer.ts';
import * as layout from './layout.ts';
import type { MarketCopy } from './market-copy.ts';
import { FramePrice, type PriceForm } from './price.ts';

const NULL_PRICE_HIGH = record.NULL_PRICE_HIGH;
const NULL_PRICE_LOW = record.NULL_PRICE_LOW;
const WORD_ID = record.WORD_ID;
const WORD_PRICE = record.WORD_PRICE;
const WORD_QUANTITY = record.WORD_QUANTITY;
const LEVEL_KEY_DOUBLE = store.LEVEL_KEY_DOUBLE;
const ORDER_ID_HIGH = store.ORDER_ID_HIGH;
const ORDER_ID_LOW = store.ORDER_ID_LOW;
const ORDER_LEVEL = store.ORDER_LEVEL;
const ORDER_QUANTITY_DOUBLE = store.ORDER_QUANTITY_DOUBLE;

const TYPE_ADD = layout.TYPE_ADD;
const TYPE_CANCEL = layout.TYPE_CANCEL;
const TYPE_EXECUTE = layout.TYPE_EXECUTE;
const TYPE_MODIFY = layout.TYPE_MODIFY;
const ADD_BYTES = layout.ADD_BYTES;
const CANCEL_BYTES = layout.CANCEL_BYTES;
const EXECUTE_BYTES = layout.EXECUTE_BYTES;
const MODIFY_BYTES = layout.MODIFY_BYTES;
const MODIFY_QUANTITY_ONLY = layout.MODIFY_QUANTITY_ONLY;
const REASON_REFUSED = layout.REASON_REFUSED;

const TWO_32 = 4294967296;

/** What ids are made public by. */
type Naming = Pick<Market, 'rules' | 'dictionary'>;

/**
 * Writes the frames of orders. The book, the sequence in it and the cursor are set beforehand; both count on by themselves.
 * A change of a book that is refused becomes a cancel that says so, so that every change has its frame.
 */
export class OrderFrames {
  book = 0;
  sequence = 0;
  cursor = 0;
  /** Is told of the first price of a book that has no form in frames. */
  onRefused: (book: number) => void = () => {};
  readonly #writer: FrameWriter;
  readonly #table: BookTable;
  readonly #isE8: boolean;
  readonly #price: FramePrice = new FramePrice();
  readonly #publicId: PublicId = new PublicId();
  /** Are the numbers those of an image, which are all 0? */
  readonly #isImage: boolean;
  /** Has the price that was set last a form in frames? */
  #hasPrice = false;
  /** Id in frames of the order at hand. */
  #idHigh = 0;
  #idLow = 0;

  constructor(writer: FrameWriter, table: BookTable, form: PriceForm, isImage: boolean) {
    this.#writer = writer;
    this.#table = table;
    this.#isE8 = form === 'e8';
    this.#isImage = isImage;
  }

  /** Takes the id of an order as frames have it. */
  name({ rules, dictionary }: Naming, bookSide: number, idHigh: number, idLow: number): void {
    this.#idHigh = idHigh;
    this.#idLow = idLow;
    if (rules.idScope !== 'bookSide') return;
    const { instrument } = dictionary.books[bookSide >> 1]!;
    this.#publicId.hash(instrument, (bookSide & 1) !== 0, idHigh, idLow);
    this.#idHigh = this.#publicId.high;
    this.#idLow = this.#publicId.low;
  }

  /** The same of an order of the book, by its slot. */
  nameOrder(market: Market, slot: number, bookSide: number): void {
    const { words } = market.orders;
    this.name(market, bookSide, words[slot * 8 + ORDER_ID_HIGH]!, words[slot * 8 + ORDER_ID_LOW]!);
  }

  nameNone(): void {
    this.#idHigh = 0;
    this.#idLow = 0;
  }

  /** An order of the book, by its slot. */
  add(market: Market, slot: number, bookSide: number): void {
    const { orders, levels } = market;
    this.atPrice(levels.doubles, orders.words[slot * 8 + ORDER_LEVEL]! * 4 + LEVEL_KEY_DOUBLE, bookSide);
    this.#addAt(market, orders.words, orders.doubles, slot, bookSide);
  }

  /** An order of a copy of the books, by its slot, at the price that was set. */
  addStored(copy: MarketCopy, slot: number, bookSide: number): void {
    this.#addAt(copy, copy.words, copy.doubles, slot, bookSide);
  }

  /** Orders that follow have the price whose key is `keys[at]`. */
  atPrice(keys: Float64Array, at: number, bookSide: number): void {
    const key = keys[at]!;
    const price = (bookSide & 1) !== 0 ? 0 - key : key;
    this.#hasPrice =
      key === Number.POSITIVE_INFINITY
        ? this.#setPrice(NULL_PRICE_HIGH, NULL_PRICE_LOW)
        : this.#setPrice(Math.floor(price / TWO_32), price | 0);
  }

  /** The order that the event at `at` has brought into the book: as the event has it. */
  addNew(market: Market, words: Int32Array, at: number, bookSide: number): void {
    this.name(market, bookSide, words[at + WORD_ID + 1]!, words[at + WORD_ID]!);
    if (this.#setPrice(words[at + WORD_PRICE + 1]!, words[at + WORD_PRICE]!))
      this.#add(bookSide, words[at + WORD_QUANTITY + 1]!, words[at + WORD_QUANTITY]!);
    else this.cancel();
  }

  /** The named order has the quantity that stands in `doubles[index]` now; price and place stay. */
  modify(doubles: Float64Array, index: number): void {
    if (this.#table.refused[this.book] === 1) {
      this.cancel();
      return;
    }
    const at = this.#begin(TYPE_MODIFY, MODIFY_BYTES);
    const writer = this.#writer;
    writer.put64(at, this.#idHigh, this.#idLow);
    writer.put64(at + 8, 0, 0);
    const quantity = doubles[index]!;
    writer.put64(at + 16, Math.floor(quantity / TWO_32), quantity | 0);
    writer.view.setUint8(at + 24, MODIFY_QUANTITY_ONLY);
    this.#end();
  }

  /** The named order leaves. */
  cancel(): void {
    const at = this.#begin(TYPE_CANCEL, CANCEL_BYTES);
    const writer = this.#writer;
    writer.put64(at, this.#idHigh, this.#idLow);
    writer.put64(at + 8, 0, 0);
    writer.view.setUint8(at + 16, this.#table.refused[this.book] === 1 ? REASON_REFUSED : 0);
    this.#end();
  }

  /**
   * The named order trades; no order named: a print.
   * @param aggressor 0 bid or not known, 1 ask.
   */
  execute(
    quantityHigh: number,
    quantityLow: number,
    priceHigh: number,
    priceLow: number,
    aggressor: number,
    matchHigh: number,
    matchLow: number,
  ): void {
    if (!this.#setPrice(priceHigh, priceLow)) {
      this.cancel();
      return;
    }
    const at = this.#begin(TYPE_EXECUTE, EXECUTE_BYTES);
    const writer = this.#writer;
    writer.put64(at, this.#idHigh, this.#idLow);
    writer.put64(at + 8, quantityHigh, quantityLow);
    writer.put64(at + 16, this.#price.high, this.#price.low);
    writer.view.setUint8(at + 24, aggressor);
    writer.put64(at + 25, matchHigh, matchLow);
    this.#end();
  }

  #addAt(naming: Naming, words: Int32Array, doubles: Float64Array, slot: number, bookSide: number): void {
    this.name(naming, bookSide, words[slot * 8 + ORDER_ID_HIGH]!, words[slot * 8 + ORDER_ID_LOW]!);
    const quantity = doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
    if (this.#hasPrice) this.#add(bookSide, Math.floor(quantity / TWO_32), quantity | 0);
    else this.cancel();
  }

  #add(bookSide: number, quantityHigh: number, quantityLow: number): void {
    const at = this.#begin(TYPE_ADD, ADD_BYTES);
    const { view } = this.#writer;
    view.setInt32(at, this.#idLow, true);
    view.setInt32(at + 4, this.#idHigh, true);
    view.setInt32(at + 8, this.#price.low, true);
    view.setInt32(at + 12, this.#price.high, true);
    view.setInt32(at + 16, quantityLow, true);
    view.setInt32(at + 20, quantityHigh, true);
    view.setInt16(at + 24, bookSide & 1, true);
    this.#end();
  }

  #setPrice(high: number, low: number): boolean {
    const table = this.#table;
    if (table.refused[this.book] === 1) return false;
    if (!this.#isE8) {
      this.#price.high = high;
      this.#price.low = low;
      return true;
    }
    if (this.#price.toE8(high, low, table.priceScales[this.book]!)) return true;
    table.refuse(this.book);
    this.onRefused(this.book);
    return false;
  }

  #begin(type: number, payload: number): number {
    const { instruments } = this.#table;
    const { book } = this;
    if (!this.#isImage) this.sequence += 1;
    const at = this.#writer.begin(
      type,
      payload,
      instruments[book * 2 + 1]!,
      instruments[book * 2]!,
      this.sequence,
      this.cursor,
    );
    if (!this.#isImage) this.cursor += 1;
    return at;
  }

  #end(): void {
    this.#writer.end(this.book);
  }
}
