import type { HashIndex } from '../binary/hash-index.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Dictionary } from '../event/dictionary.ts';
import * as record from '../event/record.ts';
import { KIND_NAMES } from '../event/record.ts';
import type { BookRules } from '../event/rules.ts';
import { BookStates } from './book-states.ts';
import type { ChangeObserver } from './change-observer.ts';
import { Groups } from './groups.ts';
import { LevelEvents } from './level-events.ts';
import {
  LOOK_AHEAD_ORDERS_MIN,
  LOOK_AHEAD_RECORDS,
  LOOK_AHEAD_RECORDS_MIN,
  LookAhead,
} from './look-ahead.ts';
import { Losses } from './losses.ts';
import { OrderEvents } from './order-events.ts';
import { OrderQueues } from './order-queues.ts';
import type { PriceLevels } from './price-levels.ts';
import type { RecordStore } from './store.ts';
import { TALLY_GROUPS } from './tally.ts';

// V8 folds a module's own constants into its code and loads imported ones each time, so the hot ones are taken over.
const KIND_ADD = record.KIND_ADD;
const KIND_CLEAR = record.KIND_CLEAR;
const KIND_DELETE = record.KIND_DELETE;
const KIND_EXECUTE = record.KIND_EXECUTE;
const KIND_GAP = record.KIND_GAP;
const KIND_LEVEL = record.KIND_LEVEL;
const KIND_MODIFY = record.KIND_MODIFY;
const KIND_REDUCE = record.KIND_REDUCE;
const KIND_REPLACE = record.KIND_REPLACE;
const KIND_SESSION = record.KIND_SESSION;
const KIND_TRADE = record.KIND_TRADE;
const RECORD_WORDS = record.RECORD_WORDS;
const WORD_BOOK = record.WORD_BOOK;

// Flags where they stand in word 0 of a record.
const HEAD_LAST: number = record.FLAG_LAST << 8;
const HEAD_ASK: number = record.FLAG_ASK << 8;
const HEAD_SNAPSHOT: number = record.FLAG_SNAPSHOT << 8;
const HEAD_EXTENDED: number = record.FLAG_EXTENDED << 8;
const HEAD_ONE_SIDE: number = record.FLAG_ONE_SIDE << 8;

/**
 * All books of one source: price-time priority, order by order.
 *
 * An event touches one index entry, one order, its neighbours in the queue and one level, whatever the number of orders,
 * levels and books; only a level that appears, or empties as the best, goes to the ladder of its side. What is unknown,
 * crossed, double or out of range is counted in `tally` and never repaired.
 */
export class Market {
  readonly rules: BookRules;
  readonly dictionary: Dictionary;
  /** Events by kind, index KIND_*. */
  readonly events: Float64Array = new Float64Array(KIND_NAMES.length);
  /** Anomalies and groups, index TALLY_*. */
  readonly tally: Float64Array;
  readonly orders: RecordStore;
  readonly levels: PriceLevels;
  readonly orderIndex: HashIndex;
  readonly #states: BookStates = new BookStates();
  readonly #queues: OrderQueues;
  readonly #orderEvents: OrderEvents;
  readonly #levelEvents: LevelEvents;
  readonly #groups: Groups;
  readonly #groupsBySource: boolean;
  readonly #losses: Losses;
  readonly #lookAhead: LookAhead = new LookAhead();

  constructor(rules: BookRules, dictionary: Dictionary) {
    this.rules = rules;
    this.dictionary = dictionary;
    const states = this.#states;
    const queues = new OrderQueues(rules.idScope === 'source' ? 0 : rules.idScope === 'book' ? ~1 : ~0);
    this.#queues = queues;
    this.#orderEvents = new OrderEvents(rules, queues, states);
    this.#levelEvents = new LevelEvents(queues.levels, states);
    this.#groups = new Groups(queues.levels, states.tally);
    this.#groupsBySource = rules.groupScope === 'source';
    this.#losses = new Losses(dictionary, states);
    this.tally = states.tally;
    this.orders = queues.orders;
    this.levels = queues.levels;
    this.orderIndex = queues.index;
  }

  /** Books that have been named by an event, as numbers 0 … books − 1. */
  get books(): number {
    return this.#states.count;
  }

  /** Per book: 0 orders, 1 price levels. */
  get bookKind(): Uint8Array {
    return this.#states.kind;
  }

  /** Per book: 1 = something of it is missing. */
  get stale(): Uint8Array {
    return this.#states.stale;
  }

  /** Order changes of all books (BookStates). */
  get changes(): number {
    return this.#states.changes;
  }

  get bookChanges(): Float64Array {
    return this.#states.bookChanges;
  }

  /** Who is told of each order change from now on; null: nobody. */
  set observer(observer: ChangeObserver | null) {
    this.#states.observer = observer;
  }

  /** Channels with a loss: their books, also those seen later, are stale. */
  get lostChannels(): ReadonlySet<number> {
    return this.#losses.channels;
  }

  /**
   * Where books are large: reads what the records from `from` on are about to read, so that it is near when they are applied
   * one by one, too. @returns the record from which on it has to be done again.
   */
  lookAhead({ words }: EventBatch, from: number, to: number): number {
    if (this.orders.live < LOOK_AHEAD_ORDERS_MIN || to - from < LOOK_AHEAD_RECORDS_MIN) return to;
    const next = Math.min(from + LOOK_AHEAD_RECORDS, to);
    const { orderIndex, orders } = this;
    const { scope } = this.#queues;
    this.#lookAhead.touch(words, from * RECORD_WORDS, next * RECORD_WORDS, orderIndex, orders.words, scope);
    return next;
  }

  /** Applies the records `from` … `to − 1` of a batch. An extended event's two records are never parted. */
  apply(batch: EventBatch, from: number = 0, to: number = batch.count): void {
    const words = batch.words;
    const events = this.events;
    const states = this.#states;
    const orderEvents = this.#orderEvents;
    const levels = this.levels;
    const groupsBySource = this.#groupsBySource;
    let groups = 0;
    const end = to * RECORD_WORDS;
    let at = from * RECORD_WORDS;
    let ahead = at;
    while (at < end) {
      if (at >= ahead) ahead = this.lookAhead(batch, at / RECORD_WORDS, to) * RECORD_WORDS;
      const head = words[at]!;
      const kind = head & 255;
      const book = words[at + WORD_BOOK]!;
      if (book >= states.count) this.#reach(book);
      events[kind]! += 1;
      switch (kind) {
        case KIND_ADD:
          orderEvents.add(words, at, head, book);
          break;
        case KIND_DELETE:
          orderEvents.delete(words, at, head, book);
          break;
        case KIND_EXECUTE:
          orderEvents.execute(words, at, head, book);
          break;
        case KIND_MODIFY:
          orderEvents.modify(words, at, head, book);
          break;
        case KIND_REDUCE:
          orderEvents.reduce(words, at, head, book);
          break;
        case KIND_REPLACE:
          orderEvents.replace(words, at, head, book);
          break;
        case KIND_LEVEL:
          this.#levelEvents.set(words, at, head, book);
          break;
        case KIND_CLEAR:
          this.#clear(head, book);
          break;
        case KIND_GAP:
          if (book >= 0) states.stale[book] = 1;
          else this.#losses.lose(batch.channel);
          break;
        case KIND_SESSION:
          this.#renew(batch.channel);
          break;
        case KIND_TRADE:
          if (book < 0) break;
          states.observer?.printed(words, at, book, 0);
          states.change(book, 1);
          break;
        default:
          break;
      }
      if ((head & HEAD_LAST) !== 0) {
        groups += 1;
        // Keys: bid price + negated ask price; at zero the book is locked, above it crossed.
        if (book >= 0 && levels.bestKey[book * 2]! + levels.bestKey[book * 2 + 1]! >= 0)
          this.#groups.judge(book);
        if (groupsBySource) this.#groups.end(book);
      } else if (groupsBySource && book >= 0) this.#groups.join(book);
      at += (head & HEAD_EXTENDED) !== 0 ? 2 * RECORD_WORDS : RECORD_WORDS;
    }
    this.tally[TALLY_GROUPS]! += groups;
  }

  /** Slot of a live order, or 0. For a scope narrower than the source, `bookSide` must be the order's. */
  findOrder(idLow: number, idHigh: number, bookSide: number): number {
    return this.#queues.find(idLow, idHigh, bookSide);
  }

  /** Marks what was stale where the books come from: channels with a loss, and single books. */
  restoreMarks(lostChannels: Iterable<number>, staleBooks: Iterable<number>): void {
    for (const channel of lostChannels) this.#losses.channels.add(channel);
    for (const book of staleBooks) {
      this.#reach(book);
      this.#states.stale[book] = 1;
    }
  }

  /** Counts go on from where those of an image stood. */
  restoreChanges(book: number, changes: number): void {
    this.#reach(book);
    this.#states.restoreChanges(book, changes);
  }

  /** What was counted as order changes so far was none. */
  forgetChanges(): void {
    this.#states.forgetChanges();
  }

  #clear(head: number, book: number): void {
    if (book < 0) {
      for (let each = 0; each < this.books; each += 1) this.#clearBook(each);
      return;
    }
    if ((head & HEAD_ONE_SIDE) !== 0) this.#clearSide((book << 1) | ((head & HEAD_ASK) !== 0 ? 1 : 0));
    else this.#clearBook(book);
    // What follows is all that is in the book, by the word of an operator or of the feed.
    if ((head & HEAD_SNAPSHOT) !== 0 && (head & HEAD_ONE_SIDE) === 0) this.stale[book] = 0;
  }

  #clearBook(book: number): void {
    this.#clearSide(book << 1);
    this.#clearSide((book << 1) | 1);
    if (this.rules.clearRestores === true) this.#losses.mend(book);
  }

  #clearSide(bookSide: number): void {
    this.#states.observer?.clears(bookSide);
    this.#states.change(bookSide >> 1, this.#queues.clearSide(bookSide));
  }

  /** A new session of this channel: its books start empty and right. */
  #renew(channel: number): void {
    for (let book = 0; book < this.books; book += 1) {
      if (this.dictionary.books[book]?.channel !== channel) continue;
      this.#clearBook(book);
      this.stale[book] = 0;
    }
    this.#losses.forget(channel);
  }

  /** Makes room for every book up to this number. */
  #reach(book: number): void {
    const states = this.#states;
    if (book < states.count) return;
    states.reserve(book);
    this.#groups.reserve(book);
    while (states.count <= book) {
      this.levels.addBook();
      const channel = this.dictionary.books[states.count]?.channel;
      if (channel !== undefined && this.lostChannels.has(channel)) states.stale[states.count] = 1;
      states.count += 1;
    }
  }
}
