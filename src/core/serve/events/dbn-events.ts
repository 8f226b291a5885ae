import type { Market } from '../../book/market.ts';
import { DbnInstruments } from '../../convert/dbn-instruments.ts';
import { MboEvents } from '../../convert/mbo-events.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { KIND_LEVEL } from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { BookEvents, BookSource } from '../../publish/events/book-source.ts';
import type { Subscription } from '../../publish/events/subscription.ts';
import { BookOrders } from './book-orders.ts';
import type { EventDesk, EventMaker } from './event-maker.ts';
import { GrowingMemory } from './growing-memory.ts';
import { MboDbn } from './mbo-dbn.ts';

/** Events as records of DBN, of the kind mbo; in front of the first one of a book, what the book is called. */
export class DbnEvents implements EventMaker {
  readonly books: DbnBooks;
  readonly #desk: EventDesk;
  readonly #instruments: DbnInstruments = new DbnInstruments();
  readonly #records: MboDbn;
  #mbo: MboEvents | null = null;
  #feed: Feed | null = null;

  constructor(desk: EventDesk) {
    this.#desk = desk;
    this.#records = new MboDbn(desk.log, desk, this.#instruments, true);
    this.books = new DbnBooks(desk, this.#instruments);
  }

  start(feed: Feed): void {
    this.#feed = feed;
  }

  renew(_made: number, fresh: number): void {
    if (fresh === 0) return;
    this.#mbo = new MboEvents(this.#records, true);
    this.#mbo.start(this.#feed!);
  }

  before(batch: EventBatch, at: number, market: Market): void {
    if ((batch.words[at]! & 255) === KIND_LEVEL) return;
    try {
      this.#mbo!.before(batch, at, market);
    } catch (error) {
      this.#desk.leaveOut(error);
    }
  }

  after(batch: EventBatch, at: number, market: Market): void {
    if ((batch.words[at]! & 255) === KIND_LEVEL) return;
    try {
      this.#mbo!.after(batch, at, market);
    } catch (error) {
      this.#desk.leaveOut(error);
    }
  }

  forget(): void {}
}

/** Says the books of a run as records of DBN, and what they are called. */
class DbnBooks implements BookSource {
  readonly #desk: EventDesk;
  readonly #memory: GrowingMemory = new GrowingMemory();
  readonly #records: MboDbn;
  readonly #orders: BookOrders;

  constructor(desk: EventDesk, instruments: DbnInstruments) {
    this.#desk = desk;
    this.#records = new MboDbn(this.#memory, desk, instruments, false);
    this.#orders = new BookOrders(this.#records);
  }

  take(subscription: Subscription, bytesMax: number): BookEvents | null {
    const memory = this.#memory;
    const isFull = (): boolean => memory.used > bytesMax;
    return this.#gather(subscription, (market, book) => {
      try {
        this.#orders.say(market, book, isFull);
      } catch (error) {
        this.#desk.leaveOut(error);
      }
      return !isFull();
    });
  }

  names(subscription: Subscription): BookEvents {
    return this.#gather(subscription, (_, book) => {
      this.#records.name(book, this.#desk.topicOf(book));
      return true;
    })!;
  }

  /** @param say answers whether there is room for more. */
  #gather(
    subscription: Subscription,
    say: (market: Market, book: BookDefinition) => boolean,
  ): BookEvents | null {
    const { log, head, topicOf } = this.#desk;
    const books = this.#desk.books();
    const memory = this.#memory;
    memory.begin();
    head.seq = log.lastSeq;
    let said = 0;
    for (const book of books?.dictionary.books ?? []) {
      const market = books!.markets[books!.sourceOf(book.number)];
      if (market === undefined || book.number >= market.books) continue;
      if (subscription.mask(topicOf(book)) === 0) continue;
      said += 1;
      if (!say(market, book)) return null;
    }
    const events = { bytes: memory.buffer.subarray(0, memory.used), ends: memory.ends, books: said };
    memory.begin();
    return events;
  }
}
