import type { Feed } from '../feeds/feed.ts';
import type { Books } from '../pipeline/books.ts';
import type { EngineAnswer, EngineCommand, EngineStatus } from './status.ts';

/** A client as operators see it. */
export interface ClientView {
  readonly id: number;
  readonly protocol: 'raw-v1' | 'events' | 'sse';
  readonly address: string;
  /** Name of its token, null = none was needed. */
  readonly token: string | null;
  readonly connectedMs: number;
  readonly frames: number;
  readonly bytes: number;
  readonly pendingBytes: number;
  /** Frames or events that it is behind, and that were skipped for it. */
  readonly lag: number;
  readonly skipped: number;
}

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
