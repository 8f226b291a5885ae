import { checkInvariants, checkSide } from '../book/invariants.ts';
import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import { WORD_BOOK } from '../event/record.ts';
import type { EventObserver } from './books.ts';
import { endsGroup } from './books.ts';

export type InvariantMode = 'off' | 'sample' | 'all';

/** Groups between two checks of everything in mode `sample`. */
const SAMPLE_GROUPS = 1 << 16;
const PROBLEMS_KEPT_MAX = 20;

/** Checks the books while they are built: `all` the book of every group, `sample` everything now and then. */
export class InvariantWatch implements EventObserver {
  readonly problems: string[] = [];
  checks = 0;
  readonly #all: boolean;
  #groups = 0;

  constructor(mode: 'sample' | 'all') {
    this.#all = mode === 'all';
  }

  after(batch: EventBatch, at: number, market: Market): void {
    if (!endsGroup(batch, at)) return;
    this.#groups += 1;
    const book = batch.words[at + WORD_BOOK]!;
    if (this.#all && book >= 0) {
      const found: string[] = [];
      checkSide(market, book * 2, found);
      checkSide(market, book * 2 + 1, found);
      this.#keep(found);
    }
    if (this.#groups % SAMPLE_GROUPS === 0) this.checkAll([market]);
  }

  checkAll(markets: readonly Market[]): void {
    for (const market of markets) this.#keep(checkInvariants(market));
  }

  #keep(found: readonly string[]): void {
    this.checks += 1;
    for (const problem of found) if (this.problems.length < PROBLEMS_KEPT_MAX) this.problems.push(problem);
  }
}
