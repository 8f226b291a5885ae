import { toBigInt } from '../../binary/time.ts';
import { MdxError } from '../../errors.ts';
import type { BookDefinition } from '../../event/dictionary.ts';
import {
  damageReports,
  type InputReport,
  type InstrumentReport,
  inputReport,
  type RunReport,
} from '../report.ts';
import type { RunResult } from '../run.ts';
import type { BookShot } from './book-shots.ts';
import type { Difference, DiffResult } from './diff-run.ts';
import { type LadderRow, ladderRows, rowsAround } from './ladder-rows.ts';
import type { Pair } from './pairs.ts';
import * as pairs from './pairs.ts';

/** Levels listed of a difference, and instruments that only one side has. */
const LEVELS_MAX = 200;
const ONLY_MAX = 1000;

/** What was read of one side. */
export interface DiffSideReport {
  readonly inputs: readonly InputReport[];
  readonly feed: string | null;
  readonly framing: string | null;
  readonly timeBase: string;
  readonly messages: number;
  readonly malformed: number;
  /** Ranges of numbers that are lost. */
  readonly lostRanges: number;
  readonly firstVenueTime: string | null;
  readonly lastVenueTime: string | null;
  readonly damage: RunReport['damage'];
  readonly stopped: string | null;
}

/** Where a side stands; its last group up to the place where the books differ. */
export interface DiffGroup {
  readonly channel: number;
  /** Number of its message; null where messages have none, and for what an image or a snapshot brought. */
  readonly sequence: string | null;
  readonly venueTime: string;
  /** The group is at that place itself; else the side has none there and kept its book. */
  readonly atPlace: boolean;
  readonly stale: boolean;
}

/** One instrument whose books are not the same. */
export interface DifferenceReport {
  readonly publisher: number;
  readonly instrument: string;
  readonly symbol: string | null;
  /** Null where a side has had no group yet. */
  readonly group: { readonly a: DiffGroup | null; readonly b: DiffGroup | null };
  readonly levelsDiffering: number;
  /** These are null where the books are not shown. */
  readonly levels: readonly LadderRow[] | null;
  readonly levelsNotListed: number | null;
  readonly a: DiffBookReport | null;
  readonly b: DiffBookReport | null;
}

/** One of two books that differ: what its levels are stands beside those of the other. */
export interface DiffBookReport extends InstrumentReport {
  readonly bidLevels: number;
  readonly askLevels: number;
}

/** Groups of one side in front of the beginning of the other, or behind its end: nothing to compare them with. */
export interface TailReport {
  readonly side: 'A' | 'B';
  readonly part: 'before' | 'after';
  readonly groups: number;
  readonly instruments: number;
}

type OnlyReport = Pick<InstrumentReport, 'source' | 'publisher' | 'instrument' | 'symbol'>;

/** The report of `diff`, as docs/diff.md describes it for machines. */
export interface DiffReport {
  readonly command: string;
  readonly version: string;
  readonly verdict: 'equal' | 'different';
  readonly a: DiffSideReport;
  readonly b: DiffSideReport;
  readonly alignment: { readonly by: string; readonly instruments: string; readonly ids: boolean };
  readonly instruments: {
    readonly compared: number;
    readonly equal: number;
    readonly different: number;
    /** On both sides, but never at the same time. */
    readonly notCompared: number;
    readonly onlyA: number;
    readonly onlyB: number;
    /** Compared, and stale on a side at its end or where they differ: something of them is lost. */
    readonly stale: number;
  };
  /** Points at which two books were compared. */
  readonly comparisons: number;
  readonly differences: readonly DifferenceReport[];
  readonly onlyA: readonly OnlyReport[];
  readonly onlyB: readonly OnlyReport[];
  readonly tails: readonly TailReport[];
  readonly timing: { readonly elapsedNs: string; readonly messagesPerSecond: number };
}

export interface DiffReportOptions {
  readonly version: string;
  readonly withIds: boolean;
  /** Levels around each that differs. */
  readonly around: number;
}

/** Puts the result of a comparison into the words of the report. Throws MdxError where nothing was compared. */
export function diffReport(result: DiffResult, options: DiffReportOptions): DiffReport {
  const { comparer, sides, differences } = result;
  const both = comparer.pairs.list.filter(({ books }) => books[0] !== null && books[1] !== null);
  const compared = both.filter((pair) => pair.compared > 0);
  if (compared.length === 0) throw nothingCompared(result, both.length);
  const onlyOf = (side: 0 | 1): OnlyReport[] =>
    comparer.pairs.list.flatMap(({ books }) => {
      const book = books[side];
      return book !== null && books[1 - side] === null ? [identityOf(book)] : [];
    });
  const only = [onlyOf(0), onlyOf(1)] as const;
  const different = differences.length;
  const messages = sides[0].counts.messages + sides[1].counts.messages;
  return {
    command: 'diff',
    version: options.version,
    verdict: different > 0 ? 'different' : 'equal',
    a: sideReport(result, 0),
    b: sideReport(result, 1),
    alignment: {
      by: comparer.alignment!.by,
      instruments: comparer.by!,
      ids: options.withIds,
    },
    instruments: {
      compared: compared.length,
      equal: compared.length - different,
      different,
      notCompared: both.length - compared.length,
      onlyA: only[0].length,
      onlyB: only[1].length,
      stale: compared.filter((pair) => isStale(pair, sides)).length,
    },
    comparisons: comparer.compared,
    differences: differences.map((difference) => differenceReport(difference, options)),
    onlyA: only[0].slice(0, ONLY_MAX),
    onlyB: only[1].slice(0, ONLY_MAX),
    tails: tailsOf(both),
    timing: {
      elapsedNs: String(Math.round(result.elapsedNs)),
      messagesPerSecond: Math.round(messages / (result.elapsedNs / 1e9)),
    },
  };
}

function sideReport({ sides, marks }: DiffResult, side: 0 | 1): DiffSideReport {
  const run = sides[side];
  const { timeHigh, timeLow, firstTimeHigh, firstTimeLow, hasBegun } = marks[side];
  return {
    inputs: run.inputs.map(inputReport),
    feed: run.feed?.name ?? null,
    framing: run.framing,
    timeBase: run.timeBase,
    messages: run.counts.messages,
    malformed: run.counts.malformed,
    lostRanges: run.channels.reduce(
      (sum, { arbiter }) =>
        sum +
        arbiter.sessions.reduce(
          (ranges, { gaps }) =>
            ranges + gaps.list.filter(({ state }) => state === 'lost').length + gaps.notListed,
          0,
        ),
      0,
    ),
    firstVenueTime: hasBegun ? String(toBigInt(firstTimeHigh, firstTimeLow)) : null,
    lastVenueTime: hasBegun ? String(toBigInt(timeHigh, timeLow)) : null,
    damage: damageReports(run.damage),
    stopped: run.stopped,
  };
}

function differenceReport(
  { pair, shots }: Difference,
  { withIds, around }: DiffReportOptions,
): DifferenceReport {
  const found = pair.found!;
  const book = (pair.books[0] ?? pair.books[1])!;
  const rows = shots === null ? null : rowsAround(ladderRows(shots[0], shots[1], withIds), around);
  return {
    publisher: book.publisher,
    instrument: String(book.instrument),
    symbol: book.symbol ?? pair.books[1]?.symbol ?? null,
    group: { a: groupOf(found, 0), b: groupOf(found, 1) },
    levelsDiffering: found.levels,
    levels: rows === null ? null : rows.slice(0, LEVELS_MAX),
    levelsNotListed: rows === null ? null : Math.max(0, rows.length - LEVELS_MAX),
    a: shots === null ? null : summaryOf(shots[0]),
    b: shots === null ? null : summaryOf(shots[1]),
  };
}

function groupOf({ kept, isOf, taken }: pairs.FoundDifference, side: 0 | 1): DiffGroup | null {
  if (!taken[side]) return null;
  const at = side * pairs.KEPT_FIELDS;
  const number = kept[at + pairs.KEPT_NUMBER]!;
  return {
    channel: kept[at + pairs.KEPT_CHANNEL]!,
    sequence: number > 0 ? String(number) : null,
    venueTime: String(toBigInt(kept[at + pairs.KEPT_TIME_HIGH]!, kept[at + pairs.KEPT_TIME_LOW]!)),
    atPlace: isOf[side],
    stale: (kept[at + pairs.KEPT_FLAGS]! & 1) !== 0,
  };
}

function summaryOf({ bids: _, asks: __, ...book }: BookShot): DiffBookReport {
  return book;
}

function identityOf({ source, publisher, instrument, symbol }: BookDefinition): OnlyReport {
  return { source, publisher, instrument: String(instrument), symbol };
}

function isStale({ books, found }: Pair, sides: readonly [RunResult, RunResult]): boolean {
  return ([0, 1] as const).some((side) => {
    const { number, channel } = books[side]!;
    const isAtEnd = sides[side].books.marketOf(channel).stale[number] === 1;
    return isAtEnd || (found !== null && groupOf(found, side)?.stale === true);
  });
}

function tailsOf(both: readonly Pair[]): TailReport[] {
  const parts = [
    ['before', ({ early }: Pair) => early],
    ['after', ({ late }: Pair) => late],
  ] as const;
  return ([0, 1] as const).flatMap((side) =>
    parts.flatMap(([part, groupsOf]) => {
      const instruments = both.filter((pair) => groupsOf(pair)[side] > 0);
      const groups = instruments.reduce((sum, pair) => sum + groupsOf(pair)[side], 0);
      return groups === 0
        ? []
        : [
            {
              side: side === 0 ? ('A' as const) : ('B' as const),
              part,
              groups,
              instruments: instruments.length,
            },
          ];
    }),
  );
}

function nothingCompared({ comparer }: DiffResult, both: number): MdxError {
  const { list } = comparer.pairs;
  const countOf = (side: 0 | 1): number => list.filter(({ books }) => books[side] !== null).length;
  if (both > 0) {
    return new MdxError(
      'not-comparable',
      `comparing: ${both} instruments are on both sides, but never at the same place: one side ends before the other begins`,
      { hint: 'Align by the other measure with --align, or name the trading day with --date.' },
    );
  }
  return new MdxError(
    'not-comparable',
    `comparing: A changes ${countOf(0)} books and B ${countOf(1)}, and none of them is of the same instrument`,
    {
      hint:
        comparer.by === 'symbol'
          ? 'They were matched by symbol; --by instrument matches them by number, --instruments FILE.csv names them.'
          : 'They were matched by number; --by symbol matches them by name.',
    },
  );
}
