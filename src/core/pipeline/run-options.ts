import type { Naming } from '../event/naming.ts';
import type { Feed } from '../feeds/feed.ts';
import type { ArbiterOptions } from '../merge/session-merge.ts';
import type { EventObserver } from './books.ts';
import type { ByteSource, Tell } from './byte-source.ts';
import type { Destination } from './flows.ts';
import type { IngestStanding } from './ingest/ingest-standing.ts';
import type { InvariantMode } from './invariant-watch.ts';
import type { MergedSources } from './merge/merge-options.ts';
import type { Pacer } from './pacer.ts';
import type { Resumption } from './resume/resumption.ts';
import type { StepGate } from './step-gate.ts';
import type { Until } from './until.ts';
import type { BookFilter } from './wanted-books.ts';

/** What a run reads and how; every choice is visible where the run is made. */
export interface RunOptions {
  /** Files in order, `-` for stdin. Several captures are one capture. */
  readonly paths: readonly string[];
  /** Feeds to choose from; with `feedName` only that one. */
  readonly feeds: readonly Feed[];
  readonly feedName: string | null;
  readonly ports: ReadonlySet<number> | null;
  /** Destination addresses as four words each. */
  readonly groups: readonly Int32Array[] | null;
  /** Destinations of snapshot channels, read beside those that ports and groups name. */
  readonly snapshots: readonly Destination[];
  /** Books begin with a snapshot: messages that none came for are left out. */
  readonly snapshotRequired: boolean;
  /** Packets or records received earlier or later are left out; ns since 1970. */
  readonly from: bigint | null;
  readonly until: bigint | null;
  readonly messagesMax: number;
  readonly books: BookFilter | null;
  readonly naming: Naming | null;
  /** Trading day, YYYY-MM-DD, for feeds whose times count from midnight. */
  readonly date: string | null;
  readonly arbiter: ArbiterOptions;
  /** Records of a batch between decoder and books. */
  readonly batchEvents: number;
  readonly stopAt: Until | null;
  /** Only the books at the end, or at `stopAt`, are asked for: a journal is read from the last image in front of there. */
  readonly seeks?: boolean;
  /** What comes before this event is not asked for: a journal is read from the last image in front of it. Absent: it is. */
  readonly beginAt?: number;
  readonly invariants: InvariantMode;
  readonly observers: readonly EventObserver[];
  /** See the same behind those, one of which starts them in its time. Absent: there are none. */
  readonly led?: readonly EventObserver[];
  readonly pacer: Pacer | null;
  /** Holds events back in front of the books; `breathe` has to settle it. Null: they come as they are read. */
  readonly steps: StepGate | null;
  /** Where a journal or file of events ends, waits for more to be written. Absent: its end is the end. */
  readonly follow?: boolean;
  /**
   * Where the run is stopped before its input ends, what is missing may still come to whoever goes on: nothing is told as
   * lost, and nothing that waits is applied. Absent: the end of the run is the end of the input.
   */
  readonly endsOpen?: boolean;
  /** Goes on where a journal ends. Absent: begins with empty books. */
  readonly resume?: Resumption | null;
  /** Ends the waiting for a pipe that brings nothing; the run then stops by request. */
  readonly signal: AbortSignal | null;
  /** Is told where a listening input can be reached. Absent: nobody has to know. */
  readonly tell?: Tell;
  /** Is told how the senders of events stand, once they are listened for. Absent: nobody looks. */
  readonly onIngest?: (standing: IngestStanding) => void;
  /**
   * Sources that are merged and decoded in one step, instead of `paths`: to their end, and as they come. What limits, paces
   * and steps through recordings is not for them. Absent: there are none.
   */
  readonly merged?: MergedSources;
  /** How a path is opened. Absent: as the file, pipe or socket that it names. */
  readonly open?: (
    path: string,
    signal: AbortSignal | null,
    tell: Tell,
    token: string | null,
  ) => Promise<ByteSource>;
  /** What lets the run in where a server asks for a token. Absent: nothing. */
  readonly token?: string | null;
  /** Asked between chunks: should the run stop here? */
  readonly stop: () => boolean;
  /** Called between chunks: the place to wait for a slow reader. Null: there is nothing to wait for. */
  readonly breathe: (progress: Progress) => Promise<void> | null;
}

export interface Progress {
  readonly path: string;
  /** Bytes read, and how many there are; null where that is not known. */
  readonly bytes: number;
  readonly total: number | null;
  readonly messages: number;
  readonly unknown: number;
  readonly malformed: number;
}
