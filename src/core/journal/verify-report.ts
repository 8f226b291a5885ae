import { formatHash } from '../binary/fnv64.ts';
import { epochText } from './frame.ts';
import type { SourceSum } from './image-payload.ts';
import type { SegmentFacts, Unchecked } from './segment-facts.ts';
import type { Verified } from './verify.ts';
import type { RestartResult } from './verify-restart.ts';

export type Verdict = 'pass' | 'fail' | 'torn' | 'damaged';

/** What `mdx verify-journal --json` prints; docs/verify-journal.md describes it. */
export interface VerifyReport {
  readonly command: 'verify-journal';
  readonly version: string;
  readonly path: string;
  readonly verdict: Verdict;
  /** A process writes it while it is read. */
  readonly isBeingWritten: boolean;
  readonly segments: number;
  readonly frames: number;
  /** Event records of 40 bytes: an extended event has two. */
  readonly records: number;
  readonly events: number;
  readonly bytes: string;
  readonly firstEvent: string | null;
  readonly lastEvent: string | null;
  readonly firstSequence: string | null;
  readonly lastSequence: string | null;
  readonly nonMonotonic: number;
  readonly feeds: readonly string[];
  readonly epochs: readonly string[];
  readonly checks: {
    readonly passed: number;
    readonly failed: number;
    readonly byName: Readonly<Record<string, number>>;
    readonly notPossible: readonly Unchecked[];
    readonly notApplicable: readonly Unchecked[];
  };
  readonly checkpoints: {
    readonly verified: number;
    readonly failed: readonly {
      readonly check: string;
      readonly segment: number;
      readonly offset: string;
      readonly expected: string;
      readonly actual: string;
    }[];
  };
  /** Null where it is not known, or with several sources. */
  readonly finalHash: string | null;
  readonly expectedHash: string | null;
  readonly sources: readonly { readonly source: number; readonly version: number; readonly hash: string }[];
  readonly durable: {
    readonly event: string;
    readonly segment: number;
    readonly offset: string;
    readonly failed: boolean;
    readonly time: string;
  } | null;
  readonly tornTail: { readonly segment: number; readonly offset: string; readonly bytes: string } | null;
  readonly damage: readonly {
    readonly segment: number;
    readonly offset: string;
    readonly kind: string;
    readonly problem: string;
  }[];
  readonly restart: RestartResult | null;
  readonly repaired: { readonly segment: number; readonly offset: string; readonly bytes: string } | null;
  readonly timing: { readonly elapsedNs: string; readonly eventsPerSecond: number };
}

export interface ReportOptions {
  readonly version: string;
  readonly path: string;
  readonly isLive: boolean;
  /** State hash that the books should have in the end; null where nobody says. */
  readonly expectedHash: bigint | null;
  readonly restart: RestartResult | null;
  readonly repaired: VerifyReport['repaired'];
  readonly elapsedNs: number;
}

/** Checks of what is written down about the books. */
const STATES: readonly string[] = ['image', 'checkpoint', 'close', 'continuity'];

/** What was found → the report, with its verdict. */
export function verifyReport(
  { segments, judgement, durable }: Verified,
  options: ReportOptions,
): VerifyReport {
  const { damage, tornTail, passed, notPossible, notApplicable } = judgement;
  // Of a segment that is torn from its beginning nothing counts.
  const last = segments.at(tornTail?.offset === 0 ? -2 : -1);
  const isLastSound = last !== undefined && (last.scan.bad === null || tornTail?.segment === last.number);
  const final = isLastSound ? last.endSums : null;
  const finalHash = onlyHash(final);
  const { expectedHash, restart, isLive, elapsedNs } = options;
  const failed = [...judgement.failed];
  const byName = new Map(passed);
  const end = { segment: last?.number ?? 0, offset: last?.scan.end ?? 0 };
  if (expectedHash !== null) {
    const [expected, actual] = [formatHash(expectedHash), finalHash ?? 'not known'];
    if (expected === actual) byName.set('expected hash', 1);
    else failed.push({ check: 'expected hash', ...end, expected, actual });
  }
  if (restart?.matched === true) byName.set('restart', 1);
  else if (restart !== null) {
    const actual = restart.problem ?? 'not known';
    failed.push({ check: 'restart', ...end, expected: finalHash ?? 'not known', actual });
  }
  const events = sum(segments, (facts) => facts.events);
  return {
    command: 'verify-journal',
    version: options.version,
    path: options.path,
    verdict: verdictOf(damage.length, failed.length, tornTail !== null && !isLive),
    isBeingWritten: isLive,
    segments: segments.length,
    frames: sum(segments, (facts) => facts.frames),
    records: sum(segments, (facts) => facts.records),
    events,
    bytes: String(sum(segments, (facts) => facts.bytes)),
    firstEvent: events === 0 ? null : String(segments.find((facts) => facts.events > 0)!.scan.firstEvent),
    lastEvent: events === 0 ? null : String(Math.max(...segments.map(({ endEvent }) => endEvent)) - 1),
    firstSequence: numbered(segments.find(({ firstSequence }) => firstSequence > 0)?.firstSequence),
    lastSequence: numbered(segments.findLast(({ lastSequence }) => lastSequence > 0)?.lastSequence),
    nonMonotonic: sum(segments, (facts) => facts.nonMonotonic),
    feeds: unique(segments.flatMap(({ scan }) => scan.head?.sources.map(({ feed }) => feed) ?? [])),
    epochs: unique(
      segments.filter(({ scan }) => scan.firstFrame > 0).map(({ scan }) => epochText(scan.epoch)),
    ),
    checks: {
      passed: [...byName.values()].reduce((total, count) => total + count, 0),
      failed: failed.length + damage.length,
      byName: Object.fromEntries(byName),
      notPossible,
      notApplicable,
    },
    checkpoints: {
      verified: STATES.reduce((total, check) => total + (byName.get(check) ?? 0), 0),
      failed: failed.map(({ offset, ...mismatch }) => ({ ...mismatch, offset: String(offset) })),
    },
    finalHash,
    expectedHash: expectedHash === null ? onlyHash(last?.closeSums ?? null) : formatHash(expectedHash),
    sources: (final ?? []).map(({ source, version, hash }) => ({ source, version, hash: formatHash(hash) })),
    durable:
      durable === null || durable.segment === 0
        ? null
        : {
            event: String(durable.event),
            segment: durable.segment,
            offset: String(durable.offset),
            failed: durable.failed,
            time: String(durable.wallTime),
          },
    tornTail:
      tornTail === null
        ? null
        : { segment: tornTail.segment, offset: String(tornTail.offset), bytes: String(tornTail.bytes) },
    damage: damage.map(({ offset, ...rest }) => ({ ...rest, offset: String(offset) })),
    restart,
    repaired: options.repaired,
    timing: {
      elapsedNs: String(elapsedNs),
      eventsPerSecond: elapsedNs === 0 ? 0 : Math.round((events / elapsedNs) * 1e9),
    },
  };
}

/** What is worst decides. */
function verdictOf(damaged: number, failed: number, isTorn: boolean): Verdict {
  if (damaged > 0) return 'damaged';
  if (failed > 0) return 'fail';
  return isTorn ? 'torn' : 'pass';
}

function onlyHash(sums: readonly SourceSum[] | null): string | null {
  const [sum, ...others] = sums ?? [];
  return sum === undefined || others.length > 0 || sum.version === 0 ? null : formatHash(sum.hash);
}

function numbered(sequence: number | undefined): string | null {
  return sequence === undefined ? null : String(sequence);
}

function sum(segments: readonly SegmentFacts[], of: (facts: SegmentFacts) => number): number {
  return segments.reduce((total, facts) => total + of(facts), 0);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
