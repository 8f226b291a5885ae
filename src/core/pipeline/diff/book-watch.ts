import type { Market } from '../../book/market.ts';
import { LEVEL_BOOK_SIDE, LEVEL_KEY_DOUBLE, LEVEL_QUANTITY_DOUBLE, ORDER_LEVEL } from '../../book/store.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { Dictionary } from '../../event/dictionary.ts';
import {
  EXT_WORD_RELATED_ID,
  FLAG_ASK,
  FLAG_EXTENDED,
  FLAG_INFORMS,
  FLAG_LAST,
  FLAG_SNAPSHOT,
  KIND_ADD,
  KIND_CLEAR,
  KIND_DELETE,
  KIND_EXECUTE,
  KIND_LEVEL,
  KIND_MODIFY,
  KIND_REDUCE,
  KIND_REPLACE,
  KIND_RESET,
  KIND_SESSION,
  NO_BOOK,
  NULL_PRICE_HIGH,
  NULL_PRICE_LOW,
  RECORD_WORDS,
  WORD_BOOK,
  WORD_ID,
  WORD_PRICE,
  WORD_VENUE_TIME,
} from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { Books, EventObserver, RunFacts } from '../books.ts';
import { Marks } from './marks.ts';
import { OrderHashes } from './order-hashes.ts';
import { QueueDigests } from './queue-digests.ts';
import * as queue from './step-queue.ts';
import { StepQueue } from './step-queue.ts';
import { TouchedLevels } from './touched-levels.ts';

const TWO_32 = 4294967296;
const HEAD_LAST: number = FLAG_LAST << 8;
const HEAD_ASK: number = FLAG_ASK << 8;
const HEAD_INFORMS: number = FLAG_INFORMS << 8;
const HEAD_EXTENDED: number = FLAG_EXTENDED << 8;
const HEAD_SNAPSHOT: number = FLAG_SNAPSHOT << 8;

/** Where a book was changed last: 0 session · 1 number · 2 time high · 3 time low · 4 channel · 5 flags. */
const PLACE_FIELDS = 6;
const PLACE_SESSION = 0;
const PLACE_NUMBER = 1;
const PLACE_TIME_HIGH = 2;
const PLACE_TIME_LOW = 3;
const PLACE_CHANNEL = 4;
const PLACE_FLAGS = 5;

/**
 * Watches the books of one side: whenever a group of events of a book ends, a step says which of its levels the group may
 * have changed and what they hold now. A level is taken as changed when an event names an order in it, before or after, or
 * its price; a clear and a new session change all levels of their books.
 */
export class BookWatch implements EventObserver {
  readonly steps: StepQueue;
  /** How far the side is. */
  readonly marks: Marks = new Marks();
  /** Events so far. */
  events = 0;
  feed: Feed | null = null;
  facts: RunFacts | null = null;
  dictionary: Dictionary | null = null;
  readonly #hashes: OrderHashes;
  readonly #touched: TouchedLevels = new TouchedLevels();
  /** Per book: where it was changed last. */
  #places: Float64Array = new Float64Array(64 * PLACE_FIELDS);
  /** Books that nobody compares any more. */
  #ignored: Uint8Array = new Uint8Array(64);
  /** Per channel: books that the group at hand has touched besides the one that its last event names. */
  readonly #open: number[][] = [];
  readonly #markets: Market[] = [];
  /** Per market. */
  readonly #queues: QueueDigests[] = [];
  /** The market of the event at hand. */
  #market: Market | null = null;
  #queue: QueueDigests | null = null;
  #groupsBySource = false;
  /** Orders of the market in front of the event at hand. */
  #live = 0;
  /** Venue time of the event at hand. */
  #timeHigh = 0;
  #timeLow = 0;

  /** @param side its name, for errors. @param withIds the ids of orders count. */
  constructor(side: string, withIds: boolean) {
    this.steps = new StepQueue(side);
    this.#hashes = new OrderHashes(withIds);
  }

  start(feed: Feed, facts: RunFacts): void {
    this.feed = feed;
    this.#groupsBySource = feed.rules.groupScope === 'source';
    this.facts = facts;
  }

  /** Nobody compares this book any more. */
  ignore(book: number): void {
    if (book >= this.#ignored.length) {
      const wider = new Uint8Array(Math.max(book + 1, this.#ignored.length * 2));
      wider.set(this.#ignored);
      this.#ignored = wider;
    }
    this.#ignored[book] = 1;
  }

  /** The next step of a book is to tell all of its levels. */
  renew(book: number): void {
    for (const market of this.#markets) {
      if (book >= market.books) continue;
      this.#touchSide(book * 2, market, null);
      this.#touchSide(book * 2 + 1, market, null);
    }
  }

  before(batch: EventBatch, at: number, market: Market): void {
    if (market !== this.#market) this.#meet(market);
    const { words } = batch;
    const head = words[at]!;
    const kind = head & 255;
    this.#mark(batch, at, kind);
    this.#queue!.begin();
    this.#live = market.orders.live;
    switch (kind) {
      case KIND_ADD:
      case KIND_MODIFY:
      case KIND_REDUCE:
      case KIND_DELETE:
        this.#touchOrder(batch, at, at + WORD_ID, market);
        break;
      case KIND_EXECUTE:
        if ((head & HEAD_INFORMS) === 0) this.#touchOrder(batch, at, at + WORD_ID, market);
        break;
      case KIND_REPLACE:
        this.#touchOrder(batch, at, at + WORD_ID, market);
        if ((head & HEAD_EXTENDED) !== 0) {
          this.#touchOrder(batch, at, at + RECORD_WORDS + EXT_WORD_RELATED_ID, market);
        }
        break;
      case KIND_LEVEL:
        this.#touchPrice(batch, at, market);
        break;
      case KIND_CLEAR:
      case KIND_SESSION:
        this.#touchAll(batch, at, market);
        break;
      default:
        break;
    }
  }

  after(batch: EventBatch, at: number, market: Market): void {
    this.events += 1;
    const { words } = batch;
    const head = words[at]!;
    const kind = head & 255;
    if (kind <= KIND_DELETE || (kind === KIND_EXECUTE && (head & HEAD_INFORMS) === 0)) {
      this.#settle(batch, at, kind, market);
    }
    const book = words[at + WORD_BOOK]!;
    if (book === NO_BOOK && (kind === KIND_SESSION || kind === KIND_CLEAR)) {
      // It waits for no group.
      this.#endGroup(batch.channel, market);
    } else if ((head & HEAD_LAST) !== 0) {
      if (book !== NO_BOOK) this.#end(book, market);
      this.#endGroup(batch.channel, market);
    }
  }

  /** The input has ended: what no event has shown yet is what an image brought. */
  finish(books: Books): void {
    for (const market of books.markets) this.#meet(market);
  }

  /** Takes the books of a market as they are in front of its first event. */
  #meet(market: Market): void {
    this.#market = market;
    this.#queue = this.#queues[this.#markets.indexOf(market)] ?? null;
    if (this.#queue !== null) return;
    this.#queue = new QueueDigests(market, this.#hashes);
    this.#markets.push(market);
    this.#queues.push(this.#queue);
    this.dictionary = market.dictionary;
    for (let book = 0; book < market.books; book += 1) {
      this.#touchSide(book * 2, market, null);
      this.#touchSide(book * 2 + 1, market, null);
      if (this.#touched.headOf(book) === 0) continue;
      const place = this.#placeOf(book);
      this.#places[place + PLACE_CHANNEL] = market.dictionary.books[book]!.channel;
      this.#places[place + PLACE_FLAGS] = queue.STEP_PLACELESS;
      this.#end(book, market);
    }
  }

  /** Notes how far the side is with this event. */
  #mark(batch: EventBatch, at: number, kind: number): void {
    const low = (batch.venueBaseLow >>> 0) + batch.words[at + WORD_VENUE_TIME]!;
    const carry = low >= TWO_32 ? 1 : low < 0 ? -1 : 0;
    this.#timeHigh = batch.venueBaseHigh + carry;
    this.#timeLow = low - carry * TWO_32;
    const { marks } = this;
    const { channel } = batch;
    // What is about no book may have a time of whoever wrote the file.
    if (batch.words[at + WORD_BOOK] !== NO_BOOK) marks.time(this.#timeHigh, this.#timeLow);
    if (kind === KIND_SESSION || kind === KIND_RESET) marks.renew(channel);
    else if (batch.sequenceBase !== 0) marks.number(channel, batch.sequenceBase + (batch.words[at]! >>> 16));
  }

  /** Touches the level of an order that the event may change, where there is one. @param id where its id stands. */
  #touchOrder(batch: EventBatch, at: number, id: number, market: Market): void {
    const slot = this.#find(batch, at, id, market);
    if (slot === 0) return;
    this.#touchLevel(market.orders.words[slot * 8 + ORDER_LEVEL]!, market, batch, at);
    this.#queue!.hold(slot);
  }

  /** The same when the event has been applied: the order may be in another level now, or gone, or new. */
  #settle(batch: EventBatch, at: number, kind: number, market: Market): void {
    const queue = this.#queue!;
    const { held } = queue;
    // Only these bring in an order or give another one the id; a held order that has not gone keeps its slot.
    const isNew = kind === KIND_ADD || kind === KIND_REPLACE || (kind === KIND_MODIFY && held === 0);
    let slot = held;
    if (isNew) slot = this.#find(batch, at, at + WORD_ID, market);
    else if (market.orders.live < this.#live) slot = 0;
    if (slot !== 0 && (isNew || kind === KIND_MODIFY)) {
      this.#touchLevel(market.orders.words[slot * 8 + ORDER_LEVEL]!, market, batch, at);
    }
    queue.settle(slot);
  }

  #find({ words }: EventBatch, at: number, id: number, market: Market): number {
    const bookSide = words[at + WORD_BOOK]! * 2 + ((words[at]! & HEAD_ASK) !== 0 ? 1 : 0);
    return market.findOrder(words[id]!, words[id + 1]!, bookSide);
  }

  #touchPrice(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const book = words[at + WORD_BOOK]!;
    if (book === NO_BOOK) return;
    const isAsk = (words[at]! & HEAD_ASK) !== 0;
    const high = words[at + WORD_PRICE + 1]!;
    const low = words[at + WORD_PRICE]!;
    const price = high * TWO_32 + (low >>> 0);
    const isNull = high === NULL_PRICE_HIGH && low === NULL_PRICE_LOW;
    const { key } = market.levels;
    key[0] = isNull ? Number.POSITIVE_INFINITY : isAsk ? 0 - price : price;
    this.#touch(book * 2 + (isAsk ? 1 : 0), key, 0, batch, at);
  }

  /** Touches all levels of the books that a clear or a new session empties. */
  #touchAll(batch: EventBatch, at: number, market: Market): void {
    const { words } = batch;
    const named = words[at + WORD_BOOK]!;
    const isSession = (words[at]! & 255) === KIND_SESSION;
    const first = named === NO_BOOK ? 0 : named;
    const end = named === NO_BOOK ? market.books : Math.min(named + 1, market.books);
    for (let book = first; book < end; book += 1) {
      if (isSession && market.dictionary.books[book]?.channel !== batch.channel) continue;
      this.#touchSide(book * 2, market, batch, at);
      this.#touchSide(book * 2 + 1, market, batch, at);
    }
  }

  #touchSide(bookSide: number, market: Market, batch: EventBatch | null, at: number = 0): void {
    if (market.levels.bestLevel[bookSide] === 0) return;
    for (const level of market.levels.ladders[bookSide]!.fromBest()) {
      this.#touchLevel(level, market, batch, at);
      this.#queue!.forget(level);
    }
  }

  #touchLevel(level: number, market: Market, batch: EventBatch | null, at: number): void {
    const { words, doubles } = market.levels;
    this.#touch(words[level * 8 + LEVEL_BOOK_SIDE]!, doubles, level * 4 + LEVEL_KEY_DOUBLE, batch, at);
  }

  /** Touches the level with the key `keys[keyAt]`, and notes that this event did. */
  #touch(bookSide: number, keys: Float64Array, keyAt: number, batch: EventBatch | null, at: number): void {
    const book = bookSide >> 1;
    const isFirst = this.#touched.headOf(book) === 0;
    this.#touched.add(bookSide, keys, keyAt);
    if (batch === null) return;
    const { channel } = batch;
    if (isFirst && (this.#groupsBySource || book !== batch.words[at + WORD_BOOK])) {
      while (this.#open.length <= channel) this.#open.push([]);
      this.#open[channel]!.push(book);
    }
    const head = batch.words[at]!;
    const isPlaceless = (head & HEAD_SNAPSHOT) !== 0;
    const kind = head & 255;
    const place = this.#placeOf(book);
    const places = this.#places;
    places[place + PLACE_SESSION] = this.marks.sessionOf(channel);
    // A new session comes in front of its first message.
    places[place + PLACE_NUMBER] =
      kind === KIND_SESSION ? 0 : batch.sequenceBase === 0 ? -1 : batch.sequenceBase + (head >>> 16);
    places[place + PLACE_TIME_HIGH] = this.#timeHigh;
    places[place + PLACE_TIME_LOW] = this.#timeLow;
    places[place + PLACE_CHANNEL] = channel;
    places[place + PLACE_FLAGS] = isPlaceless ? queue.STEP_PLACELESS : 0;
  }

  #endGroup(channel: number, market: Market): void {
    const open = this.#open[channel];
    if (open === undefined) return;
    for (const book of open) this.#end(book, market);
    open.length = 0;
  }

  /** A group of a book has ended: makes a step of what it touched. */
  #end(book: number, market: Market): void {
    const touched = this.#touched;
    const head = touched.headOf(book);
    if (head === 0) return;
    if (book < this.#ignored.length && this.#ignored[book] === 1) {
      touched.clear(book);
      return;
    }
    const { steps } = this;
    const { key } = market.levels;
    let count = 0;
    for (let entry = head; entry !== 0; entry = touched.nextOf(entry)) {
      const bookSide = touched.bookSideOf(entry);
      key[0] = touched.keys[entry]!;
      const to = steps.addLevel();
      const { levels } = steps;
      levels[to] = bookSide;
      levels[to + 1] = key[0]!;
      this.#digest(market.levels.find(bookSide), market, levels, to + 2);
      count += 1;
    }
    touched.clear(book);
    this.#add(book, count, market);
  }

  /** Digests of the queue of a level and of its total; zeros for what holds nothing. */
  #digest(level: number, market: Market, into: Float64Array, to: number): void {
    const { words, doubles } = market.levels;
    const total = level * 4 + LEVEL_QUANTITY_DOUBLE;
    if (level === 0 || doubles[total] === 0) {
      into.fill(0, to, to + 4);
      return;
    }
    const book = words[level * 8 + LEVEL_BOOK_SIDE]! >> 1;
    const hashes = this.#hashes;
    hashes.quantity(doubles, total, market.dictionary.books[book]!.quantityScale);
    into[to + 2] = hashes.a;
    into[to + 3] = hashes.b | 1;
    const queue = this.#queue!;
    if (market.bookKind[book] === 0) {
      queue.take(level);
      into[to] = queue.a;
      into[to + 1] = queue.b;
    } else {
      into[to] = hashes.a;
      into[to + 1] = hashes.b | 1;
    }
  }

  #add(book: number, count: number, market: Market): void {
    const to = this.steps.add(count);
    const { steps } = this.steps;
    const places = this.#places;
    const place = this.#placeOf(book);
    steps[to + queue.STEP_BOOK] = book;
    steps[to + queue.STEP_SESSION] = places[place + PLACE_SESSION]!;
    steps[to + queue.STEP_NUMBER] = places[place + PLACE_NUMBER]!;
    steps[to + queue.STEP_TIME_HIGH] = places[place + PLACE_TIME_HIGH]!;
    steps[to + queue.STEP_TIME_LOW] = places[place + PLACE_TIME_LOW]!;
    steps[to + queue.STEP_CHANNEL] = places[place + PLACE_CHANNEL]!;
    steps[to + queue.STEP_EVENT] = this.events;
    steps[to + queue.STEP_FLAGS] =
      places[place + PLACE_FLAGS]! |
      (market.stale[book] === 1 ? queue.STEP_STALE : 0) |
      (market.bookKind[book] !== 0 ? queue.STEP_OF_LEVELS : 0);
  }

  #placeOf(book: number): number {
    const place = book * PLACE_FIELDS;
    if (place >= this.#places.length) {
      const wider = new Float64Array(Math.max(place + PLACE_FIELDS, this.#places.length * 2));
      wider.set(this.#places);
      this.#places = wider;
    }
    return place;
  }
}
