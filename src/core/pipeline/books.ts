import type { ChangeObserver } from '../book/change-observer.ts';
import { Market } from '../book/market.ts';
import { ORDER_BOOK_SIDE } from '../book/store.ts';
import { EventBatch, type EventSink } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import {
  FLAG_EXTENDED,
  FLAG_LAST,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_GAP,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
} from '../event/record.ts';
import type { BookRules } from '../event/rules.ts';
import type { Feed, Framing } from '../feeds/feed.ts';
import type { MessageSink } from '../feeds/message-sink.ts';
import type { Epoch } from '../journal/frame.ts';
import type { ImageTarget } from '../journal/image-loader.ts';
import type { ImageTaker } from '../journal/image-taker.ts';
import { type BookFilter, WantedBooks } from './wanted-books.ts';

const HEAD_LAST: number = FLAG_LAST << 8;
const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;

/** How far the input of a channel has been decoded. */
export interface TransportPlace {
  readonly channel: number;
  /** Session without its padding; null where there is none. */
  readonly session: string | null;
  /** Transport number that comes next, 0 = not known. */
  readonly nextTransport: number;
  /** Message of the last event of a journal that the run goes on with, and its events; absent: the run had them itself. */
  readonly last?: { readonly sequence: number; readonly events: number };
}

/** What a run knows of its input while it goes on. */
export interface RunFacts {
  /** Do venue times count from 1970, or from an unknown midnight? Known with the first event. */
  readonly timeBase: 'utc' | 'midnight';
  /** How the messages of the input are carried. */
  readonly framing: Framing | null;
  /** Null before the feed is known. */
  readonly books: Books | null;
  /** History that the events are of, 0 = of none; and the last event in the image that the books began with, 0 = none. */
  readonly epoch: Epoch;
  readonly imageEvent: number;
  /**
   * How far each channel has been decoded. The books are as far between two turns of the run; while a batch is handed
   * over, what it was made of may be ahead of them.
   */
  places(): readonly TransportPlace[];
}

/**
 * Sees every event at the moment it is applied: `before` while the book still is as it was, `after` when it has
 * changed. `at` is the word where the event's record begins in `batch.words`.
 */
export interface EventObserver {
  /** Called once, before the first event. */
  start?(feed: Feed, run: RunFacts): void;
  /** Is shown the records `from` … `to − 1` of a batch as the feed wrote them, before they are applied. */
  records?(batch: EventBatch, from: number, to: number, market: Market): void;
  /** The same records are applied. */
  applied?(batch: EventBatch, from: number, to: number, market: Market): void;
  /** Is told of the order changes of the market that `records` was called with last. One observer of a run has this at most. */
  readonly changes?: ChangeObserver;
  /** It has no use for the events of the records that it was shown last: it is not shown them one by one. */
  readonly isIdle?: boolean;
  /** @param said the book that the feed names in the event; where it names none, NO_BOOK. */
  before?(batch: EventBatch, at: number, market: Market, said: number): void;
  after?(batch: EventBatch, at: number, market: Market): void;
  /** What it makes has only events, and no place for books that are there before the first. */
  readonly startsEmpty?: boolean;
  /** What it makes is a record whose events lead from its books to its books: they cannot become others in between. */
  readonly isUnbroken?: boolean;
  /** Is shown the messages themselves, as they came. Asked for once, behind `start`. */
  readonly messages?: MessageSink | undefined;
}

/**
 * The books of a run: one market per source. A source is all channels together where ids are unique per book, and
 * one channel where they are unique in its session only.
 */
export class Books implements EventSink, ImageTarget {
  readonly dictionary: Dictionary;
  readonly markets: Market[] = [];
  /** The last event that came in, alone in a batch of its own; the batch is empty before the first. */
  readonly last: EventBatch = new EventBatch(1);
  /** What takes images of the books while events go on. */
  readonly takers: ImageTaker[] = [];
  readonly #rules: BookRules;
  readonly #perChannel: boolean;
  readonly #filter: BookFilter | null;
  readonly #wanted: WantedBooks | null;
  readonly #observers: readonly EventObserver[];
  /** The first so many of these are shown the events at hand. */
  readonly #watching: EventObserver[] = [];
  #watchers = 0;
  /** Those that see records as they are, in runs. */
  readonly #recorders: readonly EventObserver[];
  readonly #changes: ChangeObserver | null;

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
    this.#wanted = filter === null ? null : new WantedBooks(dictionary, filter);
    this.#observers = observers.filter(({ before, after }) => before !== undefined || after !== undefined);
    this.#recorders = observers.filter(
      ({ records, applied }) => records !== undefined || applied !== undefined,
    );
    const [changes, ...others] = observers.flatMap((observer) => observer.changes ?? []);
    if (others.length > 0) throw new Error('several observers of order changes');
    this.#changes = changes ?? null;
  }

  /** The market that the events of a channel belong to. */
  marketOf(channel: number): Market {
    const index = this.#perChannel ? channel : 0;
    while (this.markets.length <= index) this.markets.push(new Market(this.#rules, this.dictionary));
    return this.markets[index]!;
  }

  /** The source that a book belongs to. */
  sourceOf(book: number): number {
    return this.#perChannel ? this.dictionary.books[book]!.channel : 0;
  }

  /** Is the book among those that are built? */
  isWanted(book: number): boolean {
    return this.#wanted === null || this.#wanted.has(book);
  }

  /** Are there books that are not built? */
  get isPart(): boolean {
    return this.#wanted !== null;
  }

  /** Empty books by the same rules and filter, which nobody observes: an image that is not whole leaves no trace in these. */
  emptyCopy(): Books {
    return new Books(this.#rules, this.dictionary, this.#filter, []);
  }

  /** Takes the place of what is in the books; what was counted so far is kept. */
  adopt(markets: readonly Market[]): void {
    const before = this.markets.splice(0);
    this.markets.push(...markets);
    for (const [source, { events, tally }] of before.entries()) {
      while (this.markets.length <= source) this.markets.push(new Market(this.#rules, this.dictionary));
      const market = this.markets[source]!;
      for (const [kind, count] of events.entries()) market.events[kind]! += count;
      for (const [slot, count] of tally.entries()) market.tally[slot]! += count;
    }
  }

  /** Number of the message that the last event came from, 0 = none, or it has no number. */
  get lastSequence(): number {
    const { count, sequenceBase, words } = this.last;
    return count === 0 || sequenceBase === 0 ? 0 : sequenceBase + (words[0]! >>> 16);
  }

  /** Applies a batch. With observers, events that name no book but an order have the order's book behind it. */
  accept(batch: EventBatch): void {
    this.#remember(batch);
    const market = this.marketOf(batch.channel);
    if (this.#wanted === null) this.#apply(batch, 0, batch.count, market);
    else this.#applyWanted(batch, market, this.#wanted);
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

  #apply(batch: EventBatch, from: number, to: number, market: Market): void {
    if (from === to) return;
    for (const recorder of this.#recorders) recorder.records?.(batch, from, to, market);
    this.#chooseWatching();
    // Not once for each market: those of an image take the place of others.
    market.observer = this.#changes;
    const source = this.#perChannel ? batch.channel : 0;
    for (let next = from; next < to; ) {
      let until = to;
      for (let at = 0; at < this.takers.length; at += 1) {
        until = this.takers[at]!.before(batch, next, until, source);
      }
      if (this.#watchers === 0) market.apply(batch, next, until);
      else this.#applyObserved(batch, next, until, market);
      next = until;
    }
    for (const recorder of this.#recorders) recorder.applied?.(batch, from, to, market);
  }

  #chooseWatching(): void {
    let watchers = 0;
    for (const observer of this.#observers) {
      if (observer.isIdle === true) continue;
      this.#watching[watchers] = observer;
      watchers += 1;
    }
    this.#watchers = watchers;
  }

  #applyObserved(batch: EventBatch, from: number, to: number, market: Market): void {
    const { words } = batch;
    const watching = this.#watching;
    const watchers = this.#watchers;
    let ahead = from;
    for (let record = from; record < to; ) {
      if (record >= ahead) ahead = market.lookAhead(batch, record, to);
      const at = record * RECORD_WORDS;
      const next = record + ((words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1);
      const said = words[at + WORD_BOOK]!;
      const book = bookConcerned(words, at, market);
      words[at + WORD_BOOK] = book;
      for (let each = 0; each < watchers; each += 1) watching[each]!.before?.(batch, at, market, said);
      // What is counted does not depend on whether somebody watches.
      words[at + WORD_BOOK] = said;
      market.apply(batch, record, next);
      words[at + WORD_BOOK] = book;
      for (let each = 0; each < watchers; each += 1) watching[each]!.after?.(batch, at, market);
      record = next;
    }
  }

  /** Applies the events of books that are wanted, and those of the transport; others that concern no known book are left out. */
  #applyWanted(batch: EventBatch, market: Market, wanted: WantedBooks): void {
    const { words } = batch;
    let from = 0;
    for (let record = 0; record < batch.count; ) {
      const at = record * RECORD_WORDS;
      const next = record + ((words[at]! & HEAD_EXTENDED) !== 0 ? 2 : 1);
      if (words[at + WORD_BOOK] === NO_BOOK) {
        // Its order may have come with one of the events in front of it.
        this.#apply(batch, from, record, market);
        from = record;
      }
      if (!isWanted(bookConcerned(words, at, market), words[at]! & 255, wanted)) {
        this.#apply(batch, from, record, market);
        from = next;
      }
      record = next;
    }
    this.#apply(batch, from, batch.count, market);
  }
}

function isWanted(book: number, kind: number, wanted: WantedBooks): boolean {
  if (book === NO_BOOK) return kind === KIND_GAP || kind === KIND_RESET || kind === KIND_SESSION;
  return wanted.has(book);
}

/** The book that an event names, or that the order it names is in: not every feed names the instrument of a change. */
function bookConcerned(words: Int32Array, at: number, market: Market): number {
  const book = words[at + WORD_BOOK]!;
  const kind = words[at]! & 255;
  if (book !== NO_BOOK || (kind !== KIND_MODIFY && (kind < KIND_REDUCE || kind > KIND_EXECUTE))) return book;
  const slot = market.findOrder(words[at + WORD_ID]!, words[at + WORD_ID + 1]!, NO_BOOK * 2);
  return slot === 0 ? NO_BOOK : market.orders.words[slot * 8 + ORDER_BOOK_SIDE]! >> 1;
}

/** Does the event whose record begins at word `at` end its group? */
export function endsGroup(batch: EventBatch, at: number): boolean {
  return (batch.words[at]! & HEAD_LAST) !== 0;
}
