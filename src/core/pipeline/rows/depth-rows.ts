import type { Market } from '../../book/market.ts';
import { depthOf, type LevelView } from '../../book/view.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { EventObserver } from '../books.ts';
import { type LevelReport, levelReport } from '../level-report.ts';
import { GroupEnds } from './group-ends.ts';
import { headFor, type RowHead } from './row-head.ts';

/** The best levels of a book, best first, after a group that changed one of them. */
export interface DepthRow extends RowHead {
  readonly stale: boolean;
  readonly bids: readonly LevelReport[];
  readonly asks: readonly LevelReport[];
}

interface Shown {
  readonly bids: readonly LevelView[];
  readonly asks: readonly LevelView[];
  readonly stale: boolean;
}

const EMPTY: Shown = { bids: [], asks: [], stale: false };

/** Makes a row whenever one of the best `depth` levels of a side, or the staleness of the book, is another. */
export class DepthRows implements EventObserver {
  readonly #sink: (row: DepthRow, book: number) => void;
  readonly #depth: number;
  readonly #ends: GroupEnds = new GroupEnds();
  readonly #shown: Shown[] = [];

  constructor(depth: number, sink: (row: DepthRow, book: number) => void) {
    this.#depth = depth;
    this.#sink = sink;
  }

  after(batch: EventBatch, at: number, market: Market): void {
    for (const book of this.#ends.after(batch, at, market)) this.#look(batch, at, market, book);
  }

  #look(batch: EventBatch, at: number, market: Market, book: number): void {
    const definition = market.dictionary.books[book];
    if (definition === undefined) return;
    while (this.#shown.length <= book) this.#shown.push(EMPTY);
    const before = this.#shown[book]!;
    const bids = depthOf(market, book, false, this.#depth);
    const asks = depthOf(market, book, true, this.#depth);
    const stale = market.stale[book] === 1;
    const isEmpty = bids.length + asks.length + before.bids.length + before.asks.length === 0;
    const same = sameLevels(bids, before.bids) && sameLevels(asks, before.asks);
    this.#shown[book] = { bids, asks, stale };
    if (same && (isEmpty || stale === before.stale)) return;
    const row = {
      ...headFor(batch, at, definition),
      stale,
      bids: bids.map((level) => levelReport(level, definition)),
      asks: asks.map((level) => levelReport(level, definition)),
    };
    this.#sink(row, book);
  }
}

function sameLevels(a: readonly LevelView[], b: readonly LevelView[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) {
    const { price, quantity, orders } = a[at]!;
    const other = b[at]!;
    if (price !== other.price || quantity !== other.quantity || orders !== other.orders) return false;
  }
  return true;
}
