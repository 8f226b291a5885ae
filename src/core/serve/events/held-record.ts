import { priceOfKey } from '../../book/view.ts';
import { DbnPrice } from '../../convert/dbn-values.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { FLAG_SNAPSHOT, NULL_PRICE_HIGH, NULL_PRICE_LOW } from '../../event/record.ts';
import { F_BAD_TS_RECV, F_LAST, F_MAYBE_BAD_BOOK, F_SNAPSHOT } from '../../feeds/dbn/layout.ts';
import type { BookRecords } from './book-orders.ts';
import type { EventDesk } from './event-maker.ts';
import type { EventHead } from './event-writer.ts';
import { FormlessError } from './formless-error.ts';

const TWO_32 = 4294967296;

/**
 * A record of the schema mbo that is held until it is known whether its group ends with it, and then written in the form of
 * a subclass. Sizes count units of the book's own scale, so none is not whole.
 */
export abstract class HeldRecord implements BookRecords {
  holds = false;
  readonly price: DbnPrice = new DbnPrice();
  protected readonly head: EventHead;
  protected book: BookDefinition | null = null;
  protected topic = 0;
  protected channel = 0;
  protected sequence = 0;
  protected action = 0;
  protected side = 0;
  protected idHigh = 0;
  protected idLow = 0;
  protected quantity = 0;
  protected flags = 0;
  protected priceHigh = 0;
  protected priceLow = 0;
  readonly #topicOf: (book: BookDefinition) => number;
  readonly #sizeMax: number;
  #isSnapshot = false;

  /** @param sizeMax largest size that the form holds; a larger one has none. */
  constructor({ head, topicOf }: Pick<EventDesk, 'head' | 'topicOf'>, sizeMax: number) {
    this.head = head;
    this.#topicOf = topicOf;
    this.#sizeMax = sizeMax;
  }

  get bookNumber(): number {
    return this.book!.number;
  }

  begin(batch: EventBatch, at: number): void {
    const head = batch.words[at]!;
    this.channel = batch.channel & 0xff;
    this.sequence = batch.sequenceBase === 0 ? 0 : (batch.sequenceBase + (head >>> 16)) >>> 0;
    this.#isSnapshot = ((head >> 8) & FLAG_SNAPSHOT) !== 0;
    this.holds = false;
  }

  beginSnapshot(channel: number): void {
    this.channel = channel & 0xff;
    this.sequence = 0;
    this.#isSnapshot = true;
    this.holds = false;
  }

  put(
    action: number,
    side: number,
    book: BookDefinition,
    idHigh: number,
    idLow: number,
    size: number,
    stale: boolean,
  ): void {
    this.release(false);
    if (this.book !== book) {
      this.book = book;
      this.topic = this.#topicOf(book);
    }
    this.action = action;
    this.side = side;
    this.idHigh = idHigh;
    this.idLow = idLow;
    this.quantity = size;
    this.priceHigh = this.price.high;
    this.priceLow = this.price.low;
    this.flags =
      (this.head.isTimed ? 0 : F_BAD_TS_RECV) |
      (this.#isSnapshot ? F_SNAPSHOT : 0) |
      (stale ? F_MAYBE_BAD_BOOK : 0);
    this.holds = true;
  }

  release(last: boolean): void {
    if (!this.holds) return;
    this.holds = false;
    if (last) this.flags |= F_LAST;
    this.write(last);
  }

  setPrice(key: number, bookSide: number, book: BookDefinition): void {
    const price = priceOfKey(key, bookSide);
    if (price === null) this.price.setUndefined();
    else if (!this.price.set(price, book.priceScale)) this.refuse();
  }

  setPriceHalves(high: number, low: number, book: BookDefinition): void {
    if (high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW) this.price.setUndefined();
    else if (!this.price.setHalves(high, low, book.priceScale)) this.refuse();
  }

  size(quantity: number): number {
    return quantity >= 0 && quantity <= this.#sizeMax ? quantity : this.refuse();
  }

  sizeHalves(high: number, low: number): number {
    return this.size(high * TWO_32 + (low >>> 0));
  }

  refuse(): never {
    this.holds = false;
    throw new FormlessError();
  }

  /** Writes the record that was held. @param last the group ends with it, as its flags say. */
  protected abstract write(last: boolean): void;
}
