import type { EventObserver } from '../pipeline/books.ts';

/** Takes bytes that were written; they are its own only until it returns. */
export type ChunkSink = (chunk: Uint8Array) => void;

/** What a run is written to while it goes on: it sees the events, and its bytes leave through a sink of its own. */
export interface Conversion extends EventObserver {
  /** Rows or records written so far. */
  readonly written: number;
  /** Events that were written with a loss, because that was allowed; left out by forms that lose nothing. */
  readonly lossy?: number | undefined;
  /** Hands over what is held. Called before the run waits for anything. */
  flush(): void;
  /** The run has ended: writes what belongs behind its last event. */
  finish(): void;
}
