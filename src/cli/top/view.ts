import { quantileOf, type Series } from '../../core/observe/read-exposition.ts';
import { clipped, plain } from '../clip.ts';
import { counted, grouped } from '../numbers.ts';
import type { Style } from '../style.ts';
import { type Column, table } from '../table.ts';
import type { HealthSaid, Look } from './look.ts';

const STAGES: readonly string[] = ['merge', 'decode', 'book', 'publish', 'sent'];
const REASONS_MAX = 4;
const UNITS: readonly (readonly [unit: string, size: number])[] = [
  ['GB', 1 << 30],
  ['MB', 1 << 20],
  ['KB', 1 << 10],
];

const right = (head: string): Column => ({ head, align: 'right' });

/** A server as people see it. @param url as it was asked for. @param rows of the terminal; Infinity = all of it. */
export function topLines(look: Look, url: string, columns: number, rows: number, style: Style): string[] {
  const parts = [
    headOf(look, url, style),
    lineTable(look, style),
    channelTable(look, style),
    latencyTable(look, style),
    threadTable(look, style),
    clientTable(look, style),
  ];
  const lines = parts.flatMap((part, index) => (part.length === 0 ? [] : index === 0 ? part : ['', ...part]));
  return lines.slice(0, rows).map((line) => clipped(line, columns));
}

function headOf({ health, status, lines, metrics }: Look, url: string, style: Style): string[] {
  const { books, journal, taps } = status;
  const state = health.live ? health.state : `dead (${health.state})`;
  const shown = health.reasons.slice(0, REASONS_MAX);
  const left = health.reasons.length - shown.length;
  const free = valueIn(metrics, 'mdx_disk_free_bytes', {});
  return [
    `${style.bold('mdx serve')} ${plain(health.version)} at ${plain(url)}  ${readyText(health, style)}`,
    [
      plain(state),
      ...(status.feed === null ? [] : [plain(status.feed)]),
      `up ${durationText(health.upMs)}`,
      `epoch ${plain(status.epoch)}`,
      `event ${grouped(status.lastEvent)}`,
    ].join(' · '),
    ...(status.problem === null ? [] : [style.bad(plain(status.problem))]),
    ...shown.map(({ subject, found, clearedBy }) => style.warn(plain(`${subject}: ${found} → ${clearedBy}`))),
    ...(left === 0 ? [] : [style.warn(`and ${left} more reasons`)]),
    `messages ${grouped(status.messages)} ${rateText(status.messagesPerSecond)} · events ${grouped(status.events)} ${rateText(status.eventsPerSecond)}`,
    `books ${grouped(books.known)} · orders ${grouped(books.orders)} · levels ${grouped(books.levels)} · ${warnAbove(books.stale, `${grouped(books.stale)} stale`, style)} · ${grouped(lines.pendingPackets)} packets pending`,
    ...(journal === null
      ? []
      : [
          `journal: event ${grouped(journal.lastEvent)}, durable ${grouped(journal.durableEvent)} · ${counted(journal.segments, 'segment')}${free === null ? '' : ` · ${bytesText(free)} free`}${journal.problem === null ? '' : ` · ${style.bad(plain(journal.problem))}`}`,
        ]),
    ...taps
      .filter(({ stalls, cuts }) => stalls > 0 || cuts > 0)
      .map(({ name, stalls, cuts, skippedEvents, waitingBytes, capacityBytes }) =>
        style.warn(
          plain(
            `ring to ${name}: ${bytesText(waitingBytes)} of ${bytesText(capacityBytes)}, the engine waited ${grouped(stalls)} times, cut it off ${grouped(cuts)} times and left out ${grouped(skippedEvents)} events`,
          ),
        ),
      ),
  ];
}

function lineTable({ lines: { lines } }: Look, style: Style): string[] {
  return rowsOf(
    [
      { head: 'line' },
      { head: 'by' },
      right('packets'),
      right('/s'),
      right('waiting'),
      right('dropped here'),
      right('by the system'),
      right('silent'),
    ],
    lines.map((line) => {
      const before = Math.max(0, ...Object.values(line.kernelDrops));
      return [
        plain(line.name),
        plain(line.backend),
        grouped(line.packets),
        rateNumber(line.packetsPerSecond),
        `${grouped(line.waiting)}/${grouped(line.slots)}`,
        warnAbove(line.poolFull, grouped(line.poolFull), style),
        warnAbove(before, grouped(before), style),
        line.silentMs === null ? style.warn('never seen') : durationText(line.silentMs),
      ];
    }),
    style,
  );
}

function channelTable({ lines: { channels } }: Look, style: Style): string[] {
  const names = [...new Set(channels.flatMap(({ firstBy }) => Object.keys(firstBy)))];
  return rowsOf(
    [
      right('channel'),
      right('next'),
      right('missing'),
      right('filled'),
      right('lost'),
      ...names.map((name) => right(`first by ${plain(name)}`)),
    ],
    channels.map(({ channel, next, missing, filled, lost, firstBy }) => [
      String(channel),
      grouped(next),
      warnAbove(missing, grouped(missing), style),
      grouped(filled),
      warnAbove(lost, grouped(lost), style),
      ...names.map((name) => grouped(firstBy[name] ?? 0)),
    ]),
    style,
  );
}

function latencyTable({ metrics }: Look, style: Style): string[] {
  const rows = ['receive', 'thread'].flatMap((start) =>
    STAGES.flatMap((stage) =>
      threadsOf(metrics).flatMap((thread) => {
        const buckets = bucketsOf(metrics, { stage, start, thread });
        const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
        if (count === 0) return [];
        const parts = [0.5, 0.99, 1].map((part) => secondsText(quantileOf(buckets, part)!));
        return [[stage, thread, start === 'receive' ? 'received' : 'taken up', ...parts, grouped(count)]];
      }),
    ),
  );
  const columns = [{ head: 'latency' }, { head: 'thread' }, { head: 'since' }];
  return rowsOf([...columns, right('p50 ≤'), right('p99 ≤'), right('max ≤'), right('samples')], rows, style);
}

function threadTable({ metrics }: Look, style: Style): string[] {
  // Threads that only receive or write say nothing but their processor time.
  const said = (
    name: string,
    labels: Readonly<Record<string, string>>,
    text: (value: number) => string,
  ): string => {
    const value = valueIn(metrics, name, labels);
    return value === null ? '' : text(value);
  };
  return rowsOf(
    [
      { head: 'thread' },
      right('cpu'),
      right('loop lag p99'),
      right('max'),
      right('longest gc'),
      right('heap'),
      right('buffers'),
    ],
    threadsOf(metrics).map((thread) => [
      isThere(metrics, thread) ? plain(thread) : style.bad(`${plain(thread)} (gone)`),
      `${Math.round((valueIn(metrics, 'mdx_thread_cpu_load', { thread }) ?? 0) * 100)} %`,
      said('mdx_event_loop_lag_seconds', { thread, quantile: '0.99' }, secondsText),
      said('mdx_event_loop_lag_seconds', { thread, quantile: '1' }, secondsText),
      said('mdx_gc_longest_seconds', { thread }, secondsText),
      said('mdx_heap_bytes', { thread, part: 'used' }, bytesText),
      said('mdx_heap_bytes', { thread, part: 'buffers' }, bytesText),
    ]),
    style,
  );
}

function clientTable({ clients: { clients, connected } }: Look, style: Style): string[] {
  const columns = ['frames', 'bytes', 'behind', 'pending', 'skipped'].map(right);
  const rows = clients.map(({ protocol, address, frames, bytes, lag, pendingBytes, skipped }) => [
    plain(protocol),
    plain(address),
    grouped(frames),
    bytesText(Number(bytes)),
    warnAbove(lag, grouped(lag), style),
    bytesText(pendingBytes),
    warnAbove(skipped, grouped(skipped), style),
  ]);
  if (rows.length === 0) return [style.dim('no clients')];
  return rowsOf([{ head: `${grouped(connected)} clients` }, { head: 'address' }, ...columns], rows, style);
}

function rowsOf(columns: readonly Column[], rows: readonly (readonly string[])[], style: Style): string[] {
  return rows.length === 0 ? [] : table(columns, rows, style).trimEnd().split('\n');
}

function readyText({ live, ready }: HealthSaid, style: Style): string {
  if (!live) return style.bad('dead');
  return ready ? style.good('ready') : style.warn('not ready');
}

function warnAbove(count: number, text: string, style: Style): string {
  return count > 0 ? style.warn(text) : text;
}

function matches({ labels }: Series, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function valueIn(
  metrics: readonly Series[],
  name: string,
  labels: Readonly<Record<string, string>>,
): number | null {
  return metrics.find((series) => series.name === name && matches(series, labels))?.value ?? null;
}

/** A thread that has not begun has no memory yet. */
function isThere(metrics: readonly Series[], thread: string): boolean {
  const hasBegun = (valueIn(metrics, 'mdx_heap_bytes', { thread, part: 'used' }) ?? 0) > 0;
  return !hasBegun || valueIn(metrics, 'mdx_thread_alive', { thread }) === 1;
}

function threadsOf(metrics: readonly Series[]): string[] {
  return metrics.flatMap(({ name, labels }) =>
    name === 'mdx_thread_cpu_load' && labels['thread'] !== undefined ? [labels['thread']] : [],
  );
}

/** Buckets of a histogram, each with what it has by itself. */
function bucketsOf(
  metrics: readonly Series[],
  labels: Readonly<Record<string, string>>,
): { readonly edge: number; readonly count: number }[] {
  let before = 0;
  return metrics
    .filter((series) => series.name === 'mdx_latency_seconds_bucket' && matches(series, labels))
    .map(({ labels: { le }, value }) => {
      const count = value - before;
      before = value;
      return { edge: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), count };
    });
}

function rateNumber(rate: number | null): string {
  return rate === null ? '–' : grouped(Math.round(rate));
}

function rateText(rate: number | null): string {
  return rate === null ? '' : `(${rateNumber(rate)}/s)`;
}

/** `9 µs`, `1.5 ms`, `> 10 s`. */
export function secondsText(seconds: number): string {
  if (seconds === Number.POSITIVE_INFINITY) return '> 10 s';
  if (seconds === 0) return '0';
  const [unit, size] = seconds >= 1 ? ['s', 1] : seconds >= 1e-3 ? ['ms', 1e-3] : ['µs', 1e-6];
  return `${Number((seconds / (size as number)).toPrecision(2))} ${unit}`;
}

function bytesText(bytes: number): string {
  const [unit, size] = UNITS.find(([, each]) => bytes >= each) ?? ['B', 1];
  return `${Number((bytes / size).toPrecision(3))} ${unit}`;
}

/** `41 s`, `3:07`, `2:00:00`. */
function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const two = (part: number): string => String(part).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
