import { bigHigh, bigLow } from '../../binary/time.ts';
import type { Market } from '../../book/market.ts';
import { ordersOf } from '../../book/view.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { PublicId } from '../../event/public-id.ts';
import * as layout from '../../feeds/dbn/layout.ts';
import type { Books } from '../../pipeline/books.ts';
import type { BookEvents, BookSource } from '../../publish/events/event-hub.ts';
import type { EventLog, EventMemory } from '../../publish/events/event-log.ts';
import { bitOf } from '../../publish/events/kinds.ts';
import type { Subscription } from '../../publish/events/subscription.ts';
import { type EventHead, EventWriter } from './event-writer.ts';
import { LevelJson } from './level-json.ts';
import { FormlessError, MboJson } from './mbo-json.ts';

const PIECE_BYTES = 1 << 16;

/** Memory that grows with the events that are written into it. */
class GrowingMemory implements EventMemory {
  buffer: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(this.buffer.buffer);
  used = 0;
  ends: number[] = [];

  begin(): void {
    this.buffer = Buffer.alloc(0);
    this.used = 0;
    this.ends = [];
  }

  reserve(bytes: number): number {
    const { used, buffer } = this;
    if (used + bytes > buffer.length) {
      const memory = new ArrayBuffer(Math.max(PIECE_BYTES, 2 * (used + bytes)));
      this.buffer = Buffer.from(memory);
      this.view = new DataView(memory);
      this.buffer.set(buffer.subarray(0, used));
    }
    return used;
  }

  commit(bytes: number): void {
    this.used += bytes;
    this.ends.push(this.used);
  }
}

/** Says the books of a run as events: orders as a clear and adds, as DBN has them, and the latest of bbo and depth. */
export class BookTexts implements BookSource {
  readonly #books: () => Books | null;
  readonly #topicOf: (book: BookDefinition) => number;
  readonly #log: EventLog;
  readonly #leaveOut: (error: unknown) => void;
  readonly #id: PublicId = new PublicId();
  readonly #memory: GrowingMemory = new GrowingMemory();
  readonly #head: EventHead;
  readonly #writer: EventWriter;
  readonly #records: MboJson;
  readonly #levels: LevelJson;

  /** @param head times of the last event. */
  constructor(
    books: () => Books | null,
    log: EventLog,
    head: EventHead,
    topicOf: (book: BookDefinition) => number,
    leaveOut: (error: unknown) => void,
  ) {
    this.#books = books;
    this.#log = log;
    this.#topicOf = topicOf;
    this.#leaveOut = leaveOut;
    this.#head = head;
    this.#writer = new EventWriter(this.#memory, log.topics, head);
    this.#records = new MboJson(this.#writer, topicOf);
    this.#levels = new LevelJson(this.#writer);
  }

  /** Topics are no longer what they were. */
  forget(): void {
    this.#writer.forget();
  }

  take(subscription: Subscription, bytesMax: number): BookEvents | null {
    const books = this.#books();
    const memory = this.#memory;
    const head = this.#head;
    memory.begin();
    head.seq = this.#log.lastSeq;
    let said = 0;
    for (const book of books?.dictionary.books ?? []) {
      const market = books!.markets[books!.sourceOf(book.number)];
      if (market === undefined || book.number >= market.books) continue;
      const topic = this.#topicOf(book);
      const mask = subscription.mask(topic);
      if (mask === 0) continue;
      said += 1;
      if ((mask & bitOf('mbo')) !== 0) this.#sayOrders(market, book, bytesMax);
      head.last = true;
      if ((mask & bitOf('bbo')) !== 0) this.#levels.bbo(market, book, topic);
      if ((mask & bitOf('depth')) !== 0) this.#levels.depth(market, book, topic);
      if (memory.used > bytesMax) return null;
    }
    const events = { bytes: memory.buffer.subarray(0, memory.used), ends: memory.ends, books: said };
    memory.begin();
    return events;
  }

  #sayOrders(market: Market, book: BookDefinition, bytesMax: number): void {
    try {
      this.#orders(market, book, bytesMax);
    } catch (error) {
      this.#leaveOut(error);
    }
  }

  /** A clear and one add for each order, the best and oldest first. */
  #orders(market: Market, book: BookDefinition, bytesMax: number): void {
    if (market.bookKind[book.number] !== 0) return;
    const records = this.#records;
    const isHashed = market.rules.idScope === 'bookSide';
    const stale = market.stale[book.number] === 1;
    records.beginSnapshot(book.channel);
    records.price.setUndefined();
    records.put(layout.ACTION_CLEAR, layout.SIDE_CHAR_NONE, book, 0, 0, 0, stale);
    for (const ask of [false, true]) {
      const side = ask ? layout.SIDE_CHAR_ASK : layout.SIDE_CHAR_BID;
      for (const { id, price, quantity } of ordersOf(market, book.number, ask)) {
        if (this.#memory.used > bytesMax) return;
        let high = bigHigh(id);
        let low = bigLow(id);
        if (isHashed) {
          this.#id.hash(book.instrument, ask, high, low);
          ({ high, low } = this.#id);
        }
        if (price === null) records.price.setUndefined();
        else if (!records.price.set(price, book.priceScale)) throw new FormlessError();
        records.put(layout.ACTION_ADD, side, book, high, low, quantity, stale);
      }
    }
    records.release(true);
  }
}
