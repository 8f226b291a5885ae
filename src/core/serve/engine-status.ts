import type { Market } from '../book/market.ts';
import {
  REJECT_NAMES,
  TALLY_CROSSED_AT_LAST,
  TALLY_DUPLICATE_ORDER,
  TALLY_LOCKED_AT_LAST,
  TALLY_OVER_REDUCED,
  TALLY_REJECTED,
  TALLY_UNKNOWN_DELETE,
  TALLY_UNKNOWN_EXECUTE,
  TALLY_UNKNOWN_INFORMS,
  TALLY_UNKNOWN_MODIFY,
  TALLY_UNKNOWN_REDUCE,
  TALLY_UNKNOWN_REPLACE,
} from '../book/tally.ts';
import type { EventJournal } from '../journal/event-journal.ts';
import type { WaitingRoom } from '../merge/waiting-room.ts';
import type { ThreadCpu } from '../observe/thread-cpu.ts';
import type { TransportPlace } from '../pipeline/books.ts';
import type { IngestStanding } from '../pipeline/ingest/ingest-standing.ts';
import type { LiveLine } from '../pipeline/live-source.ts';
import type { MergeChannel } from '../pipeline/merge/merge-channel.ts';
import type { MergeStanding } from '../pipeline/merge/merge-options.ts';
import { LINE_NAMES } from '../pipeline/packet-source.ts';
import type {
  ChannelView,
  EngineStatus,
  GapView,
  IngestView,
  LineView,
  SkewView,
  ThreadView,
} from './status.ts';

/** Names of what books could not take, as /metrics and the API show them. */
const ANOMALIES: readonly (readonly [name: string, slot: number])[] = [
  ['unknownModify', TALLY_UNKNOWN_MODIFY],
  ['unknownReplace', TALLY_UNKNOWN_REPLACE],
  ['unknownReduce', TALLY_UNKNOWN_REDUCE],
  ['unknownDelete', TALLY_UNKNOWN_DELETE],
  ['unknownExecute', TALLY_UNKNOWN_EXECUTE],
  ['unknownInforms', TALLY_UNKNOWN_INFORMS],
  ['duplicateOrder', TALLY_DUPLICATE_ORDER],
  ['overReduced', TALLY_OVER_REDUCED],
  ['crossedAtLast', TALLY_CROSSED_AT_LAST],
  ['lockedAtLast', TALLY_LOCKED_AT_LAST],
  ...REJECT_NAMES.map((name, reason) => [`rejected_${name}`, TALLY_REJECTED + reason] as const),
];

/** When each line's count of packets moved last. */
export class LineWatch {
  readonly #seen: Map<string, { received: number; at: number }> = new Map();

  /** @param now ms of a running clock. */
  view(line: LiveLine, now: number): LineView {
    const { kernelDrops, skipped, name, groups, backend, clock, ...counts } = line.status();
    const seen = this.#seen.get(name);
    if (seen === undefined || seen.received !== counts.received) {
      this.#seen.set(name, { received: counts.received, at: now });
    }
    return {
      name,
      groups,
      backend,
      clock,
      received: counts.received,
      bytes: counts.bytes,
      poolFull: counts.poolFull,
      truncated: counts.truncated,
      waiting: counts.waiting,
      slots: line.spec.options.slots,
      kernelDrops,
      skipped,
      silentMs: counts.received === 0 ? null : Math.round(now - this.#seen.get(name)!.at),
    };
  }
}

/** A channel behind the merge, all its sessions together. */
export function mergedChannel({ number, transport, session, next, arbiter }: MergeChannel): ChannelView {
  let delivered = 0;
  let duplicates = 0;
  let outOfOrder = 0;
  let missing = 0;
  let filled = 0;
  let lost = 0;
  const firstBy: Record<string, number> = {};
  for (const counts of arbiter.sessions) {
    const total = counts.total;
    delivered += counts.delivered;
    lost += counts.lost;
    duplicates += total.duplicates;
    outOfOrder += total.outOfOrder;
    for (const { from, to, state } of counts.gaps.list) {
      if (state === 'open') missing += to - from + 1;
      else if (state === 'filled') filled += to - from + 1;
    }
    for (const [line, { deliveredFirst }] of counts.lines.entries()) {
      const name = LINE_NAMES[line]!;
      firstBy[name] = (firstBy[name] ?? 0) + deliveredFirst;
    }
  }
  return {
    channel: number,
    session: transport.sessionText(session),
    next: Math.max(0, next),
    delivered,
    duplicates,
    outOfOrder,
    missing,
    filled,
    lost,
    firstBy,
  };
}

/** Gaps that are told one by one. */
const GAPS_TOLD_MAX = 100;

/** The newest gaps of all channels, the newest of each last. */
function mergedGaps(channels: readonly MergeChannel[]): GapView[] {
  const gaps: GapView[] = [];
  for (const { number, transport, arbiter } of channels) {
    for (const { gaps: told, session } of arbiter.sessions) {
      for (const { from, to, state, by } of told.list.slice(-GAPS_TOLD_MAX)) {
        gaps.push({
          channel: number,
          session: transport.sessionText(session),
          from,
          to,
          state,
          by: by < 0 ? null : LINE_NAMES[by]!,
        });
      }
    }
  }
  return gaps.slice(-GAPS_TOLD_MAX);
}

/** How far line B is behind line A. */
function mergedSkew({ skew }: WaitingRoom): SkewView {
  return {
    p50Ns: skew.quantile(50),
    p99Ns: skew.quantile(99),
    maxNs: skew.samples === 0 ? null : skew.maxNs,
    samples: skew.samples,
  };
}

/** What there is only where lines are merged. */
export function mergedViews({
  channels,
  room,
  preference: { prefersA, failovers },
}: MergeStanding): Pick<EngineStatus, 'gaps' | 'skew' | 'preference'> {
  return {
    gaps: mergedGaps(channels),
    skew: mergedSkew(room),
    preference: { prefersA, failovers },
  };
}

/** A channel of an input that is not merged. */
export function readChannel({ channel, session, nextTransport }: TransportPlace): ChannelView {
  return {
    channel,
    session,
    next: nextTransport,
    delivered: 0,
    duplicates: 0,
    outOfOrder: 0,
    missing: 0,
    filled: 0,
    lost: 0,
    firstBy: {},
  };
}

/** The senders of events, all together. */
export function ingestView({ counts, sources }: IngestStanding): IngestView {
  const { connected, accepted, bytes, messages, held, pauses, endings } = counts;
  let records = 0;
  let lost = 0;
  let repeated = 0;
  for (const source of sources) {
    records += source.records;
    lost += source.lost;
    repeated += source.repeated;
  }
  return {
    connected,
    accepted,
    sources: sources.length,
    bytes,
    messages,
    records,
    lost,
    repeated,
    waitingBytes: held,
    pauses,
    endings: Object.fromEntries(endings),
  };
}

/** The threads beside the one of the engine. */
export function threadViews(
  lines: readonly LiveLine[],
  journal: EventJournal | null,
  ingest: IngestStanding | null,
): ThreadView[] {
  const view = (name: string, { seconds, load }: ThreadCpu, dropsAtFull = false): ThreadView => ({
    name,
    cpuSeconds: seconds,
    cpuLoad: load,
    dropsAtFull,
  });
  return [
    ...lines.flatMap(({ spec, receivers }) =>
      receivers.map(({ cpuTime }, at) =>
        view(
          `receiver-${spec.name}${at === 0 ? '' : `-${at + 1}`}`,
          cpuTime,
          (spec.options.busyPollUs ?? 0) === 0,
        ),
      ),
    ),
    ...(journal?.cpuTime === undefined ? [] : [view('journal', journal.cpuTime)]),
    ...(ingest?.counts.threads ?? []).map((cpuTime, at) => view(`ingest-${at + 1}`, cpuTime)),
  ];
}

export function booksView(markets: readonly Market[], known: number): EngineStatus['books'] {
  let orders = 0;
  let levels = 0;
  let stale = 0;
  for (const market of markets) {
    orders += market.orders.live;
    levels += market.levels.inUse;
    for (let book = 0; book < market.books; book += 1) stale += market.stale[book]!;
  }
  return { known, orders, levels, stale };
}

export function eventsOf(markets: readonly Market[]): number {
  let events = 0;
  for (const market of markets) for (const count of market.events) events += count;
  return events;
}

export function anomaliesOf(markets: readonly Market[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, slot] of ANOMALIES) {
    counts[name] = markets.reduce((sum, { tally }) => sum + tally[slot]!, 0);
  }
  return counts;
}
