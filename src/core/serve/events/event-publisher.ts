import { toBigUint } from '../../binary/time.ts';
import type { Market } from '../../book/market.ts';
import { MboEvents } from '../../convert/mbo-events.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import {
  FLAG_INFORMS,
  KIND_DEFINITION,
  KIND_EXECUTE,
  KIND_EXTENSION,
  KIND_GAP,
  KIND_LEVEL,
  KIND_NAMES,
  KIND_RESET,
  KIND_SESSION,
  KIND_STATUS,
  KIND_TRADE,
  KIND_VENUE,
  RECORD_WORDS,
  WORD_BOOK,
} from '../../event/record.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { RunFacts } from '../../pipeline/books.ts';
import { BboRows } from '../../pipeline/rows/bbo-rows.ts';
import { DepthRows } from '../../pipeline/rows/depth-rows.ts';
import { EventFields, type Halves } from '../../pipeline/rows/event-fields.ts';
import { GAP_STATES } from '../../pipeline/rows/event-rows.ts';
import { TradeRows } from '../../pipeline/rows/trade-rows.ts';
import type { EventHub } from '../../publish/events/event-hub.ts';
import { EVENT_KINDS, type EventKind } from '../../publish/events/kinds.ts';
import type { Publisher } from '../follower.ts';
import { BookTexts, DEPTH_LEVELS } from './book-events.ts';
import { EventWriter } from './event-writer.ts';
import { FormlessError, MboJson } from './mbo-json.ts';

/** Events after which clients are woken though more are at hand. */
const WAKE_EVENTS = 1024;

/** Makes the events of a run for the clients of a hub, each once, and none while nobody is there. */
export class EventPublisher implements Publisher {
  readonly #hub: EventHub;
  readonly #writer: EventWriter;
  readonly #records: MboJson;
  readonly #trades: TradeRows;
  readonly #bbo: BboRows;
  readonly #depth: DepthRows;
  readonly #fields: EventFields = new EventFields();
  /** Name of the history where the run has none. */
  readonly #fallbackRun: string;
  #mbo: MboEvents | null = null;
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #isOn = false;
  #seq = 0;
  #names = 0;
  #woken = 0;
  /** Sources of channels, where an event has told one. */
  readonly #sources: string[] = [];
  /** Topic of the event at hand. */
  #topic = 0;

  constructor(hub: EventHub, fallbackRun: string) {
    this.#hub = hub;
    this.#fallbackRun = fallbackRun;
    this.#writer = new EventWriter(hub.log.topics);
    const sink = (text: Uint8Array, topic: number, kind: number): void => {
      hub.log.append(text, this.#seq, topic, kind);
    };
    const topicOf = (book: BookDefinition): number => this.#topicOfBook(book);
    this.#records = new MboJson(this.#writer, sink, topicOf);
    hub.books = new BookTexts(
      () => this.#run?.books ?? null,
      this.#writer,
      topicOf,
      () => hub.log.lastSeq,
      (error) => this.#leaveOut(error),
    );
    this.#trades = new TradeRows((row) => {
      const { price, quantity, aggressor, orderId, matchId, printable, kind } = row;
      this.#document('trade', { event: kind, price, quantity, aggressor, orderId, matchId, printable });
    });
    this.#bbo = new BboRows(({ bid, ask, stale }, book) => this.#view('bbo', book, { bid, ask, stale }));
    this.#depth = new DepthRows(DEPTH_LEVELS, ({ stale, bids, asks }, book) =>
      this.#view('depth', book, { stale, bids, asks }),
    );
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
    const { high, low } = run.epoch;
    const epoch = toBigUint(high, low);
    this.#hub.run = epoch === 0n ? this.#fallbackRun : epoch.toString(32);
  }

  records(batch: EventBatch, from: number, to: number): void {
    const { log } = this.#hub;
    this.#reach();
    const isOn = this.#hub.isOn();
    const before = eventsIn(batch, 0, from);
    this.#seq = batch.firstEvent > 0 ? batch.firstEvent + before - 1 : log.lastSeq;
    if (!isOn) log.lastSeq = this.#seq + eventsIn(batch, from, to);
    else if (!this.#isOn) this.#renew();
    this.#isOn = isOn;
    this.#readNames();
  }

  before(batch: EventBatch, at: number, market: Market): void {
    if (!this.#isOn) return;
    this.#seq += 1;
    const { words } = batch;
    const head = words[at]!;
    const kind = head & 255;
    const book = market.dictionary.books[words[at + WORD_BOOK]!];
    this.#writer.head.read(batch, at, this.#seq);
    this.#topic = book === undefined ? this.#topicOfChannel(batch.channel) : this.#topicOfBook(book);
    if (book !== undefined) this.#sources[batch.channel] = book.source;
    if (kind === KIND_TRADE || (kind === KIND_EXECUTE && ((head >> 8) & FLAG_INFORMS) === 0)) {
      this.#trades.before(batch, at, market);
    } else if (kind >= KIND_STATUS) this.#rest(batch, at, market, book);
    if (kind !== KIND_LEVEL) this.#sayBefore(batch, at, market);
  }

  after(batch: EventBatch, at: number, market: Market): void {
    if (!this.#isOn) return;
    const hub = this.#hub;
    if ((batch.words[at]! & 255) !== KIND_LEVEL) this.#sayAfter(batch, at, market);
    if (hub.wants('bbo')) this.#bbo.after(batch, at, market);
    if (hub.wants('depth')) this.#depth.after(batch, at, market);
    hub.log.lastSeq = this.#seq;
    if (hub.log.next - this.#woken >= WAKE_EVENTS) this.flush();
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
    if (log.lastSeq >= image) return;
    log.lastSeq = image;
    log.cut();
  }

  #renew(): void {
    this.#mbo = new MboEvents(this.#records, true);
    this.#mbo.start(this.#feed!);
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

  #rest(batch: EventBatch, at: number, market: Market, book: BookDefinition | undefined): void {
    const fields = this.#fields;
    fields.read(batch, at, market);
    const { kind, messageType, state, from, to } = fields;
    const type = messageType < 0 ? null : (this.#feed?.typeName(messageType) ?? null);
    switch (kind) {
      case KIND_STATUS:
        this.#document('status', { messageType: type, state });
        break;
      case KIND_DEFINITION: {
        const tick = book?.tick ?? null;
        this.#document('definition', {
          messageType: type,
          publisher: book?.publisher ?? null,
          priceScale: book?.priceScale ?? null,
          quantityScale: book?.quantityScale ?? null,
          tick: tick === null ? null : String(tick),
        });
        break;
      }
      case KIND_GAP: {
        const [first, last] = [from, to].map((value) =>
          value.has ? toBigUint(value.high, value.low) : null,
        );
        const count = first === null || last === null ? null : String(last! - first! + 1n);
        this.#document('gap', {
          reason: GAP_STATES[state] ?? null,
          first: text(from),
          last: text(to),
          count,
        });
        break;
      }
      case KIND_SESSION:
      case KIND_RESET:
        this.#document('system', { event: KIND_NAMES[kind], first: text(from) });
        break;
      case KIND_VENUE:
        this.#document('system', { event: KIND_NAMES[kind], messageType: type, state });
        break;
      default:
        break;
    }
  }

  #view(kind: EventKind, book: number, body: object): void {
    const definition = this.#run!.books!.dictionary.books[book]!;
    this.#append(kind, this.#topicOfBook(definition), body);
  }

  #document(kind: EventKind, body: object): void {
    this.#append(kind, this.#topic, body);
  }

  #append(kind: EventKind, topic: number, body: object): void {
    const number = EVENT_KINDS.indexOf(kind);
    const bytes = this.#writer.document(topic, number, body, this.#writer.head.last);
    this.#hub.log.append(bytes, this.#seq, topic, number);
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
    }
  }
}

function text({ has, high, low }: Halves): string | null {
  return has ? String(toBigUint(high, low)) : null;
}

function eventsIn({ words }: EventBatch, from: number, to: number): number {
  let events = 0;
  for (let record = from; record < to; record += 1) {
    if ((words[record * RECORD_WORDS]! & 255) !== KIND_EXTENSION) events += 1;
  }
  return events;
}
