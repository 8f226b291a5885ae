import type { Verdict, VerifyReport } from '../core/journal/verify-report.ts';
import { counted, grouped } from './numbers.ts';
import type { Style } from './style.ts';
import { pairs, table } from './table.ts';

/** Bad places and failed checks that are shown one by one; the report has all of them. */
const SHOWN_MAX = 20;

const MEANINGS: Readonly<Record<Verdict, string>> = {
  pass: 'everything that could be checked is right',
  torn: 'the last frame was being written when its writer ended; nothing that was promised is missing',
  fail: 'the bytes are as they were written, and something they say is not so',
  damaged: 'bytes are not what was written',
};

/** The report of a verification for people: the verdict first, what is wrong, then what was checked. */
export function verifyTables(report: VerifyReport, style: Style): string {
  const parts = [pairs(facts(report, style), style)];
  if (report.damage.length > 0) parts.push(damageTable(report, style));
  if (report.checkpoints.failed.length > 0) parts.push(failedTable(report, style));
  parts.push(checksTable(report, style));
  return parts.join('\n');
}

function facts(report: VerifyReport, style: Style): (readonly [string, string])[] {
  const { verdict, tornTail, durable, repaired, restart, timing, isBeingWritten } = report;
  const rows: [string, string][] = [
    ['verdict', `${colored(verdict, style)} · ${MEANINGS[verdict]}`],
    [
      'journal',
      `${report.path} · ${counted(report.segments, 'segment')} · ${grouped(report.bytes)} bytes${isBeingWritten ? style.warn(' · being written') : ''}`,
    ],
    ['feed', report.feeds.join(', ') || 'none'],
    [
      'events',
      `${grouped(report.events)}${report.firstEvent === null ? '' : ` · ${grouped(report.firstEvent)} … ${grouped(report.lastEvent!)}`} · in ${counted(report.frames, 'frame')}`,
    ],
  ];
  if (report.firstSequence !== null)
    rows.push(['messages', `${grouped(report.firstSequence)} … ${grouped(report.lastSequence!)}`]);
  if (durable !== null) {
    const failed = durable.failed ? style.warn(' · nothing behind it was promised') : '';
    rows.push([
      'durable',
      `event ${grouped(durable.event)} · segment ${durable.segment}, byte ${grouped(durable.offset)}${failed}`,
    ]);
  }
  if (tornTail !== null) {
    const { segment, offset, bytes } = tornTail;
    const what = isBeingWritten ? 'being written' : 'torn';
    rows.push([
      what,
      style.warn(`segment ${segment} from byte ${grouped(offset)} · ${grouped(bytes)} bytes`),
    ]);
  }
  if (repaired !== null) {
    const { segment, offset, bytes } = repaired;
    rows.push([
      'repaired',
      style.good(`segment ${segment} cut off at byte ${grouped(offset)} · ${grouped(bytes)} bytes`),
    ]);
  }
  rows.push(['state', report.finalHash ?? (report.sources.map(({ hash }) => hash).join(' ') || 'not known')]);
  if (restart !== null) {
    const { anchor, anchorSequence, replayedEvents, matched, problem } = restart;
    const how = anchor === null ? '' : ` · by its ${anchor}, in front of event ${grouped(anchorSequence!)}`;
    const result = matched ? style.good('leads to the same books') : style.bad(problem ?? 'does not match');
    rows.push(['restart', `${result}${how} · ${counted(replayedEvents, 'event')} applied`]);
  }
  rows.push(['speed', `${grouped(timing.eventsPerSecond)} events/s`]);
  return rows;
}

function colored(verdict: Verdict, style: Style): string {
  if (verdict === 'pass') return style.good(verdict);
  return verdict === 'torn' ? style.warn(verdict) : style.bad(verdict);
}

function damageTable({ damage }: VerifyReport, style: Style): string {
  const rows = damage
    .slice(0, SHOWN_MAX)
    .map(({ segment, offset, kind, problem }) => [
      String(segment),
      grouped(offset),
      style.bad(kind),
      problem,
    ]);
  return (
    table(
      [
        { head: 'segment', align: 'right' },
        { head: 'byte', align: 'right' },
        { head: 'damage' },
        { head: 'what is wrong' },
      ],
      rows,
      style,
    ) + more(damage.length, style)
  );
}

function failedTable({ checkpoints: { failed } }: VerifyReport, style: Style): string {
  const rows = failed
    .slice(0, SHOWN_MAX)
    .map(({ check, segment, offset, expected, actual }) => [
      String(segment),
      grouped(offset),
      style.bad(check),
      expected,
      actual,
    ]);
  return (
    table(
      [
        { head: 'segment', align: 'right' },
        { head: 'byte', align: 'right' },
        { head: 'failed' },
        { head: 'expected' },
        { head: 'found' },
      ],
      rows,
      style,
    ) + more(failed.length, style)
  );
}

function more(count: number, style: Style): string {
  return count > SHOWN_MAX
    ? `${style.dim(`and ${grouped(count - SHOWN_MAX)} more (--json has them)`)}\n`
    : '';
}

/** What was checked, what could not be, and what there was nothing of. */
function checksTable({ checks }: VerifyReport, style: Style): string {
  const rows = Object.entries(checks.byName).map(([check, count]) => [
    check,
    style.good('passed'),
    grouped(count),
    WHAT[check] ?? '',
  ]);
  for (const { check, why } of checks.notPossible.slice(0, SHOWN_MAX))
    rows.push([check, style.warn('not possible'), '', why]);
  for (const { check, why } of checks.notApplicable) rows.push([check, style.dim('not applicable'), '', why]);
  const hidden = Math.max(0, checks.notPossible.length - SHOWN_MAX);
  const columns = [
    { head: 'check' },
    { head: 'result' },
    { head: 'times', align: 'right' },
    { head: '' },
  ] as const;
  return table(columns, rows, style) + more(hidden + SHOWN_MAX, style);
}

const WHAT: Readonly<Record<string, string>> = {
  frames: 'all frames of a segment: both sums, numbers, epoch, and the frame before',
  chain: 'a segment goes on where the one before ends',
  image: 'the books of an image have the state hash that it says',
  checkpoint: 'orders and price levels are as many as it says',
  close: 'the books at the end have the state hash that it says',
  continuity: 'the books at the end of a segment are those of the next image',
  durable: 'what survives a loss of power is there',
  'expected hash': 'the books at the end have the state hash that was asked for',
  restart: 'the snapshot and the events behind it lead to the same books',
};
