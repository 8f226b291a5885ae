import type { EventBatch } from '../../event/batch.ts';
import { KIND_EXTENSION, RECORD_WORDS, SIDE_ASK, SIDE_BID, SIDE_NONE } from '../../event/record.ts';
import { SIDE_CHAR_ASK, SIDE_CHAR_BID } from './layout.ts';

const WORDS: number = RECORD_WORDS;

/** Writes one event without an order; the batch has room. `venue` and `receive` are the differences to its bases. */
export function putEvent(
  batch: EventBatch,
  head: number,
  book: number,
  idLow: number,
  priceLow: number,
  priceHigh: number,
  quantity: number,
  venue: number,
  receive: number,
): void {
  const events = batch.words;
  const to = batch.count * WORDS;
  events[to] = head;
  events[to + 1] = book;
  events[to + 2] = idLow;
  events[to + 3] = 0;
  events[to + 4] = priceLow;
  events[to + 5] = priceHigh;
  events[to + 6] = quantity;
  events[to + 7] = 0;
  events[to + 8] = venue;
  events[to + 9] = receive;
  batch.count += 1;
}

/** Writes the second record of a trade at word `to`: the side that took, by its character. */
export function putAggressor(events: Int32Array, to: number, side: number): void {
  const aggressor = side === SIDE_CHAR_ASK ? SIDE_ASK : side === SIDE_CHAR_BID ? SIDE_BID : SIDE_NONE;
  events[to] = KIND_EXTENSION | (aggressor << 8);
  for (let word = to + 1; word < to + WORDS; word++) events[word] = 0;
}
