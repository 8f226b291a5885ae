import { Market } from '../book/market.ts';
import { Dictionary } from '../event/dictionary.ts';
import type { BookRules } from '../event/rules.ts';
import type { ImageTarget } from './image-loader.ts';

/** The books of a journal: one market per source, which is a channel where ids are unique in one channel only. */
export class SegmentBooks implements ImageTarget {
  readonly dictionary: Dictionary = new Dictionary();
  /** By source. */
  readonly markets: Market[] = [];
  readonly #rules: BookRules;
  readonly #perChannel: boolean;

  constructor(rules: BookRules) {
    this.#rules = rules;
    this.#perChannel = rules.idScope === 'source';
  }

  sourceOf(book: number): number {
    return this.#perChannel ? this.dictionary.books[book]!.channel : 0;
  }

  marketOf(source: number): Market {
    while (this.markets.length <= source) this.markets.push(new Market(this.#rules, this.dictionary));
    return this.markets[source]!;
  }

  /** The market that the events of a channel change. */
  marketOfChannel(channel: number): Market {
    return this.marketOf(this.#perChannel ? channel : 0);
  }
}
