import type { PacketReport } from '../core/convert/packet-copy.ts';
import type { ChannelReport, InputReport, OutputReport, RunReport } from '../core/pipeline/report.ts';
import { counted, grouped, timeText } from './numbers.ts';
import { QUOTES_MAX, quotesTable } from './quotes.ts';
import type { Style } from './style.ts';
import { type Column, pairs, table } from './table.ts';

/** Message types and missing ranges named in one line; the report has all of them. */
const TYPES_MAX = 8;
const RANGES_MAX = 3;
/** Problems of the books named one by one. */
const PROBLEMS_MAX = 5;

type Fact = readonly [label: string, value: string];

/** The report of a replay for people: what was read, what is wrong with it, and the best prices at the end. */
export function replayTables(report: RunReport, allInstruments: boolean, style: Style): string {
  const { inputs, sequence, instruments } = report;
  const parts = [pairs(factsOf(report, style), style)];
  if (inputs.length > 1) parts.push(inputsTable(inputs, style));
  if (sequence !== null && sequence.channels.length > 0) parts.push(channelsTable(sequence.channels, style));
  if (instruments.length > 0) {
    const most = allInstruments ? Number.POSITIVE_INFINITY : QUOTES_MAX;
    parts.push(quotesTable(instruments, most, 'see --all-instruments or --json', style));
  }
  return parts.join('\n');
}

/** The report of a copy of packets for people. */
export function packetTables(report: PacketReport, style: Style): string {
  const { inputs, output, damage, stopped, timing } = report;
  const facts: Fact[] = [
    ...(inputs.length === 1 ? inputFacts(inputs[0]!, style) : []),
    ['written', `${grouped(output.written)} packets to ${nameOf(output.path)} (${output.format})`],
    ...damageFacts(damage, style),
  ];
  if (stopped !== null) {
    facts.push([
      'stopped',
      style.warn(stopped === 'limit' ? 'after the packets of --limit' : STOPPED[stopped]!),
    ]);
  }
  facts.push(['speed', `${grouped(timing.packetsPerSecond)} packets/s`]);
  const parts = [
    pairs(
      facts.filter(([, value]) => value !== ''),
      style,
    ),
  ];
  if (inputs.length > 1) parts.push(inputsTable(inputs, style));
  return parts.join('\n');
}

function damageFacts(damage: RunReport['damage'], style: Style): Fact[] {
  return damage.map(({ path, offset, problem }) => [
    'damaged',
    style.bad(`${nameOf(path)} at byte ${grouped(offset)}: ${problem}`),
  ]);
}

function factsOf(report: RunReport, style: Style): Fact[] {
  const { feed, events, anomalies, book, invariants, damage, timing, inputs } = report;
  const facts: Fact[] = [
    ['feed', `${feed.protocol ?? 'unknown'} (${feed.framing ?? 'unknown'})`],
    ...(inputs.length === 1 ? inputFacts(inputs[0]!, style) : []),
    ['messages', listed([grouped(feed.messages), ...troubles(feed, style)])],
    ['types', typesText(feed.messagesByType)],
    ['events', `${grouped(events['total']!)} in ${grouped(events['groups']!)} groups`],
    ['anomalies', anomaliesText(anomalies, style)],
    [
      'books',
      listed([grouped(book.instruments), `${grouped(book.orders)} orders`, `${grouped(book.levels)} levels`]),
    ],
    ['state hash', book.stateHash ?? 'one per source'],
  ];
  if (feed.timeBase === 'midnight') {
    facts.push(['times', style.warn('since the midnight of an unknown day; name it with --date')]);
  }
  if (invariants !== null) facts.push(['invariants', invariantsText(invariants, style)]);
  facts.push(...damageFacts(damage, style));
  if (report.output !== undefined) facts.push(['written', writtenText(report.output, style)]);
  if (report.stopped !== null) facts.push(['stopped', style.warn(STOPPED[report.stopped] ?? report.stopped)]);
  facts.push(['speed', `${grouped(timing.messagesPerSecond)} messages/s`]);
  return facts.filter(([, value]) => value !== '');
}

function writtenText({ path, format, written, lossy = 0, journal }: OutputReport, style: Style): string {
  const parts = [`${grouped(written)} to ${nameOf(path)} (${format})`];
  if (journal !== undefined) {
    const { segments, durableEvent } = journal;
    parts.push(counted(segments, 'segment'));
    parts.push(`durable to event ${grouped(durableEvent)}`);
  }
  if (lossy > 0) parts.push(style.warn(`${grouped(lossy)} with a loss`));
  return listed(parts);
}

const STOPPED: Readonly<Record<string, string>> = {
  limit: 'after the messages of --limit',
  until: 'at the point asked for',
  request: 'when asked to; the rest was not read',
};

/** A file that is alone. */
function inputFacts(input: InputReport, style: Style): Fact[] {
  const { path, format, bytes, packets, firstTime, lastTime } = input;
  const facts: Fact[] = [
    [
      'input',
      listed([
        nameOf(path),
        format,
        `${grouped(bytes)} bytes`,
        ...(packets === null ? [] : [`${grouped(packets)} packets`]),
        ...(input.truncated ? [style.bad('truncated')] : []),
      ]),
    ],
  ];
  if (firstTime !== null && lastTime !== null) {
    facts.push(['arrived', `${timeText(BigInt(firstTime))} … ${timeText(BigInt(lastTime))}`]);
  }
  facts.push(['left out', style.warn(countsText(input.skipped))]);
  return facts;
}

const INPUTS: readonly Column[] = [
  { head: 'input' },
  { head: 'format' },
  { head: 'bytes', align: 'right' },
  { head: 'packets', align: 'right' },
  { head: 'first' },
  { head: 'last' },
  { head: '' },
];

function inputsTable(inputs: readonly InputReport[], style: Style): string {
  const rows = inputs.map(({ path, format, bytes, packets, firstTime, lastTime, truncated, skipped }) => [
    nameOf(path),
    format,
    grouped(bytes),
    packets === null ? '' : grouped(packets),
    firstTime === null ? '' : timeText(BigInt(firstTime)),
    lastTime === null ? '' : timeText(BigInt(lastTime)),
    listed([truncated ? style.bad('truncated') : '', style.warn(countsText(skipped))]),
  ]);
  return table(INPUTS, rows, style);
}

const CHANNELS: readonly Column[] = [
  { head: 'channel', align: 'right' },
  { head: 'session' },
  ...['first', 'last', 'packets', 'duplicate', 'late', 'out of order', 'lost'].map(
    (head): Column => ({ head, align: 'right' }),
  ),
  { head: '' },
];

/** Sequences of each channel; what is missing is named. */
function channelsTable(channels: readonly ChannelReport[], style: Style): string {
  const number = (count: number | bigint, paint: (text: string) => string): string =>
    count > 0 ? paint(grouped(count)) : style.dim('0');
  const rows = channels.map((channel) => {
    const missing = channel.gaps.reduce((sum, { from, to }) => sum + BigInt(to) - BigInt(from) + 1n, 0n);
    return [
      String(channel.channel),
      channel.session ?? '–',
      channel.first === null ? '–' : grouped(channel.first),
      channel.last === null ? '–' : grouped(channel.last),
      grouped(channel.packets),
      number(channel.duplicates, style.warn),
      number(channel.late, style.warn),
      number(channel.outOfOrder, style.warn),
      number(missing, style.bad),
      listed([
        style.bad(rangesText(channel)),
        channel.unsequenced > 0 ? `${grouped(channel.unsequenced)} without number` : '',
      ]),
    ];
  });
  return table(CHANNELS, rows, style);
}

function rangesText({ gaps, gapsNotListed = 0 }: ChannelReport): string {
  const named = gaps.slice(0, RANGES_MAX).map(({ from, to, state }) => {
    const range = from === to ? grouped(from) : `${grouped(from)}–${grouped(to)}`;
    return state === 'lost' ? range : `${range} (${state})`;
  });
  const left = gaps.length - named.length + gapsNotListed;
  return left === 0 ? named.join(' ') : `${named.join(' ')} and ${grouped(left)} more ranges`;
}

function troubles({ unknownMessages, malformed }: RunReport['feed'], style: Style): string[] {
  return [
    unknownMessages > 0 ? style.warn(`${grouped(unknownMessages)} of unknown type`) : '',
    malformed > 0 ? style.bad(`${grouped(malformed)} malformed`) : '',
  ];
}

/** The most frequent types first. */
function typesText(byType: Readonly<Record<string, number>>): string {
  const types = Object.entries(byType).sort(([, a], [, b]) => b - a);
  const named = types.slice(0, TYPES_MAX).map(([type, count]) => `${type} ${grouped(count)}`);
  const left = types.length - named.length;
  return listed([...named, left === 0 ? '' : `${left} more`]);
}

function anomaliesText(anomalies: RunReport['anomalies'], style: Style): string {
  const { unknownOrder, duplicateOrder, overReduced, rejectedBy, crossedAtLast, lockedAtLast } = anomalies;
  const unknown = Object.values(unknownOrder).reduce((sum, count) => sum + count, 0);
  const part = (count: number, text: string, paint: (text: string) => string): string =>
    count === 0 ? '' : paint(`${grouped(count)} ${text}`);
  const text = listed([
    part(unknown, `of unknown orders (${countsText(unknownOrder)})`, style.warn),
    part(duplicateOrder, 'duplicate orders', style.bad),
    part(overReduced, 'over-reduced', style.bad),
    part(anomalies.rejected, `rejected (${countsText(rejectedBy)})`, style.bad),
    part(crossedAtLast, 'times crossed', style.bad),
    part(lockedAtLast, 'times locked', style.warn),
  ]);
  return text === '' ? style.good('none') : text;
}

function invariantsText({ checks, problems }: NonNullable<RunReport['invariants']>, style: Style): string {
  if (problems.length === 0) return style.good(`hold in ${grouped(checks)} checks`);
  const named = problems.slice(0, PROBLEMS_MAX).join(' · ');
  return style.bad(`broken in ${grouped(checks)} checks: ${named}`);
}

/** Counts that are not zero, with their names. */
function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${grouped(count)}`)
    .join(', ');
}

function listed(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}

function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}
