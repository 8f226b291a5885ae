import { lineReport, type RxLineReport, type RxReport } from '../core/pipeline/rx-report.ts';
import type { RxRun } from '../core/pipeline/rx-run.ts';
import { grouped } from './numbers.ts';
import type { Style } from './style.ts';
import { pairs, table } from './table.ts';

/** Counts of a run in one line: under packets on stdout, and whenever SIGUSR2 asks. */
export function rxCountLine(lines: readonly RxLineReport[]): string {
  return lines
    .map((line) => {
      const parts = [`${line.name} ${grouped(line.received)} received`, `${grouped(line.written)} written`];
      for (const [reason, count] of Object.entries(line.dropped)) {
        if (count > 0) parts.push(`${grouped(count)} dropped (${reason})`);
      }
      if (line.waiting > 0) parts.push(`${grouped(line.waiting)} waiting`);
      if (line.truncated > 0) parts.push(`${grouped(line.truncated)} truncated`);
      for (const [where, count] of Object.entries(line.kernelDrops)) {
        if (count > 0) parts.push(`${grouped(count)} dropped by the kernel (${where})`);
      }
      for (const [reason, count] of Object.entries(line.skipped)) {
        if (count > 0) parts.push(`${grouped(count)} skipped (${reason})`);
      }
      return parts.join(' · ');
    })
    .join('\n');
}

/** The same while the run goes on. */
export function standingLine(run: RxRun): string {
  return rxCountLine(run.tallies.map((tally) => lineReport(tally, run)));
}

/** The report for people. */
export function renderRxReport(report: RxReport, style: Style): string {
  const facts: [string, string][] = [
    ['stopped', STOPPED[report.stopped]],
    ['packets', `${grouped(report.received)} received · ${grouped(report.written)} written`],
    ...Object.entries(report.dropped)
      .filter(([, count]) => count > 0)
      .map(([reason, count]): [string, string] => ['dropped', `${style.bad(grouped(count))} ${reason}`]),
    ...(report.skewNs === null ? [] : [['skew', skewText(report.skewNs)] as [string, string]]),
    ...report.files.map(({ name, packets, bytes }): [string, string] => [
      'file',
      `${name} · ${grouped(packets)} packets · ${grouped(bytes)} bytes`,
    ]),
  ];
  const rows = report.lines.map((line) => [
    style.bold(line.name),
    line.groups.join(' '),
    line.backend,
    line.clock,
    grouped(line.received),
    grouped(line.written),
    lossText(sumOf(line.dropped), style),
    lossText(sumOf(line.kernelDrops), style),
    grouped(line.truncated),
    bufferText(line),
    line.last ?? '',
  ]);
  const columns = [
    { head: 'line' },
    { head: 'groups' },
    { head: 'backend' },
    { head: 'clock' },
    { head: 'received', align: 'right' as const },
    { head: 'written', align: 'right' as const },
    { head: 'dropped', align: 'right' as const },
    { head: 'kernel drops', align: 'right' as const },
    { head: 'truncated', align: 'right' as const },
    { head: 'buffer', align: 'right' as const },
    { head: 'last', align: 'right' as const },
  ];
  return `${pairs(facts, style)}\n${table(columns, rows, style)}`;
}

const STOPPED: Readonly<Record<RxReport['stopped'], string>> = {
  request: 'by request',
  limit: 'as many packets as asked for',
  duration: 'as long as asked for',
  readerLeft: 'the reader left',
};

/** The standing of the lines on a terminal, drawn over what was drawn before. */
export class RxView {
  readonly #stream: NodeJS.WriteStream;
  readonly #style: Style;
  #height = 0;
  #before: { readonly at: number; readonly lines: readonly RxLineReport[] } | null = null;

  constructor(stream: NodeJS.WriteStream, style: Style) {
    this.#stream = stream;
    this.#style = style;
  }

  draw(run: RxRun): void {
    const now = performance.now();
    const lines = run.tallies.map((tally) => lineReport(tally, run));
    const before = this.#before;
    const seconds = before === null ? 1 : (now - before.at) / 1000;
    const rate = (at: number, of: (line: RxLineReport) => number): string =>
      grouped(Math.round((of(lines[at]!) - (before === null ? 0 : of(before.lines[at]!))) / seconds));
    this.#before = { at: now, lines };
    const style = this.#style;
    const rows = lines.map((line, at) => [
      style.bold(line.name),
      line.state === 'up' ? style.good('up') : style.warn(line.state),
      line.backend,
      grouped(line.received),
      rate(at, ({ received }) => received),
      rate(at, ({ bytes }) => (bytes * 8) / 1000),
      line.last ?? '-',
      lossText(sumOf(line.dropped), style),
      lossText(sumOf(line.kernelDrops), style),
      grouped(line.waiting),
    ]);
    const columns = [
      { head: 'line', least: 4 },
      { head: 'state', least: 6 },
      { head: 'backend' },
      { head: 'packets', align: 'right' as const, least: 13 },
      { head: 'per s', align: 'right' as const, least: 9 },
      { head: 'kbit/s', align: 'right' as const, least: 9 },
      { head: 'sequence', align: 'right' as const, least: 12 },
      { head: 'dropped', align: 'right' as const, least: 9 },
      { head: 'kernel', align: 'right' as const, least: 9 },
      { head: 'waiting', align: 'right' as const, least: 7 },
    ];
    const skew = run.watch?.skewNs ?? Number.NaN;
    const text = table(columns, rows, style) + (Number.isNaN(skew) ? '' : `skew ${skewText(skew)}\n`);
    this.clear();
    this.#stream.write(text);
    this.#height = text.split('\n').length - 1;
  }

  /** Removes what was drawn. */
  clear(): void {
    if (this.#height > 0) this.#stream.write(`\u001b[${this.#height}A\u001b[J`);
    this.#height = 0;
  }
}

function sumOf(counts: object): number {
  return Object.values(counts).reduce((sum: number, count: number) => sum + count, 0);
}

function lossText(count: number, style: Style): string {
  return count > 0 ? style.bad(grouped(count)) : '0';
}

function skewText(ns: number): string {
  const us = (Math.abs(ns) / 1000).toFixed(1);
  return ns >= 0 ? `B ${us} µs behind A` : `A ${us} µs behind B`;
}

function bufferText({ receiveBuffer: { asked, granted } }: RxLineReport): string {
  if (granted === null) return '';
  return asked === null ? grouped(granted) : `${grouped(granted)} of ${grouped(asked)}`;
}
