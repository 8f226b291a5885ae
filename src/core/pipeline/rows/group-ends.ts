import type { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import { KIND_CLEAR, KIND_GAP, KIND_RESET, KIND_SESSION, NO_BOOK, WORD_BOOK } from '../../event/record.ts';
import { endsGroup } from '../books.ts';

const NONE: readonly number[] = [];

/**
 * Tells which books may be looked at after an event: those of the group that ends with it. Books are consistent
 * only there. A loss, a new session, or a clear that names no book concerns them all and waits for no group.
 */
export class GroupEnds {
  /** Books of the group that has begun, for feeds whose groups span books. */
  readonly #open: Map<Market, Set<number>> = new Map();
  readonly #one: number[] = [0];

  /** Books that the event at word `at` makes final, until the next one; in ascending order where they are many. */
  after(batch: EventBatch, at: number, market: Market): readonly number[] {
    const kind = batch.words[at]! & 255;
    const book = batch.words[at + WORD_BOOK]!;
    const named = book !== NO_BOOK;
    const concernsAll =
      kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION || kind === KIND_CLEAR;
    if (!named && concernsAll) {
      this.#open.delete(market);
      return Array.from({ length: market.books }, (_, number) => number);
    }
    if (market.rules.groupScope === 'book') return named && endsGroup(batch, at) ? this.#only(book) : NONE;
    const open = this.#open.get(market);
    if (!endsGroup(batch, at)) {
      if (!named) return NONE;
      if (open === undefined) this.#open.set(market, new Set([book]));
      else open.add(book);
      return NONE;
    }
    if (open === undefined) return named ? this.#only(book) : NONE;
    this.#open.delete(market);
    if (named) open.add(book);
    return [...open].sort((a, b) => a - b);
  }

  #only(book: number): readonly number[] {
    this.#one[0] = book;
    return this.#one;
  }
}
