import type { BookEvents, BookSource } from '../../publish/events/book-source.ts';
import { bitOf } from '../../publish/events/kinds.ts';
import type { Subscription } from '../../publish/events/subscription.ts';
import { BookOrders } from './book-orders.ts';
import type { EventDesk } from './event-maker.ts';
import { EventWriter } from './event-writer.ts';
import { GrowingMemory } from './growing-memory.ts';
import { LevelJson } from './level-json.ts';
import { MboJson } from './mbo-json.ts';

/** Says the books of a run as JSON: their orders as a clear and adds, and the latest of bbo and depth. */
export class BookTexts implements BookSource {
  readonly #desk: EventDesk;
  readonly #memory: GrowingMemory = new GrowingMemory();
  readonly #writer: EventWriter;
  readonly #orders: BookOrders;
  readonly #levels: LevelJson;

  constructor(desk: EventDesk) {
    const { log, head } = desk;
    this.#desk = desk;
    this.#writer = new EventWriter(this.#memory, log.topics, head);
    this.#orders = new BookOrders(new MboJson(this.#writer, desk));
    this.#levels = new LevelJson(this.#writer);
  }

  /** Topics are no longer what they were. */
  forget(): void {
    this.#writer.forget();
  }

  take(subscription: Subscription, bytesMax: number): BookEvents | null {
    const { log, head, topicOf, leaveOut } = this.#desk;
    const books = this.#desk.books();
    const memory = this.#memory;
    const isFull = (): boolean => memory.used > bytesMax;
    memory.begin();
    head.seq = log.lastSeq;
    let said = 0;
    for (const book of books?.dictionary.books ?? []) {
      const market = books!.markets[books!.sourceOf(book.number)];
      if (market === undefined || book.number >= market.books) continue;
      const topic = topicOf(book);
      const mask = subscription.mask(topic);
      if (mask === 0) continue;
      said += 1;
      if ((mask & bitOf('mbo')) !== 0) {
        try {
          this.#orders.say(market, book, isFull);
        } catch (error) {
          leaveOut(error);
        }
      }
      head.last = true;
      if ((mask & bitOf('bbo')) !== 0) this.#levels.bbo(market, book, topic);
      if ((mask & bitOf('depth')) !== 0) this.#levels.depth(market, book, topic);
      if (isFull()) return null;
    }
    const events = { bytes: memory.buffer.subarray(0, memory.used), ends: memory.ends, books: said };
    memory.begin();
    return events;
  }
}
