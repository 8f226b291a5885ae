import type { Market } from '../../book/market.ts';
import { LEVEL_COUNT, LEVEL_QUANTITY_DOUBLE } from '../../book/store.ts';
import { bestOf } from '../../book/view.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { EventObserver } from '../books.ts';
import { type LevelReport, levelReport } from '../level-report.ts';
import { GroupEnds } from './group-ends.ts';
import { headFor, type RowHead } from './row-head.ts';

/** The best bid and ask of a book, after a group that changed one of them. */
export interface BboRow extends RowHead {
  readonly bid: LevelReport | null;
  readonly ask: LevelReport | null;
  readonly stale: boolean;
}

/** Per book what was shown last: key, quantity and orders of the best bid and ask, and whether it was stale. */
const SHOWN = 7;
const SHOWN_STALE = 6;

/** Makes a row whenever price, quantity or order count of a best level, or the staleness of the book, is another. */
export class BboRows implements EventObserver {
  readonly #sink: (row: BboRow, book: number) => void;
  readonly #ends: GroupEnds = new GroupEnds();
  #shown: Float64Array = new Float64Array(0);

  constructor(sink: (row: BboRow, book: number) => void) {
    this.#sink = sink;
  }

  after(batch: EventBatch, at: number, market: Market): void {
    for (const book of this.#ends.after(batch, at, market)) {
      if (this.#changes(market, book)) this.#emit(batch, at, market, book);
    }
  }

  /** Notes what is best now. @returns whether that is something else to show. */
  #changes(market: Market, book: number): boolean {
    const place = book * SHOWN;
    if (place >= this.#shown.length) this.#grow(book);
    const shown = this.#shown;
    let changed = false;
    let wasOrIsSomething = false;
    for (let side = 0; side < 2; side += 1) {
      const bookSide = book * 2 + side;
      const level = market.levels.bestLevel[bookSide]!;
      const at = place + side * 3;
      const key = market.levels.bestKey[bookSide]!;
      const quantity = level === 0 ? 0 : market.levels.doubles[level * 4 + LEVEL_QUANTITY_DOUBLE]!;
      const orders = level === 0 ? 0 : market.levels.words[level * 8 + LEVEL_COUNT]!;
      wasOrIsSomething ||= quantity !== 0 || shown[at + 1] !== 0;
      if (quantity === shown[at + 1] && orders === shown[at + 2] && (quantity === 0 || key === shown[at]))
        continue;
      changed = true;
      shown[at] = key;
      shown[at + 1] = quantity;
      shown[at + 2] = orders;
    }
    const stale = market.stale[book]!;
    changed ||= wasOrIsSomething && stale !== shown[place + SHOWN_STALE];
    shown[place + SHOWN_STALE] = stale;
    return changed;
  }

  #emit(batch: EventBatch, at: number, market: Market, book: number): void {
    const definition = market.dictionary.books[book];
    if (definition === undefined) return;
    const bid = bestOf(market, book, false);
    const ask = bestOf(market, book, true);
    const row = {
      ...headFor(batch, at, definition),
      bid: bid === null ? null : levelReport(bid, definition),
      ask: ask === null ? null : levelReport(ask, definition),
      stale: market.stale[book] === 1,
    };
    this.#sink(row, book);
  }

  #grow(book: number): void {
    const grown = new Float64Array(Math.max(64, book + 1, (this.#shown.length / SHOWN) * 2) * SHOWN);
    grown.set(this.#shown);
    this.#shown = grown;
  }
}
