import { toBigInt, toBigUint } from '../../../../src/core/binary/time.ts';
import type { Market } from '../../../../src/core/book/market.ts';
import { priceOfKey } from '../../../../src/core/book/view.ts';
import { DbnPrice } from '../../../../src/core/convert/dbn-values.ts';
import { MboEvents, type MboRecords } from '../../../../src/core/convert/mbo-events.ts';
import type { EventBatch } from '../../../../src/core/event/batch.ts';
import type { BookDefinition } from '../../../../src/core/event/dictionary.ts';
import * as record from '../../../../src/core/event/record.ts';
import type { Feed } from '../../../../src/core/feeds/feed.ts';
import type { EventObserver, RunFacts } from '../../../../src/core/pipeline/books.ts';
import { BboRows } from '../../../../src/core/pipeline/rows/bbo-rows.ts';
import { DepthRows } from '../../../../src/core/pipeline/rows/depth-rows.ts';
import { TradeRows } from '../../../../src/core/pipeline/rows/trade-rows.ts';

const LEVELS = 10;
const SIZE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

class NoForm extends Error {}

/** Events of the kinds mbo, trade, bbo and depth as documents, each put into text by JSON.stringify. */
export class EventOracle implements EventObserver, MboRecords {
  readonly texts: string[] = [];
  readonly price: DbnPrice = new DbnPrice();
  holds = false;
  bookNumber = 0;
  readonly #mbo = new MboEvents(this, true);
  #seq = 0;
  #times: object = {};
  #isTimed = false;
  #isLast = false;
  #event: { readonly snapshot: boolean; readonly channel: number; readonly sequence: number } | null = null;
  #held: { readonly book: BookDefinition; readonly flags: number; readonly body: object } | null = null;
  readonly #rows: readonly EventObserver[] = [
    new TradeRows(({ kind, price, quantity, aggressor, orderId, matchId, printable, source, instrument }) => {
      const body = { event: kind, price, quantity, aggressor, orderId, matchId, printable };
      this.#say({ source, instrument }, 'trade', body);
    }),
    new BboRows(({ bid, ask, stale, source, instrument }) =>
      this.#say({ source, instrument }, 'bbo', { bid, ask, stale }),
    ),
    new DepthRows(LEVELS, ({ stale, bids, asks, source, instrument }) =>
      this.#say({ source, instrument }, 'depth', { stale, bids, asks }),
    ),
  ];

  start(feed: Feed, _run: RunFacts): void {
    this.#mbo.start(feed);
  }

  before(batch: EventBatch, at: number, market: Market, said: number): void {
    const { words } = batch;
    this.#seq += 1;
    this.#isLast = ((words[at]! >> 8) & record.FLAG_LAST) !== 0;
    const venue =
      toBigInt(batch.venueBaseHigh, batch.venueBaseLow) + BigInt(words[at + record.WORD_VENUE_TIME]!);
    const receive =
      toBigUint(batch.receiveBaseHigh, batch.receiveBaseLow) +
      BigInt(words[at + record.WORD_RECEIVE_TIME]! >>> 0);
    this.#isTimed = receive !== 0n;
    this.#times = { ts_event: String(venue), ts_recv: this.#isTimed ? String(receive) : null };
    this.#rows[0]!.before!(batch, at, market, said);
    if (!isLevel(batch, at)) this.#form(() => this.#mbo.before(batch, at, market));
  }

  after(batch: EventBatch, at: number, market: Market): void {
    if (!isLevel(batch, at)) this.#form(() => this.#mbo.after(batch, at, market));
    for (const rows of this.#rows.slice(1)) rows.after!(batch, at, market);
  }

  begin(batch: EventBatch, at: number): void {
    const head = batch.words[at]!;
    this.#event = {
      snapshot: ((head >> 8) & record.FLAG_SNAPSHOT) !== 0,
      channel: batch.channel,
      sequence: batch.sequenceBase === 0 ? 0 : batch.sequenceBase + (head >>> 16),
    };
    this.holds = false;
  }

  put(
    action: number,
    side: number,
    book: BookDefinition,
    idHigh: number,
    idLow: number,
    size: number,
    stale: boolean,
  ): void {
    this.release(false);
    const { channel, sequence, snapshot } = this.#event!;
    const flags = (this.#isTimed ? 0 : 8) | (snapshot ? 32 : 0) | (stale ? 4 : 0);
    const body = {
      action: String.fromCharCode(action),
      side: String.fromCharCode(side),
      price: String(toBigInt(this.price.high, this.price.low)),
      size,
      order_id: String(toBigUint(idHigh, idLow)),
      flags,
      channel_id: channel,
      sequence,
    };
    this.holds = true;
    this.bookNumber = book.number;
    this.#held = { book, flags, body };
  }

  release(last: boolean): void {
    if (!this.holds) return;
    this.holds = false;
    const { book, flags, body } = this.#held!;
    const about = { source: book.source, instrument: String(book.instrument) };
    this.#say(about, 'mbo', { ...body, flags: flags | (last ? 128 : 0) }, last);
  }

  setPrice(key: number, bookSide: number, book: BookDefinition): void {
    const price = priceOfKey(key, bookSide);
    if (price === null) this.price.setUndefined();
    else if (!this.price.setBig(BigInt(price), book.priceScale)) this.refuse();
  }

  setPriceHalves(high: number, low: number, book: BookDefinition): void {
    const price = toBigInt(high, low);
    if (price === -(1n << 63n)) this.price.setUndefined();
    else if (!this.price.setBig(price, book.priceScale)) this.refuse();
  }

  size(quantity: number): number {
    return quantity;
  }

  sizeHalves(high: number, low: number): number {
    const size = toBigInt(high, low);
    return size >= 0n && size <= SIZE_MAX ? Number(size) : this.refuse();
  }

  refuse(): never {
    this.holds = false;
    throw new NoForm();
  }

  #say(
    { source, instrument }: { source: string | null; instrument: string | null },
    kind: string,
    body: object,
    last: boolean = this.#isLast,
  ): void {
    const about = { source, instrument: Number(instrument), symbol: `S${instrument}` };
    this.texts.push(JSON.stringify({ seq: String(this.#seq), ...about, kind, ...this.#times, last, body }));
  }

  #form(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof NoForm)) throw error;
    }
  }
}

function isLevel({ words }: EventBatch, at: number): boolean {
  return (words[at]! & 255) === record.KIND_LEVEL;
}
