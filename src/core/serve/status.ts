import type { JournalStanding } from '../convert/conversion.ts';
import type { RecoveryCounts } from '../merge/recovery/counts.ts';

export type EngineState = 'starting' | 'recovering' | 'running' | 'ended' | 'stopping' | 'failed';

/** How a received line stands. */
export interface LineView {
  readonly name: string;
  readonly groups: readonly string[];
  readonly backend: string;
  readonly clock: string;
  readonly received: number;
  readonly bytes: number;
  readonly poolFull: number;
  readonly truncated: number;
  /** Packets in its ring, of at most. */
  readonly waiting: number;
  readonly slots: number;
  readonly kernelDrops: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
  /** Since its last packet, null = none has come. */
  readonly silentMs: number | null;
}

/** How a channel stands behind the merge. */
export interface ChannelView {
  readonly channel: number;
  readonly session: string | null;
  /** Number that comes next; 0 = none was passed on. */
  readonly next: number;
  readonly delivered: number;
  readonly duplicates: number;
  readonly outOfOrder: number;
  /** Numbers that are missing and may still come, were filled, and were lost. */
  readonly missing: number;
  readonly filled: number;
  readonly lost: number;
  /** By line: numbers that it brought first. */
  readonly firstBy: Readonly<Record<string, number>>;
}

/** Numbers that a channel missed: what the merge reported, as it stands now. */
export interface GapView {
  readonly channel: number;
  readonly session: string | null;
  readonly from: number;
  readonly to: number;
  readonly state: 'open' | 'filled' | 'lost';
  /** Line that filled it, null = none has. */
  readonly by: string | null;
}

/** Time of line B minus time of line A, for numbers seen on both; null without any. */
export interface SkewView {
  readonly p50Ns: number | null;
  readonly p99Ns: number | null;
  readonly maxNs: number | null;
  readonly samples: number;
}

/** Which line leads, and how often that has changed. */
export interface PreferenceView {
  readonly prefersA: boolean;
  readonly failovers: number;
}

/** How the senders of events stand, all together. */
export interface IngestView {
  /** Connections that are there now, and that were taken so far. */
  readonly connected: number;
  readonly accepted: number;
  /** Sources that were named so far. */
  readonly sources: number;
  readonly bytes: number;
  readonly messages: number;
  /** Records that were decoded, that did not come, and that were left out because they were known. */
  readonly records: number;
  readonly lost: number;
  readonly repeated: number;
  /** Bytes that were read and not decoded yet. */
  readonly waitingBytes: number;
  /** How often reading from a sender was stopped until the books had caught up. */
  readonly pauses: number;
  /** Connections that ended, by how. */
  readonly endings: Readonly<Record<string, number>>;
}

/** A thread that the engine has beside it. */
export interface ThreadView {
  /** `receiver-A`, `journal`, `ingest-1`; from the second of several on numbered: `receiver-A-2`. */
  readonly name: string;
  readonly cpuSeconds: number;
  /** Of the last second, the part that it had a processor. */
  readonly cpuLoad: number;
  /** At its full load, what comes in front of it is dropped. Not where it is awake on purpose (`busy_poll`). */
  readonly dropsAtFull: boolean;
}

/** The ring from the engine to a thread that publishes. */
export interface TapView {
  readonly name: string;
  readonly waitingBytes: number;
  readonly capacityBytes: number;
  /** How often and how long the engine waited for room. */
  readonly stalls: number;
  readonly stalledMs: number;
  /** How often it was cut off, whether it is, and events that were left out for it so far. */
  readonly cuts: number;
  readonly isCut: boolean;
  readonly skippedEvents: number;
}

/** How the engine stands, as it said last (at most 250 ms ago while it lives). */
export interface EngineStatus {
  readonly state: EngineState;
  /** Why it failed. */
  readonly problem: string | null;
  /** When it was said, ms since 1970. */
  readonly time: number;
  readonly feed: string | null;
  /** 16 hexadecimal digits. */
  readonly epoch: string;
  readonly messages: number;
  readonly unknown: number;
  readonly malformed: number;
  readonly events: number;
  /** Number of the last event in the epoch's history. */
  readonly lastEvent: number;
  readonly sessions: number;
  readonly inputs: readonly {
    readonly path: string;
    readonly bytes: number;
    readonly total: number | null;
  }[];
  readonly lines: readonly LineView[];
  readonly channels: readonly ChannelView[];
  /** The newest gaps, the newest last, at most 100. Absent: nothing is merged. */
  readonly gaps?: readonly GapView[];
  /** Absent: nothing is merged. */
  readonly skew?: SkewView;
  /** Absent: nothing is merged. */
  readonly preference?: PreferenceView;
  /** Absent: no senders are listened for. */
  readonly ingest?: IngestView;
  /** Packets that wait for numbers in front of them. */
  readonly pendingPackets: number;
  /** Time that the engine was awake and only looked for packets, ms. */
  readonly polledMs: number;
  readonly recovery: RecoveryCounts | null;
  readonly journal: (JournalStanding & { readonly problem: string | null }) | null;
  readonly taps: readonly TapView[];
  /** Those that receive, write the journal, and hear senders. */
  readonly threads: readonly ThreadView[];
  readonly books: {
    readonly known: number;
    readonly orders: number;
    readonly levels: number;
    readonly stale: number;
  };
  /** Events that the books could not take, by TALLY name. */
  readonly anomalies: Readonly<Record<string, number>>;
}

/** What operators ask of the engine; it answers with what it did, or with why not. */
export type EngineCommand =
  | { readonly kind: 'snapshot' }
  /** Clears a book, recorded as an event. @param book its number in the dictionary. */
  | { readonly kind: 'clear'; readonly book: number; readonly by: string };

export type EngineAnswer =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly text: string };
