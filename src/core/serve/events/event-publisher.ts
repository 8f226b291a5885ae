import { toBigUint } from '../../binary/time.ts';
import type { Market } from '../../book/market.ts';
import { MboEvents } from '../../convert/mbo-events.ts';
import { type EventBatch, eventsIn } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import {
  FLAG_INFORMS,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_LEVEL,
  KIND_STATUS,
  KIND_TRADE,
  RECORD_WORDS,
  WORD_BOOK,
} from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { RunFacts } from '../../pipeline/books.ts';
import { GroupEnds } from '../../pipeline/rows/group-ends.ts';
import type { EventHub } from '../../publish/events/event-hub.ts';
import { bitOf } from '../../publish/events/kinds.ts';
import type { Publisher } from '../follower.ts';
import { BookTexts } from './book-events.ts';
import { EventHead, EventWriter } from './event-writer.ts';
import { BboChanges, DepthChanges } from './level-changes.ts';
import { LevelJson } from './level-json.ts';
import { FormlessError, MboJson } from './mbo-json.ts';
import { OtherJson } from './other-json.ts';
import { TradeJson } from './trade-json.ts';

/** Events after which clients are woken though more are at hand. */
const WAKE_EVENTS = 1024;
/** What an event has at most, most of the time. */
const EVENT_BYTES = 1024;
const MBO: number = bitOf('mbo');
const TRADE: number = bitOf('trade');
const BBO: number = bitOf('bbo');
const DEPTH: number = bitOf('depth');
const REST: number = bitOf('status') | bitOf('definition') | bitOf('gap') | bitOf('system');

/** Makes the events of a run for the clients of a hub, each once, and only of kinds that somebody wants. */
export class EventPublisher implements Publisher {
  readonly #hub: EventHub;
  readonly #head: EventHead = new EventHead();
  readonly #writer: EventWriter;
  readonly #records: MboJson;
  readonly #trades: TradeJson;
  readonly #levels: LevelJson;
  readonly #texts: BookTexts;
  readonly #others: OtherJson;
  /** Name of the history where the run has none. */
  readonly #fallbackRun: string;
  #mbo: MboEvents | null = null;
  #bboChanges: BboChanges = new BboChanges();
  #depthChanges: DepthChanges = new DepthChanges();
  #ends: GroupEnds = new GroupEnds();
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  /** Bits of the kinds that are made. */
  #made = 0;
  #seq = 0;
  #names = 0;
  #woken = 0;
  readonly #wakeEvents: number;
  /** Sources of channels, where an event has told one. */
  readonly #sources: string[] = [];

  constructor(hub: EventHub, fallbackRun: string) {
    const { log, options } = hub;
    this.#hub = hub;
    // Before what they have not seen is more than half of what is kept.
    const kept = Math.min(options.retainedEvents, options.retainedBytes / EVENT_BYTES);
    this.#wakeEvents = Math.min(WAKE_EVENTS, Math.max(1, Math.floor(kept / 2)));
    this.#fallbackRun = fallbackRun;
    this.#writer = new EventWriter(log, log.topics, this.#head);
    const topicOf = (book: BookDefinition): number => this.#topicOfBook(book);
    this.#records = new MboJson(this.#writer, topicOf);
    this.#trades = new TradeJson(this.#writer);
    this.#levels = new LevelJson(this.#writer);
    this.#others = new OtherJson(this.#writer);
    this.#texts = new BookTexts(
      () => this.#run?.books ?? null,
      log,
      this.#head,
      topicOf,
      (error) => this.#leaveOut(error),
    );
    hub.books = this.#texts;
  }

  /** Again, where what came so far does not go on: what leads to these books is missing. */
  start(feed: Feed, run: RunFacts): void {
    const isAgain = this.#run !== null;
    this.#feed = feed;
    this.#run = run;
    this.#others.start(feed);
    const { high, low } = run.epoch;
    this.#hub.begin(runName(toBigUint(high, low)) ?? this.#fallbackRun);
    if (!isAgain) return;
    // Everything is made anew, with the books as they are.
    this.#made = 0;
    this.#names = -1;
    this.#hub.log.miss(run.imageEvent);
  }

  records(batch: EventBatch, from: number, to: number): void {
    const { log } = this.#hub;
    this.#reach();
    log.made.expire();
    this.#renew(log.made.mask);
    this.#seq = batch.firstEvent > 0 ? batch.firstEvent + eventsIn(batch, 0, from) - 1 : log.lastSeq;
    if (this.#made === 0) this.#pass(batch, from, to);
    this.#readNames();
  }

  before(batch: EventBatch, at: number, market: Market): void {
    const made = this.#made;
    if (made === 0) return;
    this.#seq += 1;
    const { words } = batch;
    const head = words[at]!;
    const kind = head & 255;
    const book = market.dictionary.books[words[at + WORD_BOOK]!];
    this.#head.read(batch, at, this.#seq);
    if (book !== undefined && this.#sources[batch.channel] !== book.source) {
      this.#sources[batch.channel] = book.source;
    }
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
    if (made === 0) return;
    const { log } = this.#hub;
    if ((made & MBO) !== 0 && (batch.words[at]! & 255) !== KIND_LEVEL) this.#sayAfter(batch, at, market);
    if ((made & (BBO | DEPTH)) !== 0) this.#sayLevels(batch, at, market);
    log.lastSeq = this.#seq;
    if (log.next - this.#woken >= this.#wakeEvents) this.flush();
  }

  flush(): void {
    const { log } = this.#hub;
    this.#reach();
    if (log.next === this.#woken) return;
    this.#woken = log.next;
    this.#hub.wake();
  }

  /** What goes on with a history begins behind what its books are. */
  #reach(): void {
    const { log } = this.#hub;
    const image = this.#run?.imageEvent ?? 0;
    if (log.lastSeq < image) log.skipTo(image);
  }

  /** Nothing is made of these events, but counted, and the time goes on. */
  #pass(batch: EventBatch, from: number, to: number): void {
    if (from === to) return;
    const { words } = batch;
    const isSecond = (words[(to - 1) * RECORD_WORDS]! & 255) === KIND_EXTENSION;
    const seq = this.#seq + eventsIn(batch, from, to);
    this.#hub.log.lastSeq = seq;
    this.#head.read(batch, (to - (isSecond ? 2 : 1)) * RECORD_WORDS, seq);
  }

  /** Kinds that are made anew begin with the books as they are. */
  #renew(made: number): void {
    const fresh = made & ~this.#made;
    this.#made = made;
    if (fresh === 0) return;
    if ((fresh & MBO) !== 0) {
      this.#mbo = new MboEvents(this.#records, true);
      this.#mbo.start(this.#feed!);
    }
    if ((fresh & (BBO | DEPTH)) === 0) return;
    if ((fresh & BBO) !== 0) this.#bboChanges = new BboChanges();
    if ((fresh & DEPTH) !== 0) this.#depthChanges = new DepthChanges();
    if ((made & (BBO | DEPTH)) === (fresh & (BBO | DEPTH))) this.#ends = new GroupEnds();
    const { markets, dictionary } = this.#run!.books!;
    for (const { number } of dictionary.books) {
      const market = markets[this.#run!.books!.sourceOf(number)];
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
        this.#levels.bbo(market, book, this.#topicOfBook(book));
      }
    }
    if ((this.#made & DEPTH) === 0) return;
    for (let index = 0; index < ended.length; index += 1) {
      const book = books[ended[index]!];
      if (book === undefined || !this.#depthChanges.look(market, book.number)) continue;
      this.#levels.depth(market, book, this.#topicOfBook(book));
    }
  }

  #sayBefore(batch: EventBatch, at: number, market: Market): void {
    try {
      this.#mbo!.before(batch, at, market);
    } catch (error) {
      this.#leaveOut(error);
    }
  }

  #sayAfter(batch: EventBatch, at: number, market: Market): void {
    try {
      this.#mbo!.after(batch, at, market);
    } catch (error) {
      this.#leaveOut(error);
    }
  }

  /** What has no form is counted, and left out. */
  #leaveOut(error: unknown): void {
    if (!(error instanceof FormlessError)) throw error;
    this.#hub.formless += 1;
  }

  #topicOf(book: BookDefinition | undefined, channel: number): number {
    return book === undefined ? this.#topicOfChannel(channel) : this.#topicOfBook(book);
  }

  #topicOfBook(book: BookDefinition): number {
    const { topics } = this.#hub.log;
    const known = topics.find(book.number);
    return known >= 0 ? known : this.#put(book);
  }

  #put({ source, number, instrument, symbol }: BookDefinition): number {
    return this.#hub.log.topics.put({ source, book: number, instrument, symbol });
  }

  #topicOfChannel(channel: number): number {
    return this.#hub.log.topics.ofSource(this.#sources[channel] ?? this.#feed!.name);
  }

  /** Books may have got their names since. */
  #readNames(): void {
    const dictionary = this.#run?.books?.dictionary;
    if (dictionary === undefined || dictionary.changes === this.#names) return;
    this.#names = dictionary.changes;
    const { topics } = this.#hub.log;
    for (const book of dictionary.books) {
      const topic = topics.find(book.number);
      if (topic < 0 || topics.list[topic]!.symbol === book.symbol) continue;
      this.#put(book);
      this.#writer.forget();
      this.#texts.forget();
    }
  }
}

/** Name of a history, as clients know it; null where there is none. */
export function runName(epoch: bigint): string | null {
  return epoch === 0n ? null : epoch.toString(32);
}
