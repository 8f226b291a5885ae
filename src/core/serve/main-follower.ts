import type { Market } from '../book/market.ts';
import type { EventBatch } from '../event/batch.ts';
import { RECORD_WORDS } from '../event/record.ts';
import type { Feed } from '../feeds/feed.ts';
import type { RunFacts } from '../pipeline/books.ts';
import type { ServeContext } from './context.ts';
import type { Publisher } from './follower.ts';

/** What sees the events on the thread that serves HTTP: its books, and those that publish there. */
export class MainPublisher implements Publisher {
  readonly #publishers: readonly Publisher[];
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #event = 0;

  constructor(publishers: readonly Publisher[]) {
    this.#publishers = publishers;
  }

  /** The books as far as they have come; null before the feed is known. */
  books(): ReturnType<ServeContext['books']> {
    const books = this.#run?.books ?? null;
    if (books === null) return null;
    return { books, feed: this.#feed!, event: Math.max(this.#event, this.#run!.imageEvent) };
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
    for (const publisher of this.#publishers) publisher.start?.(feed, run);
  }

  records(batch: EventBatch, from: number, to: number, market: Market): void {
    if (batch.firstEvent > 0) this.#event = batch.firstEvent + eventsIn(batch, to) - 1;
    for (const publisher of this.#publishers) publisher.records?.(batch, from, to, market);
  }

  flush(): void {
    for (const publisher of this.#publishers) publisher.flush();
  }
}

/** Events in the first `to` records of a batch: second records of extended events are none. */
function eventsIn({ words }: EventBatch, to: number): number {
  let events = 0;
  for (let record = 0; record < to; record += 1)
    if ((words[record * RECORD_WORDS]! & 255) !== 255) events += 1;
  return events;
}
