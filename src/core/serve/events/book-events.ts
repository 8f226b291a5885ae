import { bigHigh, bigLow } from '../../binary/time.ts';
import type { Market } from '../../book/market.ts';
import { bestOf, ordersOf } from '../../book/view.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { PublicId } from '../../event/public-id.ts';
import * as layout from '../../feeds/dbn/layout.ts';
import type { Books } from '../../pipeline/books.ts';
import { levelReport, levelReports } from '../../pipeline/level-report.ts';
import type { BookEvents, BookSource } from '../../publish/events/event-hub.ts';
import { bitOf, EVENT_KINDS, type EventKind } from '../../publish/events/kinds.ts';
import type { Subscription } from '../../publish/events/subscription.ts';
import type { EventWriter } from './event-writer.ts';
import { FormlessError, MboJson } from './mbo-json.ts';

/** Levels of a side in events of the kind depth. */
export const DEPTH_LEVELS = 10;

/** What the kind bbo says of a book. */
export function bboBody(market: Market, book: BookDefinition): object {
  const [bid, ask] = [false, true].map((side) => {
    const level = bestOf(market, book.number, side);
    return level === null ? null : levelReport(level, book);
  });
  return { bid, ask, stale: market.stale[book.number] === 1 };
}

/** What the kind depth says of a book. */
export function depthBody(market: Market, book: BookDefinition): object {
  const [bids, asks] = [false, true].map((side) => levelReports(market, book, side, DEPTH_LEVELS, false));
  return { stale: market.stale[book.number] === 1, bids, asks };
}

/** Says the books of a run as events: orders as a clear and adds, as DBN has them, and the latest of bbo and depth. */
export class BookTexts implements BookSource {
  readonly #books: () => Books | null;
  readonly #writer: EventWriter;
  readonly #topicOf: (book: BookDefinition) => number;
  readonly #seq: () => number;
  readonly #leaveOut: (error: unknown) => void;
  readonly #id: PublicId = new PublicId();

  constructor(
    books: () => Books | null,
    writer: EventWriter,
    topicOf: (book: BookDefinition) => number,
    seq: () => number,
    leaveOut: (error: unknown) => void,
  ) {
    this.#books = books;
    this.#writer = writer;
    this.#topicOf = topicOf;
    this.#seq = seq;
    this.#leaveOut = leaveOut;
  }

  take(subscription: Subscription, bytesMax: number): BookEvents | null {
    const books = this.#books();
    const texts: Buffer[] = [];
    const ends: number[] = [];
    let bytes = 0;
    let said = 0;
    const sink = (text: Uint8Array): void => {
      bytes += text.length;
      if (bytes > bytesMax) return;
      texts.push(Buffer.from(text));
      ends.push(bytes);
    };
    const records = new MboJson(this.#writer, sink, this.#topicOf);
    this.#writer.head.seq = this.#seq();
    for (const book of books?.dictionary.books ?? []) {
      const market = books!.markets[books!.sourceOf(book.number)];
      if (market === undefined || book.number >= market.books) continue;
      const topic = this.#topicOf(book);
      const mask = subscription.mask(topic);
      if (mask === 0) continue;
      said += 1;
      if ((mask & bitOf('mbo')) !== 0) this.#sayOrders(market, book, records);
      if ((mask & bitOf('bbo')) !== 0) sink(this.#text(topic, 'bbo', bboBody(market, book)));
      if ((mask & bitOf('depth')) !== 0) sink(this.#text(topic, 'depth', depthBody(market, book)));
      if (bytes > bytesMax) return null;
    }
    return { bytes: Buffer.concat(texts), ends, books: said };
  }

  #text(topic: number, kind: EventKind, body: object): Uint8Array {
    return this.#writer.document(topic, EVENT_KINDS.indexOf(kind), body, true);
  }

  #sayOrders(market: Market, book: BookDefinition, records: MboJson): void {
    try {
      this.#orders(market, book, records);
    } catch (error) {
      this.#leaveOut(error);
    }
  }

  /** A clear and one add for each order, the best and oldest first. */
  #orders(market: Market, book: BookDefinition, records: MboJson): void {
    if (market.bookKind[book.number] !== 0) return;
    const isHashed = market.rules.idScope === 'bookSide';
    const stale = market.stale[book.number] === 1;
    records.beginSnapshot(book.channel);
    records.price.setUndefined();
    records.put(layout.ACTION_CLEAR, layout.SIDE_CHAR_NONE, book, 0, 0, 0, stale);
    for (const ask of [false, true]) {
      const side = ask ? layout.SIDE_CHAR_ASK : layout.SIDE_CHAR_BID;
      for (const { id, price, quantity } of ordersOf(market, book.number, ask)) {
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
