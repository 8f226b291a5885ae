import { Market } from '../book/market.ts';
import { EventBatch, type EventSink } from '../event/batch.ts';
import type { BookDefinition, Dictionary } from '../event/dictionary.ts';
import {
  FLAG_EXTENDED,
  FLAG_LAST,
  KIND_EXTENSION,
  KIND_GAP,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
} from '../event/record.ts';
import type { BookRules } from '../event/rules.ts';
import type { Feed } from '../feeds/feed.ts';

const HEAD_LAST: number = FLAG_LAST << 8;
const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/**
 * Sees every event at the moment it is applied: `before` while the book still is as it was, `after` when it has
 * changed. `at` is the word where the event's record begins in `batch.words`.
 */
export interface EventObserver {
  /** Called once, before the first event. */
  start?(feed: Feed): void;
  before?(batch: EventBatch, at: number, market: Market): void;
  after?(batch: EventBatch, at: number, market: Market): void;
}

/** Which books are wanted; asked once per book, at its first sight. */
export type BookFilter = (book: BookDefinition) => boolean;

/**
 * The books of a run: one market per source. A source is all channels together where ids are unique per book, and
 * one channel where they are unique in its session only.
 */
export class Books implements EventSink {
  readonly dictionary: Dictionary;
  readonly markets: Market[] = [];
  /** The last event that came in, alone in a batch of its own; the batch is empty before the first. */
  readonly last: EventBatch = new EventBatch(1);
  readonly #rules: BookRules;
  readonly #perChannel: boolean;
  readonly #filter: BookFilter | null;
  readonly #observers: readonly EventObserver[];
  /** Per book: 1 wanted, 2 not wanted, 0 not asked yet. */
  #wanted: Uint8Array = new Uint8Array(1024);

  constructor(
    rules: BookRules,
    dictionary: Dictionary,
    filter: BookFilter | null,
    observers: readonly EventObserver[],
  ) {
    this.#rules = rules;
    this.dictionary = dictionary;
    this.#perChannel = rules.idScope === 'source';
    this.#filter = filter;
    this.#observers = observers;
  }

  /** The market that the events of a channel belong to. */
  marketOf(channel: number): Market {
    const index = this.#perChannel ? channel : 0;
    while (this.markets.length <= index) this.markets.push(new Market(this.#rules, this.dictionary));
    return this.markets[index]!;
  }

  accept(batch: EventBatch): void {
    this.#remember(batch);
    if (this.#filter !== null) this.#select(batch, this.#filter);
    const market = this.marketOf(batch.channel);
    if (this.#observers.length === 0) market.apply(batch);
    else this.#applyObserved(batch, market);
  }

  #remember(batch: EventBatch): void {
    if (batch.count === 0) return;
    const { last } = this;
    const end = batch.count * RECORD_WORDS;
    const isSecond = (batch.words[end - RECORD_WORDS]! & 255) === KIND_EXTENSION;
    const at = end - (isSecond ? 2 : 1) * RECORD_WORDS;
    for (let word = 0; word < RECORD_WORDS; word += 1) last.words[word] = batch.words[at + word]!;
    last.count = 1;
    last.channel = batch.channel;
    last.sequenceBase = batch.sequenceBase;
    last.venueBaseHigh = batch.venueBaseHigh;
    last.venueBaseLow = batch.venueBaseLow;
    last.receiveBaseHigh = batch.receiveBaseHigh;
    last.receiveBaseLow = batch.receiveBaseLow;
  }

  #applyObserved(batch: EventBatch, market: Market): void {
    const { words } = batch;
    for (let record = 0; record < batch.count; ) {
      const at = record * RECORD_WORDS;
      const next = record + ((words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1);
      for (const observer of this.#observers) observer.before?.(batch, at, market);
      market.apply(batch, record, next);
      for (const observer of this.#observers) observer.after?.(batch, at, market);
      record = next;
    }
  }

  /** Drops the events of books that are not wanted, and those that name no book and are not of the transport. */
  #select(batch: EventBatch, filter: BookFilter): void {
    const { words } = batch;
    let kept = 0;
    for (let record = 0; record < batch.count; ) {
      const at = record * RECORD_WORDS;
      const records = (words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1;
      if (this.#isWanted(words[at + WORD_BOOK]!, words[at]! & 255, filter)) {
        words.copyWithin(kept * RECORD_WORDS, at, at + records * RECORD_WORDS);
        kept += records;
      }
      record += records;
    }
    batch.count = kept;
  }

  #isWanted(book: number, kind: number, filter: BookFilter): boolean {
    if (book === NO_BOOK) return kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION;
    if (book >= this.#wanted.length) {
      const grown = new Uint8Array(Math.max(book + 1, this.#wanted.length * 2));
      grown.set(this.#wanted);
      this.#wanted = grown;
    }
    const known = this.#wanted[book]!;
    if (known !== 0) return known === 1;
    const definition = this.dictionary.books[book];
    const wanted = definition !== undefined && filter(definition);
    // A book without a symbol may still get one, so a "no" is final only when its name is known.
    if (wanted || definition?.symbol !== null) this.#wanted[book] = wanted ? 1 : 2;
    return wanted;
  }
}

/** Does the event whose record begins at word `at` end its group? */
export function endsGroup(batch: EventBatch, at: number): boolean {
  return (batch.words[at]! & HEAD_LAST) !== 0;
}
