import type { MdxError } from '../errors.ts';
import type { EventBatch } from '../event/batch.ts';
import type { ThreadCpu } from '../observe/thread-cpu.ts';
import type { JournalBooks } from './book-standing.ts';
import type { FoundJournal } from './journal-found.ts';
import type { SegmentHead } from './payload.ts';

/** A journal that events are written to, whichever thread does it; what its methods do stands with `JournalWriter`. */
export interface EventJournal {
  readonly found: FoundJournal;
  readonly failure: MdxError | null;
  readonly written: number;
  readonly durable: number;
  readonly segments: number;
  readonly bytes: number;
  /** How often a full ring was waited for; undefined where there is none. */
  readonly stalls?: number;
  /** Of the thread that writes it; undefined where that is the caller's. */
  readonly cpuTime?: ThreadCpu;
  begin(about: Pick<SegmentHead, 'timeBase' | 'sources'>, books: JournalBooks): void;
  append(batch: EventBatch, from: number, to: number): void;
  commit(): void;
  tick(): void;
  roll(): void;
  work(): boolean;
  close(): void;
  abandon(): void;
}
