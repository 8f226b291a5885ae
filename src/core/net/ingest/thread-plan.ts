import type { ErrorCode } from '../../errors.ts';
import type { Ending, IngestLimits } from './sink.ts';

/** What a thread of senders is started with. */
export interface IngestPlan {
  readonly host: string;
  readonly port: number;
  readonly limits: IngestLimits;
  /** Ring that what senders say goes into. */
  readonly ring: SharedArrayBuffer;
  readonly doorbell: SharedArrayBuffer;
  /** One word: not 0 = stop. */
  readonly control: SharedArrayBuffer;
  /** Memory of its `ThreadCpu`. */
  readonly cpuTime: SharedArrayBuffer;
}

/** What a thread says of its server. */
export interface ThreadCounts {
  readonly accepted: number;
  readonly connected: number;
  readonly bytes: number;
  readonly messages: number;
  readonly heartbeats: number;
  readonly held: number;
  readonly pauses: number;
  readonly endings: readonly (readonly [Ending, number])[];
}

/** From the thread. */
export type ThreadMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'counts'; readonly counts: ThreadCounts }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | null;
    }
  | { readonly kind: 'ended'; readonly counts: ThreadCounts };

/** To the thread. */
export type ThreadOrder =
  | { readonly kind: 'cut'; readonly sender: number; readonly ending: Ending }
  | { readonly kind: 'stop' };
