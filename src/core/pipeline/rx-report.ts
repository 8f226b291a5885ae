import type { BackendName, ReceiveClock } from '../net/backend.ts';
import { type LineTally, stateName } from './pipe-stream.ts';
import type { RxEnd, RxFile, RxRun } from './rx-run.ts';

/** Packets received and not written, by reason. */
export interface RxDrops {
  /** No slot was free: whoever reads is too slow. */
  readonly poolFull: number;
  /** They came when the reader had left, or behind the packets that were asked for. */
  readonly readerLeft: number;
  readonly afterLimit: number;
  /** Sent to none of the line's groups. */
  readonly otherGroup: number;
}

/** What became of one line; received = written + the sum of `dropped`. */
export interface RxLineReport {
  readonly name: string;
  readonly groups: readonly string[];
  readonly backend: BackendName;
  readonly why: string | null;
  readonly clock: ReceiveClock;
  readonly workers: number;
  readonly state: 'up' | 'silent' | 'closed';
  readonly silences: number;
  readonly received: number;
  readonly written: number;
  readonly dropped: RxDrops;
  /** Received and not yet written. */
  readonly waiting: number;
  readonly bytes: number;
  /** Among the written ones: longer than a slot. */
  readonly truncated: number;
  /** Lost before they could be received, by where; null would mean that the system does not tell. */
  readonly kernelDrops: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, number>>;
  readonly receiveBuffer: { readonly asked: number | null; readonly granted: number | null };
  /** Last transport number, null without --feed. */
  readonly last: string | null;
}

/** What `mdx rx` says at its end. */
export interface RxReport {
  readonly command: 'rx';
  readonly version: string;
  readonly feed: string | null;
  readonly stopped: RxEnd;
  readonly lines: readonly RxLineReport[];
  readonly received: number;
  readonly written: number;
  readonly dropped: RxDrops;
  readonly files: readonly RxFile[];
  /** Time of B minus time of A, ns; a moving mean, null where no number was seen on both. */
  readonly skewNs: number | null;
  readonly timing: { readonly elapsedNs: number };
}

/** A line as it stands, also while the run goes on. */
export function lineReport(tally: LineTally, run: RxRun): RxLineReport {
  const { line, state, silences, written, readerLeft, afterLimit, otherGroup } = tally;
  const status = line.status();
  const { received, poolFull } = status;
  const last = run.watch?.last[line.line] ?? 0;
  return {
    name: status.name,
    groups: status.groups,
    backend: status.backend,
    why: status.why,
    clock: status.clock,
    workers: status.workers,
    state: stateName(state),
    silences,
    received,
    written,
    dropped: { poolFull, readerLeft, afterLimit, otherGroup },
    waiting: received - written - poolFull - readerLeft - afterLimit - otherGroup,
    bytes: status.bytes,
    truncated: status.truncated,
    kernelDrops: status.kernelDrops,
    skipped: status.skipped,
    receiveBuffer: { asked: status.receiveBufferAsked, granted: status.receiveBufferGranted },
    last: last > 0 ? String(last) : null,
  };
}

export function rxReport(run: RxRun, feed: string | null, version: string, elapsedNs: number): RxReport {
  const lines = run.tallies.map((tally) => lineReport(tally, run));
  const sum = (of: (line: RxLineReport) => number): number =>
    lines.reduce((total, each) => total + of(each), 0);
  const skew = run.watch?.skewNs ?? Number.NaN;
  return {
    command: 'rx',
    version,
    feed,
    stopped: run.ended,
    lines,
    received: sum(({ received }) => received),
    written: sum(({ written }) => written),
    dropped: {
      poolFull: sum(({ dropped }) => dropped.poolFull),
      readerLeft: sum(({ dropped }) => dropped.readerLeft),
      afterLimit: sum(({ dropped }) => dropped.afterLimit),
      otherGroup: sum(({ dropped }) => dropped.otherGroup),
    },
    files: run.files,
    skewNs: Number.isNaN(skew) ? null : Math.round(skew),
    timing: { elapsedNs },
  };
}
