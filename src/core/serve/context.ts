import type { Feed } from '../feeds/feed.ts';
import type { Books } from '../pipeline/books.ts';
import type { ClientView } from '../publish/client-view.ts';
import type { EngineAnswer, EngineCommand, EngineStatus } from './status.ts';

/** What the HTTP side knows of the engine and of the clients. */
export interface ServeContext {
  readonly version: string;
  /** ms since 1970. */
  readonly startedAt: number;
  status(): EngineStatus;
  /** The books of this thread, as far as `events` of them have come; null before the feed is known. */
  books(): { readonly books: Books; readonly feed: Feed; readonly event: number } | null;
  clients(): readonly ClientView[];
  command(command: EngineCommand): Promise<EngineAnswer>;
}
