import type {
  LineReport,
  MergeChannelReport,
  MergeReport,
  SkewBin,
} from '../core/pipeline/merge/merge-report.ts';
import { grouped } from './numbers.ts';
import type { Style } from './style.ts';
import { type Column, pairs, table } from './table.ts';

/** Missing ranges named in one line; the report has all of them. */
const RANGES_MAX = 3;
/** Longest bar of the histogram, characters. */
const BAR_LENGTH = 40;

/** The report of a merge for people: who won and by how much, what each line lost, and what both lost. */
export function mergeTables(report: MergeReport, style: Style): string {
  const parts = [pairs(factsOf(report, style), style), linesTable(report, style)];
  if (report.skew.samples > 0) parts.push(skewTable(report.skew.histogram, style));
  if (report.channels.length > 0) parts.push(channelsTable(report.channels, style));
  return parts.join('\n');
}

/** The same in one line, where the packets go to standard output. */
export function mergeLine({ lines, delivered }: MergeReport): string {
  const packets = Object.values(lines).reduce((sum, line) => sum + line.packets, 0);
  const parts = [
    `${grouped(packets)} packets in`,
    `${grouped(delivered.packets)} out`,
    `${grouped(delivered.messages)} numbers`,
    ...winners(lines).map(([name, share]) => `${name} first ${share}`),
    delivered.lost > 0 ? `${grouped(delivered.lost)} lost` : 'none lost',
  ];
  if (delivered.conflicts > 0) parts.push(`${grouped(delivered.conflicts)} conflicts`);
  return parts.join(' · ');
}

function factsOf(report: MergeReport, style: Style): (readonly [string, string])[] {
  const { delivered, skew, preference, feed, damage, output, timing, lines, stopped } = report;
  const facts: [string, string][] = [
    ['feed', feed.protocol ?? 'unknown'],
    [
      'delivered',
      `${grouped(delivered.messages)} numbers in ${grouped(delivered.packets)} packets · ${
        delivered.lost === 0 ? style.good('none lost') : style.bad(`${grouped(delivered.lost)} lost`)
      }`,
    ],
    [
      'first',
      winners(lines)
        .map(([name, share]) => `${name} ${share}`)
        .join(' · '),
    ],
    ['skew', skewText(skew)],
    ['lead', `${preference.preferred} at the end · ${grouped(preference.failovers)} changes`],
    [
      'conflicts',
      delivered.conflicts === 0
        ? style.good('none')
        : style.bad(`${grouped(delivered.conflicts)} numbers with other bytes on the other line`),
    ],
    ['recovery', recoveryText(report.recovery, style)],
    ...damage.map(({ path, offset, problem }): [string, string] => [
      'damaged',
      style.bad(`${path} at byte ${grouped(offset)}: ${problem}`),
    ]),
  ];
  if (output !== undefined) facts.push(['written', `${grouped(output.written)} packets to ${output.path}`]);
  if (stopped !== null) facts.push(['stopped', style.warn(STOPPED[stopped] ?? stopped)]);
  facts.push(['speed', `${grouped(timing.packetsPerSecond)} packets/s`]);
  return facts.filter(([, value]) => value !== '');
}

const STOPPED: Readonly<Record<string, string>> = {
  request: 'when asked to; the rest was not read',
  loss: 'at a range that could not be recovered',
};

/** Of the numbers that were delivered, the share that came on each line first. */
function winners(lines: MergeReport['lines']): [name: string, share: string][] {
  const total = Object.values(lines).reduce((sum, { deliveredFirst }) => sum + deliveredFirst, 0);
  if (total === 0) return [];
  return Object.entries(lines)
    .filter(([, { deliveredFirst }]) => deliveredFirst > 0)
    .map(([name, { deliveredFirst }]) => [name, `${((deliveredFirst * 100) / total).toFixed(1)} %`]);
}

function skewText({ p50Ns, p99Ns, maxNs, samples }: MergeReport['skew']): string {
  if (samples === 0) return 'no number was seen on both lines';
  const [half, most, largest] = [p50Ns, p99Ns, maxNs].map((ns) => signedTime(ns ?? 0));
  return `B − A: median ${half} · 99 % ${most} · largest ${largest} · ${grouped(samples)} numbers on both`;
}

function recoveryText(recovery: MergeReport['recovery'], style: Style): string {
  if (recovery === null) return '';
  const { fetchedRanges, injectedPackets, unrecoverableGaps, unrecoverableNumbers, retries, rangeMaxNs } =
    recovery;
  return [
    `${grouped(fetchedRanges)} ranges fetched in ${grouped(injectedPackets)} packets`,
    `longest ${time(Number(rangeMaxNs))}`,
    retries > 0 ? style.warn(`${grouped(retries)} retries`) : '',
    unrecoverableGaps > 0
      ? style.bad(
          `${grouped(unrecoverableNumbers)} numbers not to be had (${recovery.lastFailure ?? 'no answer'})`,
        )
      : '',
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

const LINES: readonly [keyof LineReport, string][] = [
  ['packets', 'packets'],
  ['messages', 'numbers'],
  ['deliveredFirst', 'first'],
  ['duplicates', 'duplicate'],
  ['late', 'late'],
  ['outOfOrder', 'out of order'],
  ['missing', 'missing'],
  ['unsequenced', 'unnumbered'],
  ['malformed', 'malformed'],
  ['heartbeats', 'heartbeats'],
];
/** Worth a colour where they are not zero. */
const BAD: ReadonlySet<string> = new Set(['missing', 'malformed']);
const ODD: ReadonlySet<string> = new Set(['late', 'outOfOrder', 'unsequenced']);

function linesTable({ lines }: MergeReport, style: Style): string {
  const columns: Column[] = [
    { head: 'line' },
    ...LINES.map(([, head]): Column => ({ head, align: 'right' })),
  ];
  const rows = Object.entries(lines).map(([name, line]) => [
    name,
    ...LINES.map(([field]) => {
      const text = grouped(line[field]);
      if (line[field] === 0) return style.dim(text);
      return BAD.has(field) ? style.bad(text) : ODD.has(field) ? style.warn(text) : text;
    }),
  ]);
  return table(columns, rows, style);
}

function skewTable(bins: readonly SkewBin[], style: Style): string {
  const most = bins.reduce((max, { count }) => Math.max(max, count), 0);
  const rows = bins.map(({ fromNs, toNs, count }) => [
    (toNs ?? 1) > 0 ? 'A first by' : 'B first by',
    rangeText(fromNs, toNs),
    grouped(count),
    '█'.repeat(Math.max(1, Math.round((count * BAR_LENGTH) / most))),
  ]);
  return table(
    [{ head: 'skew' }, { head: '' }, { head: 'numbers', align: 'right' }, { head: '' }],
    rows,
    style,
  );
}

/** A span of time differences by its magnitudes. */
function rangeText(fromNs: number | null, toNs: number | null): string {
  if (fromNs === null) return `${time(-(toNs ?? 0))} and more`;
  if (toNs === null) return `${time(fromNs)} and more`;
  const [low, high] = fromNs < 0 ? [-toNs, -fromNs] : [fromNs, toNs];
  return low === 0 ? `up to ${time(high)}` : `${time(low)} … ${time(high)}`;
}

const CHANNELS: readonly Column[] = [
  { head: 'channel', align: 'right' },
  { head: 'session' },
  ...['first', 'last', 'delivered', 'duplicate', 'conflict', 'lost'].map(
    (head): Column => ({ head, align: 'right' }),
  ),
  { head: 'reported holes' },
];

function channelsTable(channels: readonly MergeChannelReport[], style: Style): string {
  const rows = channels.map((channel) => [
    String(channel.channel),
    channel.session ?? '–',
    channel.first === null ? '–' : grouped(channel.first),
    channel.last === null ? '–' : grouped(channel.last),
    grouped(channel.delivered),
    grouped(channel.duplicates),
    channel.conflicts === 0 ? style.dim('0') : style.bad(grouped(channel.conflicts)),
    channel.lost === 0 ? style.dim('0') : style.bad(grouped(channel.lost)),
    holesText(channel, style),
  ]);
  return table(CHANNELS, rows, style);
}

function holesText({ gaps, gapsNotListed = 0 }: MergeChannelReport, style: Style): string {
  const named = gaps.slice(0, RANGES_MAX).map(({ from, to, state, by }) => {
    const range = from === to ? grouped(from) : `${grouped(from)}–${grouped(to)}`;
    if (state === 'lost') return style.bad(`${range} lost`);
    return state === 'filled' ? `${range} filled by ${by}` : style.warn(`${range} open`);
  });
  const left = gaps.length - named.length + gapsNotListed;
  if (left > 0) named.push(`${grouped(left)} more`);
  return named.join(' · ');
}

function signedTime(ns: number): string {
  return ns < 0 ? `−${time(-ns)}` : `+${time(ns)}`;
}

const UNITS: readonly [number, string][] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
];

/** At most three digits and a unit. */
function time(ns: number): string {
  const [size, unit] = UNITS.find(([each]) => ns >= each) ?? [1, 'ns'];
  return `${Number((ns / size).toPrecision(3))} ${unit}`;
}
