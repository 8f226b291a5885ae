import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_DAMAGED, EXIT_PROBLEM } from '../cli/exit-codes.ts';
import {
  allInstrumentsFlag,
  dateFlag,
  feedFlag,
  filesArg,
  fromFlag,
  gapTimeoutFlag,
  groupFlag,
  instrumentFlag,
  limitFlag,
  portFlag,
  startFlag,
  strictFlag,
  symbolFlag,
  untilFlag,
  verifyInvariantsFlag,
} from '../cli/flags.ts';
import type { Style } from '../cli/style.ts';
import { pairs, table } from '../cli/table.ts';
import { MdxError } from '../core/errors.ts';
import type { BookFilter } from '../core/pipeline/books.ts';
import type { InvariantMode } from '../core/pipeline/invariant-watch.ts';
import type { BestReport, RunReport } from '../core/pipeline/report.ts';

/** Builds the books of a capture or file and reports on them. */
export default class Replay extends BaseCommand {
  static override summary: string = 'build the full-depth books of captures and files, with a report';
  static override description: string =
    'Reads captures and message files as fast as the machine allows, restores the order of the messages, keeps every order of every book, and reports what was read, what was missing and what the books are at the end.';
  static override examples: Example[] = [
    { description: 'The report of a DBN file as tables', command: 'mdx replay session.dbn.zst' },
    { description: 'The state hash alone', command: 'mdx replay session.dbn --json | jq -r .book.stateHash' },
    {
      description: 'Standard input, one instrument',
      command: 'zstd -dc session.dbn.zst | mdx replay - --symbol CLX5',
    },
  ];
  static override args: { files: typeof filesArg } = { files: filesArg };
  static override flags: {
    feed: typeof feedFlag;
    port: typeof portFlag;
    group: typeof groupFlag;
    from: typeof fromFlag;
    until: typeof untilFlag;
    limit: typeof limitFlag;
    symbol: typeof symbolFlag;
    instrument: typeof instrumentFlag;
    date: typeof dateFlag;
    start: typeof startFlag;
    strict: typeof strictFlag;
    'gap-timeout': typeof gapTimeoutFlag;
    'verify-invariants': typeof verifyInvariantsFlag;
    'all-instruments': typeof allInstrumentsFlag;
  } = {
    feed: feedFlag,
    port: portFlag,
    group: groupFlag,
    from: fromFlag,
    until: untilFlag,
    limit: limitFlag,
    symbol: symbolFlag,
    instrument: instrumentFlag,
    date: dateFlag,
    start: startFlag,
    strict: strictFlag,
    'gap-timeout': gapTimeoutFlag,
    'verify-invariants': verifyInvariantsFlag,
    'all-instruments': allInstrumentsFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Replay);
    // Loaded here, so that help does not wait for it.
    const { FEEDS } = await import('../core/feeds/registry.ts');
    const { parseAddress } = await import('../core/capture/address.ts');
    const { run } = await import('../core/pipeline/run.ts');
    const { reportOf } = await import('../core/pipeline/report.ts');
    if (flags.start === 'snapshot') {
      throw new MdxError('usage', '--start snapshot: no feed that mdx reads has a snapshot channel');
    }
    const progress = await this.startProgress('reading');
    const result = await run({
      paths: args.files,
      feeds: FEEDS,
      feedName: flags.feed ?? null,
      ports: flags.port === undefined ? null : new Set(flags.port),
      groups: flags.group === undefined ? null : flags.group.map((group) => parseAddress(group)!.words),
      from: flags.from ?? null,
      until: flags.until ?? null,
      messagesMax: flags.limit ?? Number.POSITIVE_INFINITY,
      books: bookFilter(flags.symbol, flags.instrument),
      naming: null,
      date: flags.date ?? null,
      sequencer: {
        gapTimeoutNs: flags['gap-timeout'],
        start: flags.start === 'first-seen' ? 'first-seen' : Number(flags.start),
      },
      stopAt: null,
      invariants: flags['verify-invariants'] as InvariantMode,
      observers: [],
      pacer: null,
      stop: () => this.interruption.signal !== null,
      breathe: async ({ messages }) => {
        progress.update(`reading: ${messages.toLocaleString('en')} messages`);
        await new Promise((resume) => setImmediate(resume));
      },
    }).finally(() => progress.stop());
    const report = reportOf(result, {
      command: 'replay',
      version: this.config.version,
      allInstruments: flags['all-instruments'],
    });
    for (const { kind, count, packetNumber, offset } of result.counts.problems.values()) {
      this.caution(`${kind}: ${count} times, first in packet ${packetNumber} at offset ${offset}`);
    }
    for (const { path, offset, problem } of result.damage)
      this.caution(`${path}: damaged at byte ${offset}: ${problem}`);
    await this.printReport(report, (style) => render(report, style));
    this.exitWith(exitCode(report, flags.strict));
    if (this.interruption.exitCode !== null) this.exitWith(this.interruption.exitCode);
  }
}

function exitCode(report: RunReport, strict: boolean): number {
  if (report.damage.length > 0) return EXIT_DAMAGED;
  if (report.invariants !== null && report.invariants.problems.length > 0) return EXIT_PROBLEM;
  const { malformed } = report.feed;
  const gaps = report.sequence?.channels.some((channel) => channel.gaps.length > 0) ?? false;
  return strict && (malformed > 0 || report.anomalies.rejected > 0 || gaps) ? EXIT_PROBLEM : 0;
}

function bookFilter(symbols: string[] | undefined, instruments: bigint[] | undefined): BookFilter | null {
  if (symbols === undefined && instruments === undefined) return null;
  return (book) =>
    (book.symbol !== null && (symbols?.includes(book.symbol) ?? false)) ||
    (instruments?.includes(book.instrument) ?? false);
}

function render(report: RunReport, style: Style): string {
  const { feed, events, anomalies, book, timing } = report;
  const unknown = Object.values(anomalies.unknownOrder).reduce((sum, count) => sum + count, 0);
  const facts = pairs(
    [
      ['feed', `${feed.protocol ?? 'unknown'} (${feed.framing ?? 'unknown'})`],
      ['messages', `${feed.messages} · unknown ${feed.unknownMessages} · malformed ${feed.malformed}`],
      ['events', `${events['total']} in ${events['groups']} groups`],
      [
        'anomalies',
        `unknown orders ${unknown} · crossed ${anomalies.crossedAtLast} · rejected ${anomalies.rejected}`,
      ],
      ['books', `${book.instruments} · orders ${book.orders} · levels ${book.levels}`],
      ['state hash', `${book.stateHash ?? 'one per source'}`],
      ['speed', `${timing.messagesPerSecond} messages/s`],
    ],
    style,
  );
  const rows = report.instruments.map(({ instrument, symbol, orders, stale, bid, ask }) => [
    symbol ?? instrument,
    String(orders),
    best(bid),
    best(ask),
    stale ? 'stale' : '',
  ]);
  if (rows.length === 0) return facts;
  const head = [
    { head: 'instrument' },
    { head: 'orders', align: 'right' as const },
    { head: 'bid', align: 'right' as const },
    { head: 'ask', align: 'right' as const },
    { head: '' },
  ];
  return `${facts}\n${table(head, rows, style)}`;
}

function best(level: BestReport | null): string {
  return level === null ? '–' : `${level.price ?? 'market'} × ${level.quantity}`;
}
