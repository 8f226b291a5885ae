import { type BacklogStatus, backlogLine } from './backlog.ts';
import type { RecoveryCounts } from './counts.ts';
import type { RecoverySettings } from './settings.ts';
import type { FetcherSink, RecoveryTimers } from './surroundings.ts';
import type { Lane } from './waiting-ranges.ts';

/** What is told of a range that is fetched. */
export interface RecordedRange {
  readonly lane: Lane;
  readonly first: number;
  readonly last: number;
  /** When it was taken up, ns of the fetcher's clock. */
  readonly started: number;
  readonly packets: number;
  /** Numbers that came from elsewhere, or were given up. */
  readonly unneeded: number;
}

/** What became of each range, in numbers and as lines of the backlog. */
export class RecoveryRecord {
  readonly #sloNs: number;
  readonly #counts: RecoveryCounts;
  readonly #timers: RecoveryTimers;
  readonly #sink: Pick<FetcherSink, 'backlog'>;

  constructor(parts: {
    readonly settings: Pick<RecoverySettings, 'sloNs'>;
    readonly counts: RecoveryCounts;
    readonly timers: RecoveryTimers;
    readonly sink: Pick<FetcherSink, 'backlog'>;
  }) {
    this.#sloNs = parts.settings.sloNs;
    this.#counts = parts.counts;
    this.#timers = parts.timers;
    this.#sink = parts.sink;
  }

  requested({ lane, first, last }: RecordedRange): void {
    this.#counts.requests += 1;
    this.#write('requested', lane, first, last);
  }

  /** Every number of the range is there, or needed no more. */
  fetched(range: RecordedRange): void {
    const { lane, first, last, packets, unneeded, started } = range;
    this.#counts.fetchedRanges += 1;
    const ms = Math.floor((this.#timers.now() - started) / 1e6);
    this.#write('fetched', lane, first, last, [
      ['packets', String(packets)],
      ['ms', String(ms)],
      ['unneeded', String(unneeded)],
    ]);
    this.ended(range);
  }

  /** The numbers `from` … `to − 1` will not come. */
  lost(lane: Lane, from: number, to: number): void {
    this.#counts.unrecoverableGaps += 1;
    this.#counts.unrecoverableNumbers += to - from;
    this.#write('failed', lane, from, to - 1);
    this.#write('unrecoverable', lane, from, to - 1);
  }

  /** Nothing more is done for the range: did that take too long? */
  ended({ lane, first, last, started }: RecordedRange): void {
    const ns = this.#timers.now() - started;
    this.#counts.noteRange(ns);
    if (this.#sloNs === 0 || Math.floor(ns / 1e6) * 1e6 <= this.#sloNs) return;
    this.#counts.sloViolations += 1;
    this.#write('slo_violation', lane, first, last, [['ms', String(Math.floor(ns / 1e6))]]);
  }

  #write(
    status: BacklogStatus,
    lane: Lane,
    from: number,
    to: number,
    fields: readonly (readonly [string, string])[] = [],
  ): void {
    const all = fields.concat([
      ['ts', this.#timers.utc()],
      ['session', sessionName(lane.session)],
      ['channel', String(lane.channel)],
    ]);
    this.#sink.backlog(backlogLine(status, from, to, all));
  }
}

/** An id for the backlog: without padding, what is not printable ASCII as `%07`; empty where there is none. */
function sessionName(session: Uint8Array | null): string {
  if (session === null) return '';
  return String.fromCharCode.apply(null, Array.from(session)).replace(/^[ \0]+|[ \0]+$/g, '');
}
