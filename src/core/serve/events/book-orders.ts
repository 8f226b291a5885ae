import { bigHigh, bigLow } from '../../binary/time.ts';
import type { Market } from '../../book/market.ts';
import { ordersOf } from '../../book/view.ts';
import type { MboRecords } from '../../convert/mbo-events.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { PublicId } from '../../event/public-id.ts';
import * as layout from '../../feeds/dbn/layout.ts';
import { FormlessError } from './formless-error.ts';

/** Records that also say what books are, and not only what events do. */
export interface BookRecords extends MboRecords {
  /** What follows is told of the books as they are. */
  beginSnapshot(channel: number): void;
}

/** Says the orders of books as DBN has them: a clear and one add for each order, the best and oldest first. */
export class BookOrders {
  readonly #records: BookRecords;
  readonly #id: PublicId = new PublicId();

  constructor(records: BookRecords) {
    this.#records = records;
  }

  /** Throws FormlessError where an order has no form. @param isFull is there no room for more? Then the rest is left out. */
  say(market: Market, book: BookDefinition, isFull: () => boolean): void {
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
        if (isFull()) return;
        let high = bigHigh(id);
        let low = bigLow(id);
        if (isHashed) {
          this.#id.hash(book.instrument, ask, high, low);
          ({ high, low } = this.#id);
        }
        if (price === null) records.price.setUndefined();
        else if (!records.price.set(price, book.priceScale)) throw new FormlessError();
        records.put(layout.ACTION_ADD, side, book, high, low, records.size(quantity, book), stale);
      }
    }
    records.release(true);
  }
}
