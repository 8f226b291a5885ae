import { formatHash } from '../binary/fnv64.ts';
import { toBigUint } from '../binary/time.ts';
import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import type { Feed } from '../feeds/feed.ts';
import type { SlicedImages } from '../journal/book-standing.ts';
import type { EventJournal } from '../journal/event-journal.ts';
import type { ChannelPlace } from '../journal/image-payload.ts';
import { ImageTaker } from '../journal/image-taker.ts';
import type { RunFacts, TransportPlace } from '../pipeline/books.ts';
import type { Conversion, JournalStanding } from './conversion.ts';

/** Writes the events of a run to a journal, on the thread of the run or on one of its own. */
export class JournalOutput implements Conversion {
  readonly writer: EventJournal;
  readonly isUnbroken = true;
  readonly #commitMs: number;
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  /** Where the input stood before its first event. */
  #first: readonly TransportPlace[] = [];
  #hasBegun = false;
  #timer: NodeJS.Timeout | null = null;

  /** @param commitMs events wait at most so long while nothing more comes. */
  constructor(writer: EventJournal, commitMs: number) {
    this.writer = writer;
    this.#commitMs = commitMs;
  }

  /** Events that reached the system. */
  get written(): number {
    return this.writer.written - this.writer.found.lastEvent;
  }

  get journal(): JournalStanding {
    const { written, durable, segments, bytes, found, stalls } = this.writer;
    const epoch = formatHash(toBigUint(found.epoch.high, found.epoch.low));
    const thread = stalls === undefined ? {} : { stalls };
    return { lastEvent: written, durableEvent: durable, segments, bytes, epoch, ...thread };
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
    this.#first = run.places();
  }

  records(batch: EventBatch, from: number, to: number): void {
    if (!this.#hasBegun) this.#begin(this.#placesAtFirst());
    this.writer.append(batch, from, to);
  }

  /** The books have all that was appended, and the input was decoded just as far: the place to begin a segment. */
  flush(): void {
    const { writer } = this;
    if (this.#hasBegun) {
      writer.tick();
      while (writer.work());
    }
    if (writer.failure !== null) throw writer.failure;
    this.#timer ??= setTimeout(() => this.#commit(), this.#commitMs).unref();
  }

  /** Begins a new segment, with an image of the books: they have all that was appended. */
  roll(): void {
    if (this.#hasBegun) this.writer.roll();
  }

  finish(): void {
    this.#stopTimer();
    const { segment, isNewEpoch } = this.writer.found;
    // A journal that goes on and got nothing new stays as it is.
    const isEnough = segment > 0 && !isNewEpoch;
    if (this.#run !== null && !isEnough) this.#begin(this.#run.places());
    this.writer.close();
    if (this.writer.failure !== null) throw this.writer.failure;
  }

  abandon(): void {
    this.#stopTimer();
    this.writer.abandon();
  }

  /**
   * Where the input stood before its first event. How far it is now is ahead of that, but the sessions that it begins in
   * are known, and whoever goes on with the journal has to know them.
   */
  #placesAtFirst(): readonly TransportPlace[] {
    const others = this.#run!.places().filter(({ channel }) =>
      this.#first.every((place) => place.channel !== channel),
    );
    return [...this.#first, ...others.map((place) => ({ ...place, nextTransport: 0 }))];
  }

  #commit(): void {
    this.#timer = null;
    // What fails is told where the run can end in order.
    if (this.#hasBegun) this.writer.commit();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** What the head says is known with the first event. */
  #begin(places: readonly TransportPlace[]): void {
    if (this.#hasBegun) return;
    const run = this.#run!;
    const books = run.books!;
    const { markets, dictionary } = books;
    const { name, rules } = this.#feed!;
    const slices: SlicedImages = {
      perChannel: rules.idScope === 'source',
      taker(sink) {
        const taker = new ImageTaker(dictionary, sink);
        books.takers.push(taker);
        return taker;
      },
    };
    const standing = (): readonly TransportPlace[] => (this.#hasBegun ? run.places() : places);
    this.writer.begin(
      { timeBase: run.timeBase, sources: [{ feed: name, name }] },
      {
        markets,
        dictionary,
        places: () => ({ busCursor: 0, channels: channelsOf(standing(), markets) }),
        slices,
      },
    );
    this.#hasBegun = true;
  }
}

/** The places of channels as a journal keeps them. */
export function channelsOf(places: readonly TransportPlace[], markets: readonly Market[]): ChannelPlace[] {
  return places.map(({ channel, session, nextTransport, last }) => ({
    channel,
    session,
    nextTransport,
    isLost: markets.some(({ lostChannels }) => lostChannels.has(channel)),
    lastSequence: last?.sequence ?? 0,
    lastEvents: last?.events ?? 0,
  }));
}
