import type { EventObserver } from '../pipeline/books.ts';

/** Where a journal stands that is written. */
export interface JournalStanding {
  /** Numbers of the last events that were handed to the system, and that survive a loss of power; 0 = none. */
  readonly lastEvent: number;
  readonly durableEvent: number;
  /** Segments begun, and the bytes in them. */
  readonly segments: number;
  readonly bytes: number;
  /** 16 hexadecimal digits. */
  readonly epoch: string;
  /** How often the run waited for a thread that writes; absent where there is none. */
  readonly stalls?: number;
}

/** Takes bytes that were written; they are its own only until it returns. */
export type ChunkSink = (chunk: Uint8Array) => void;

/** What a run is written to while it goes on: it sees the events, and its bytes leave through a sink of its own. */
export interface Conversion extends EventObserver {
  /** Rows or records written so far. */
  readonly written: number;
  /** Events that were written with a loss, because that was allowed; left out by forms that lose nothing. */
  readonly lossy?: number | undefined;
  /** Where a journal stands; absent where none is written. */
  readonly journal?: JournalStanding | undefined;
  /** Hands over what is held. Called before the run waits for anything. */
  flush(): void;
  /** The run has ended: writes what belongs behind its last event. */
  finish(): void;
  /** The run has failed: lets go of what it holds of the system. Absent: nothing. */
  abandon?(): void;
}
