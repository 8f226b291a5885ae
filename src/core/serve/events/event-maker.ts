import type { Market } from '../../book/market.ts';
import type { EventBatch } from '../../event/batch.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { Books } from '../../pipeline/books.ts';
import type { BookSource } from '../../publish/events/book-source.ts';
import type { EventLog } from '../../publish/events/event-log.ts';
import type { EventHead } from './event-writer.ts';

/** What whoever makes events needs: where they go, and what is known beside the event at hand. */
export interface EventDesk {
  readonly log: EventLog;
  /** Number and times of the event at hand. */
  readonly head: EventHead;
  /** Null before the run has any. */
  books(): Books | null;
  topicOf(book: BookDefinition): number;
  /** Topic of the source that a channel is of, as a whole. */
  topicOfChannel(channel: number): number;
  /** Counts what has no form; throws what is another error. */
  leaveOut(error: unknown): void;
}

/** Makes events of those of the books, in the form of their log. */
export interface EventMaker {
  /** What the books are, in the same form. */
  readonly books: BookSource;
  start(feed: Feed): void;
  /** @param made bits of the kinds that are made from here on. @param fresh of these, those that were not made until here. */
  renew(made: number, fresh: number): void;
  /** @param book the one that the event concerns, if there is one. */
  before(batch: EventBatch, at: number, market: Market, book: BookDefinition | undefined): void;
  after(batch: EventBatch, at: number, market: Market): void;
  /** Topics are no longer what they were. */
  forget(): void;
}
