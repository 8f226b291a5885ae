import type { Market } from '../book/market.ts';
import {
  LEVEL_BOOK_SIDE,
  LEVEL_COUNT,
  LEVEL_HEAD,
  LEVEL_QUANTITY_DOUBLE,
  ORDER_ID_HIGH,
  ORDER_ID_LOW,
  ORDER_NEXT,
  ORDER_QUANTITY_DOUBLE,
  type RecordStore,
} from '../book/store.ts';
import { NULL_PRICE_HIGH, NULL_PRICE_LOW } from '../event/record.ts';
import { IMAGE_ASK, IMAGE_CHANGES, IMAGE_LEVEL, IMAGE_RECORD_BYTES, IMAGE_STALE } from './image-payload.ts';

export const TWO_32 = 4294967296;
export const IMAGE_RECORD_WORDS: number = IMAGE_RECORD_BYTES / 4;

/** Takes the entries of one price, oldest first: of an order its id and quantity, of a price level its order count. */
export interface QueueSink {
  put(idLow: number, idHigh: number, quantityLow: number, quantityHigh: number): void;
}

/** Takes records of an image in place; they may be overwritten when it returns. */
export type RecordSink = (words: Int32Array, records: number) => void;

/** Records of an image, one after the other → runs of them, as many as there is room for. */
export class ImageRecords implements QueueSink {
  /** Handed over. */
  written = 0;
  readonly #words: Int32Array;
  readonly #capacity: number;
  readonly #sink: RecordSink;
  /** Made and not handed over. */
  #records = 0;
  #book = 0;
  #flags = 0;
  #priceLow = 0;
  #priceHigh = 0;

  /** @param words where they are made, from its beginning. @param capacity records that it has room for. */
  constructor(words: Int32Array, capacity: number, sink: RecordSink) {
    this.#words = words;
    this.#capacity = capacity;
    this.#sink = sink;
  }

  /** Puts the marks of a book: that it is stale, and its order changes so far. */
  mark(book: number, isStale: boolean, changes: number): void {
    this.#book = book;
    this.#priceLow = 0;
    this.#priceHigh = 0;
    if (isStale) {
      this.#flags = IMAGE_STALE;
      this.put(0, 0, 0, 0);
    }
    if (changes > 0) {
      this.#flags = IMAGE_CHANGES;
      this.put(0, 0, changes | 0, Math.floor(changes / TWO_32));
    }
  }

  /** What is put from now on is of the price whose key is `keys[at]`, in a book of orders or of price levels. */
  open(bookSide: number, kind: number, keys: Float64Array, at: number): void {
    const isAsk = (bookSide & 1) !== 0;
    this.#book = bookSide >> 1;
    this.#flags = (isAsk ? IMAGE_ASK : 0) | (kind !== 0 ? IMAGE_LEVEL : 0);
    const key = keys[at]!;
    if (key === Number.POSITIVE_INFINITY) {
      this.#priceLow = NULL_PRICE_LOW;
      this.#priceHigh = NULL_PRICE_HIGH;
      return;
    }
    const price = isAsk ? 0 - key : key;
    this.#priceLow = price | 0;
    this.#priceHigh = Math.floor(price / TWO_32);
  }

  put(idLow: number, idHigh: number, quantityLow: number, quantityHigh: number): void {
    const words = this.#words;
    const at = this.#records * IMAGE_RECORD_WORDS;
    words[at] = this.#book;
    words[at + 1] = this.#flags;
    words[at + 2] = idLow;
    words[at + 3] = idHigh;
    words[at + 4] = this.#priceLow;
    words[at + 5] = this.#priceHigh;
    words[at + 6] = quantityLow;
    words[at + 7] = quantityHigh;
    words[at + 8] = 0;
    words[at + 9] = 0;
    this.#records += 1;
    if (this.#records === this.#capacity) this.flush();
  }

  /** Hands over what was made. */
  flush(): void {
    const records = this.#records;
    if (records === 0) return;
    this.#records = 0;
    this.written += records;
    this.#sink(this.#words, records);
  }
}

/** Puts all entries of a level as it is. */
export function copyLevel({ levels, orders, bookKind }: Market, level: number, sink: QueueSink): void {
  const { words } = levels;
  if (bookKind[words[level * 8 + LEVEL_BOOK_SIDE]! >> 1] !== 0) {
    putLevel(words[level * 8 + LEVEL_COUNT]!, levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!, sink);
    return;
  }
  for (let slot = words[level * 8 + LEVEL_HEAD]!; slot !== 0; ) slot = copyOrder(orders, slot, sink);
}

/** Puts a level of a book of price levels. */
export function putLevel(orders: number, quantity: number, sink: QueueSink): void {
  sink.put(orders, 0, quantity | 0, Math.floor(quantity / TWO_32));
}

/** Puts an order as it is. @returns the next one in its queue, 0 = none. */
export function copyOrder({ words, doubles }: RecordStore, slot: number, sink: QueueSink): number {
  const at = slot * 8;
  const quantity = doubles[slot * 4 + ORDER_QUANTITY_DOUBLE]!;
  sink.put(
    words[at + ORDER_ID_LOW]!,
    words[at + ORDER_ID_HIGH]!,
    quantity | 0,
    Math.floor(quantity / TWO_32),
  );
  return words[at + ORDER_NEXT]!;
}
