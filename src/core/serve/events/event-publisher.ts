import { toBigUint } from '../../binary/time.ts';
import type { Market } from '../../book/market.ts';
import { type EventBatch, eventsIn } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import { KIND_EXTENSION, RECORD_WORDS, WORD_BOOK } from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { RunFacts } from '../../pipeline/books.ts';
import type { EventHub } from '../../publish/events/event-hub.ts';
import type { Publisher } from '../follower.ts';
import type { EventDesk, EventMaker } from './event-maker.ts';
import { EventHead } from './event-writer.ts';
import { FormlessError } from './formless-error.ts';
import { JsonEvents } from './json-events.ts';

/** Events after which clients are woken though more are at hand. */
const WAKE_EVENTS = 1024;
/** What an event has at most, most of the time. */
const EVENT_BYTES = 1024;

/** Has the events of a run made for the clients of a hub, each once, and only of kinds that somebody wants. */
export class EventPublisher implements Publisher {
  readonly #hub: EventHub;
  readonly #head: EventHead = new EventHead();
  readonly #maker: EventMaker;
  /** Name of the history where the run has none. */
  readonly #fallbackRun: string;
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
  /** The one that an event of the batch at hand was about last. */
  #book: BookDefinition | null = null;

  /** @param making what makes them, in the form of the hub. */
  constructor(
    hub: EventHub,
    fallbackRun: string,
    making: (desk: EventDesk) => EventMaker = (desk) => new JsonEvents(desk),
  ) {
    const { log, options } = hub;
    this.#hub = hub;
    // Before what they have not seen is more than half of what is kept.
    const kept = Math.min(options.retainedEvents, options.retainedBytes / EVENT_BYTES);
    this.#wakeEvents = Math.min(WAKE_EVENTS, Math.max(1, Math.floor(kept / 2)));
    this.#fallbackRun = fallbackRun;
    this.#maker = making({
      log,
      head: this.#head,
      books: () => this.#run?.books ?? null,
      topicOf: (book) => this.#topicOf(book),
      topicOfChannel: (channel) => log.topics.ofSource(this.#sources[channel] ?? this.#feed!.name),
      leaveOut: (error) => this.#leaveOut(error),
    });
    hub.books = this.#maker.books;
  }

  /** Again, where what came so far does not go on: what leads to these books is missing. */
  start(feed: Feed, run: RunFacts): void {
    const isAgain = this.#run !== null;
    this.#feed = feed;
    this.#run = run;
    this.#maker.start(feed);
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
    this.#book = null;
    this.#reach();
    log.made.expire();
    this.#renew(log.made.mask & log.form.kinds);
    this.#seq = batch.firstEvent > 0 ? batch.firstEvent + eventsIn(batch, 0, from) - 1 : log.lastSeq;
    if (this.#made === 0) this.#pass(batch, from, to);
    this.#readNames();
  }

  /** Nobody wants anything of them. */
  get isIdle(): boolean {
    return this.#made === 0;
  }

  before(batch: EventBatch, at: number, market: Market): void {
    this.#seq += 1;
    const book = market.dictionary.books[batch.words[at + WORD_BOOK]!];
    this.#head.read(batch, at, this.#seq);
    if (book !== undefined && book !== this.#book) this.#noteSource(book, batch.channel);
    this.#maker.before(batch, at, market, book);
  }

  after(batch: EventBatch, at: number, market: Market): void {
    const { log } = this.#hub;
    this.#maker.after(batch, at, market);
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

  #noteSource(book: BookDefinition, channel: number): void {
    this.#book = book;
    this.#sources[channel] = book.source;
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

  #renew(made: number): void {
    const fresh = made & ~this.#made;
    if (made === this.#made) return;
    this.#made = made;
    this.#maker.renew(made, fresh);
  }

  /** What has no form is counted, and left out. */
  #leaveOut(error: unknown): void {
    if (!(error instanceof FormlessError)) throw error;
    this.#hub.formless += 1;
  }

  #topicOf(book: BookDefinition): number {
    const { topics } = this.#hub.log;
    const known = topics.find(book.number);
    return known >= 0 ? known : this.#put(book);
  }

  #put({ source, number, instrument, symbol }: BookDefinition): number {
    return this.#hub.log.topics.put({ source, book: number, instrument, symbol });
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
      this.#maker.forget();
    }
  }
}

/** Name of a history, as clients know it; null where there is none. */
export function runName(epoch: bigint): string | null {
  return epoch === 0n ? null : epoch.toString(32);
}
