import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../errors.ts';
import type { FoundJournal } from './journal-found.ts';
import type { ExistingJournal, JournalOptions } from './journal-writer.ts';

/** How a journal is written, as it can be said to another thread: the disk is that of the machine, clocks too. */
export type PlainJournalOptions = Omit<JournalOptions, 'disk' | 'wallTime' | 'now' | 'tell'>;

/** What the thread of a journal is given. */
export interface JournalPlan {
  readonly ring: SharedArrayBuffer;
  readonly slots: number;
  readonly control: SharedArrayBuffer;
  /** Memory of its `ThreadCpu`. */
  readonly cpuTime: SharedArrayBuffer;
  /** What the thread says goes this way; it is read when the count of messages said has moved. */
  readonly port: MessagePort;
  readonly options: PlainJournalOptions;
  readonly existing: ExistingJournal;
}

export type JournalWord =
  | { readonly kind: 'opened'; readonly found: FoundJournal }
  | { readonly kind: 'tell'; readonly text: string }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    };
