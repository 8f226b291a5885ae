import { type EventBatch, eventsIn } from '../event/batch.ts';
import type { Feed } from '../feeds/feed.ts';
import type { RunFacts } from '../pipeline/books.ts';
import type { ServeContext } from './context.ts';
import type { Publisher } from './follower.ts';

/** The books of a thread that follows the engine, and how far they are. */
export class FollowedBooks implements Publisher {
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #event = 0;

  /** Null before the feed is known. */
  books(): ReturnType<ServeContext['books']> {
    const books = this.#run?.books ?? null;
    if (books === null) return null;
    return { books, feed: this.#feed!, event: Math.max(this.#event, this.#run!.imageEvent) };
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  records(batch: EventBatch, _from: number, to: number): void {
    if (batch.firstEvent > 0) this.#event = batch.firstEvent + eventsIn(batch, 0, to) - 1;
  }

  flush(): void {}
}
