import { LineCounts, type SessionCounts } from '../../merge/counts.ts';
import { RANGE_SECONDS_BOUNDS, type RecoveryCounts } from '../../merge/recovery/counts.ts';
import { LINE_NAMES } from '../packet-source.ts';
import {
  damageReports,
  type InputReport,
  inputReport,
  type OutputReport,
  type RunReport,
} from '../report.ts';
import type { Damage, InputResult } from '../run-state.ts';
import type { MergeChannel } from './merge-channel.ts';
import type { MergeResult } from './merge-options.ts';

/** What one line brought; numbers are sequence numbers, but for packets and what follows `missing`. */
export interface LineReport {
  readonly packets: number;
  readonly messages: number;
  readonly deliveredFirst: number;
  readonly duplicates: number;
  readonly late: number;
  readonly outOfOrder: number;
  readonly missing: number;
  readonly unsequenced: number;
  readonly malformed: number;
  readonly heartbeats: number;
}

export interface MergeGapReport {
  readonly from: string;
  readonly to: string;
  readonly state: 'open' | 'filled' | 'lost';
  /** Line that filled it. */
  readonly by: string | null;
}

export interface MergeChannelReport {
  readonly channel: number;
  readonly session: string | null;
  readonly first: string | null;
  readonly last: string | null;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly gaps: readonly MergeGapReport[];
  readonly gapsNotListed?: number;
}

/** How many of the numbers that both lines showed came on B so much later than on A, in ns; null = no edge there. */
export interface SkewBin {
  readonly fromNs: number | null;
  readonly toNs: number | null;
  readonly count: number;
}

/** What recovery did: the counters of the client by their names (docs/recovery.md). */
export interface RecoveryReport
  extends Omit<RecoveryCounts, 'noteRange' | 'rangeNsMax' | 'rangeNsSum' | 'rangeSeconds'> {
  readonly endpoint: string;
  /** From the moment a hole was reported until all of it was there, or it was given up: the longest, and the mean. */
  readonly rangeMaxNs: string;
  readonly rangeMeanNs: string | null;
  /** Ranges that took at most so many seconds and longer than the bound before; null = longer than all. */
  readonly rangeSeconds: readonly { readonly upTo: number | null; readonly count: number }[];
}

/** The report of `merge`, as docs/merge.md describes it for machines. */
export interface MergeReport {
  readonly command: string;
  readonly version: string;
  readonly inputs: readonly InputReport[];
  readonly feed: { readonly protocol: string | null };
  readonly lines: Readonly<Record<string, LineReport>>;
  readonly channels: readonly MergeChannelReport[];
  readonly delivered: {
    readonly packets: number;
    readonly messages: number;
    readonly lost: number;
    readonly conflicts: number;
  };
  readonly skew: {
    readonly p50Ns: number | null;
    readonly p99Ns: number | null;
    readonly maxNs: number | null;
    readonly samples: number;
    readonly histogram: readonly SkewBin[];
  };
  readonly preference: { readonly preferred: string; readonly failovers: number };
  /** Null = there was no recovery source. */
  readonly recovery: RecoveryReport | null;
  readonly damage: RunReport['damage'];
  readonly stopped: string | null;
  readonly output?: OutputReport;
  readonly timing: { readonly elapsedNs: string; readonly packetsPerSecond: number };
}

export interface MergeReportParts {
  readonly version: string;
  readonly inputs: readonly InputResult[];
  readonly damage: readonly Damage[];
  /** Endpoint of the recovery source. */
  readonly recovery: string | null;
  readonly output: OutputReport | null;
}

/** Edges of the histogram: decades on both sides of nothing. */
const EDGES_NS: readonly number[] = [
  -1e9, -1e8, -1e7, -1e6, -1e5, -1e4, -1e3, 0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
];

/** Puts the result of a merge into the words of the report. */
export function mergeReport(result: MergeResult, parts: MergeReportParts): MergeReport {
  const { channels, feed, room, preference } = result;
  const sessions = channels.flatMap((channel) =>
    channel.arbiter.sessions.map((counts) => ({ channel, counts })),
  );
  const sum = (of: (counts: SessionCounts) => number): number =>
    sessions.reduce((total, { counts }) => total + of(counts), 0);
  const lines = lineReports(channels, sessions);
  const packets = Object.values(lines).reduce((total, line) => total + line.packets, 0);
  return {
    command: 'merge',
    version: parts.version,
    inputs: parts.inputs.map(inputReport),
    feed: { protocol: feed?.name ?? null },
    lines,
    channels: sessions.map(({ channel, counts }) => channelReport(channel, counts)),
    delivered: {
      packets: result.packetsDelivered,
      messages: sum(({ delivered }) => delivered),
      lost: sum(({ lost }) => lost),
      conflicts: sum(({ conflicts }) => conflicts),
    },
    skew: {
      p50Ns: room.skew.quantile(50),
      p99Ns: room.skew.quantile(99),
      maxNs: room.skew.samples === 0 ? null : room.skew.maxNs,
      samples: room.skew.samples,
      histogram: histogramOf(room.skew.counts(EDGES_NS)),
    },
    preference: { preferred: preference.prefersA ? 'A' : 'B', failovers: preference.failovers },
    recovery: result.recovery === null ? null : recoveryReport(parts.recovery ?? '', result.recovery),
    damage: damageReports(parts.damage),
    stopped: result.stopped,
    ...(parts.output === null ? {} : { output: parts.output }),
    timing: {
      elapsedNs: String(Math.round(result.elapsedNs)),
      packetsPerSecond: Math.round(packets / (result.elapsedNs / 1e9)),
    },
  };
}

/** What recovery did, for a report. */
export function recoveryReport(endpoint: string, counts: RecoveryCounts): RecoveryReport {
  const { rangeNsMax, rangeNsSum, rangeSeconds, ...others } = counts;
  const ranges = rangeSeconds.reduce((sum, count) => sum + count, 0);
  return {
    endpoint,
    ...others,
    rangeMaxNs: String(Math.round(rangeNsMax)),
    rangeMeanNs: ranges === 0 ? null : String(Math.round(rangeNsSum / ranges)),
    rangeSeconds: rangeSeconds.map((count, at) => ({ upTo: RANGE_SECONDS_BOUNDS[at] ?? null, count })),
  };
}

interface ChannelSession {
  readonly channel: MergeChannel;
  readonly counts: SessionCounts;
}

/** A and B always, R where there was a recovery source. */
function lineReports(
  channels: readonly MergeChannel[],
  sessions: readonly ChannelSession[],
): Record<string, LineReport> {
  const lines: Record<string, LineReport> = {};
  for (const [line, name] of LINE_NAMES.entries()) {
    const total = new LineCounts();
    let isThere = name !== 'R';
    for (const { arbiter } of channels) {
      const strays = arbiter.strays[line];
      if (strays !== undefined) total.add(strays);
    }
    for (const { counts } of sessions) {
      const ofLine = counts.lines[line];
      if (ofLine === undefined) continue;
      isThere = true;
      total.add(ofLine);
    }
    if (isThere) lines[name] = { ...total };
  }
  return lines;
}

function channelReport(channel: MergeChannel, counts: SessionCounts): MergeChannelReport {
  const { gaps, delivered, lost, conflicts, session } = counts;
  return {
    channel: channel.number,
    session: channel.transport.sessionText(session),
    first: text(counts.first),
    last: text(counts.last),
    delivered,
    lost,
    duplicates: counts.total.duplicates,
    conflicts,
    gaps: gaps.list.map(({ from, to, state, by }) => ({
      from: String(from),
      to: String(to),
      state,
      by: by < 0 ? null : LINE_NAMES[by]!,
    })),
    ...(gaps.notListed > 0 ? { gapsNotListed: gaps.notListed } : {}),
  };
}

function histogramOf(counts: readonly number[]): SkewBin[] {
  return counts
    .map((count, at) => ({ fromNs: EDGES_NS[at - 1] ?? null, toNs: EDGES_NS[at] ?? null, count }))
    .filter(({ count }) => count > 0);
}

function text(value: number | null): string | null {
  return value === null ? null : String(value);
}
