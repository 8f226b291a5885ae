import type { Market } from '../../book/market.ts';
import { type OrderDetail, orderDetail } from '../../book/view.ts';
import type { EventBatch } from '../../event/batch.ts';
import { formatScaled, formatUnsigned } from '../../event/format-text.ts';
import {
  EXT_WORD_PRICE,
  EXT_WORD_RELATED_ID,
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_INFORMS,
  KIND_REPLACE,
  NULL_PRICE_HIGH,
  NULL_PRICE_LOW,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
} from '../../event/record.ts';

/** Word of an event's second record, or −1 where the event has none. */
export function extensionOf(words: Int32Array, at: number): number {
  return ((words[at]! >> 8) & FLAG_EXTENDED) !== 0 ? at + RECORD_WORDS : -1;
}

/** The order in the book that an event is about, as it is before the event; null where the book does not hold it. */
export function restingOrder(batch: EventBatch, at: number, market: Market): OrderDetail | null {
  const { words } = batch;
  const book = words[at + WORD_BOOK]!;
  if (book < 0) return null;
  const ask = ((words[at]! >> 8) & FLAG_ASK) !== 0 ? 1 : 0;
  const extension = extensionOf(words, at);
  const isReplace = (words[at]! & 255) === KIND_REPLACE && extension >= 0;
  const id = isReplace ? extension + EXT_WORD_RELATED_ID : at + WORD_ID;
  const slot = market.findOrder(words[id]!, words[id + 1]!, book * 2 + ask);
  return slot === 0 ? null : orderDetail(market, slot);
}

/** The price of an event's record; null where it says that there is none. */
export function priceSaid(words: Int32Array, at: number, scale: number): string | null {
  const low = words[at + WORD_PRICE]!;
  const high = words[at + WORD_PRICE + 1]!;
  return high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW ? null : formatScaled(high, low, scale);
}

/** The price that an execution says it was made at; null where it goes by the order's own price. */
export function executionPrice(words: Int32Array, at: number, scale: number): string | null {
  if (((words[at]! >> 8) & FLAG_INFORMS) !== 0) {
    return priceSaid(words, at, scale);
  }
  const extension = extensionOf(words, at);
  if (extension < 0) return null;
  const low = words[extension + EXT_WORD_PRICE]!;
  const high = words[extension + EXT_WORD_PRICE + 1]!;
  return low === 0 && high === 0 ? null : formatScaled(high, low, scale);
}

/** Text of the id at this word; null for 0, which names nothing. */
export function idText(words: Int32Array, word: number): string | null {
  const text = formatUnsigned(words[word + 1]!, words[word]!);
  return text === '0' ? null : text;
}
