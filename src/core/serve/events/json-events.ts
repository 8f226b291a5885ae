import type { Market } from '../../book/market.ts';
import { MboEvents } from '../../convert/mbo-events.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { FLAG_INFORMS, KIND_EXECUTE, KIND_LEVEL, KIND_STATUS, KIND_TRADE } from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { Books } from '../../pipeline/books.ts';
import { GroupEnds } from '../../pipeline/rows/group-ends.ts';
import { bitOf } from '../../publish/events/kinds.ts';
import { BookTexts } from './book-texts.ts';
import type { EventDesk, EventMaker } from './event-maker.ts';
import { EventWriter } from './event-writer.ts';
import { BboChanges, DepthChanges } from './level-changes.ts';
import { LevelJson } from './level-json.ts';
import { MboJson } from './mbo-json.ts';
import { OtherJson } from './other-json.ts';
import { TradeJson } from './trade-json.ts';

const MBO: number = bitOf('mbo');
const TRADE: number = bitOf('trade');
const BBO: number = bitOf('bbo');
const DEPTH: number = bitOf('depth');
const REST: number = bitOf('status') | bitOf('definition') | bitOf('gap') | bitOf('system');

/** Events as JSON, of all kinds. */
export class JsonEvents implements EventMaker {
  readonly books: BookTexts;
  readonly #desk: EventDesk;
  readonly #writer: EventWriter;
  readonly #records: MboJson;
  readonly #trades: TradeJson;
  readonly #levels: LevelJson;
  readonly #others: OtherJson;
  #mbo: MboEvents | null = null;
  #bboChanges: BboChanges = new BboChanges();
  #depthChanges: DepthChanges = new DepthChanges();
  #ends: GroupEnds = new GroupEnds();
  #feed: Feed | null = null;
  #made = 0;

  constructor(desk: EventDesk) {
    const { log, head } = desk;
    this.#desk = desk;
    this.#writer = new EventWriter(log, log.topics, head);
    this.#records = new MboJson(this.#writer, desk);
    this.#trades = new TradeJson(this.#writer);
    this.#levels = new LevelJson(this.#writer);
    this.#others = new OtherJson(this.#writer);
    this.books = new BookTexts(desk);
  }

  start(feed: Feed): void {
    this.#feed = feed;
    this.#others.start(feed);
  }

  /** Kinds that are made anew begin with the books as they are. */
  renew(made: number, fresh: number): void {
    this.#made = made;
    if ((fresh & MBO) !== 0) {
      this.#mbo = new MboEvents(this.#records, true);
      this.#mbo.start(this.#feed!);
    }
    if ((fresh & (BBO | DEPTH)) === 0) return;
    if ((fresh & BBO) !== 0) this.#bboChanges = new BboChanges();
    if ((fresh & DEPTH) !== 0) this.#depthChanges = new DepthChanges();
    if ((made & (BBO | DEPTH)) === (fresh & (BBO | DEPTH))) this.#ends = new GroupEnds();
    this.#lookAt(this.#desk.books()!, fresh);
  }

  before(batch: EventBatch, at: number, market: Market, book: BookDefinition | undefined): void {
    const made = this.#made;
    const head = batch.words[at]!;
    const kind = head & 255;
    if (kind === KIND_TRADE || kind === KIND_EXECUTE) {
      // The trade that an execution informs of comes by itself.
      const isTrade = kind === KIND_TRADE || ((head >> 8) & FLAG_INFORMS) === 0;
      if (isTrade && (made & TRADE) !== 0) {
        this.#trades.say(batch, at, market, book, this.#topicOf(book, batch.channel));
      }
    } else if (kind >= KIND_STATUS && (made & REST) !== 0) {
      this.#others.say(batch, at, market, made, this.#topicOf(book, batch.channel));
    }
    if ((made & MBO) !== 0 && kind !== KIND_LEVEL) this.#sayBefore(batch, at, market);
  }

  after(batch: EventBatch, at: number, market: Market): void {
    const made = this.#made;
    if ((made & MBO) !== 0 && (batch.words[at]! & 255) !== KIND_LEVEL) this.#sayAfter(batch, at, market);
    if ((made & (BBO | DEPTH)) !== 0) this.#sayLevels(batch, at, market);
  }

  forget(): void {
    this.#writer.forget();
    this.books.forget();
  }

  #lookAt(books: Books, fresh: number): void {
    for (const { number } of books.dictionary.books) {
      const market = books.markets[books.sourceOf(number)];
      if (market === undefined || number >= market.books) continue;
      if ((fresh & BBO) !== 0) this.#bboChanges.look(market, number);
      if ((fresh & DEPTH) !== 0) this.#depthChanges.look(market, number);
    }
  }

  #sayLevels(batch: EventBatch, at: number, market: Market): void {
    const { books } = market.dictionary;
    const ended = this.#ends.after(batch, at, market);
    if ((this.#made & BBO) !== 0) {
      for (let index = 0; index < ended.length; index += 1) {
        const book = books[ended[index]!];
        if (book === undefined || !this.#bboChanges.look(market, book.number)) continue;
        this.#levels.bbo(market, book, this.#desk.topicOf(book));
      }
    }
    if ((this.#made & DEPTH) === 0) return;
    for (let index = 0; index < ended.length; index += 1) {
      const book = books[ended[index]!];
      if (book === undefined || !this.#depthChanges.look(market, book.number)) continue;
      this.#levels.depth(market, book, this.#desk.topicOf(book));
    }
  }

  #sayBefore(batch: EventBatch, at: number, market: Market): void {
    try {
      this.#mbo!.before(batch, at, market);
    } catch (error) {
      this.#desk.leaveOut(error);
    }
  }

  #sayAfter(batch: EventBatch, at: number, market: Market): void {
    try {
      this.#mbo!.after(batch, at, market);
    } catch (error) {
      this.#desk.leaveOut(error);
    }
  }

  #topicOf(book: BookDefinition | undefined, channel: number): number {
    return book === undefined ? this.#desk.topicOfChannel(channel) : this.#desk.topicOf(book);
  }
}
