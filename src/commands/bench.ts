import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_PROBLEM } from '../cli/exit-codes.ts';
import type { Style } from '../cli/style.ts';
import { pairs, table } from '../cli/table.ts';
import { V8_FLAGS } from '../cli/v8-flags.ts';
import type { BenchReport, Result, Verdict } from '../core/bench/report.ts';
import { MdxError } from '../core/errors.ts';

const ROUNDS = 5;
const EVENTS = 1_000_000;
const REPLAY_BYTES = 256_000_000;
const SHORT = { rounds: 2, events: 200_000, replayBytes: 16_000_000 } as const;

/** Measures the parts of mdx. */
export default class Bench extends BaseCommand {
  static override summary: string = 'measure decoding, books and whole runs on this machine';
  static override description: string =
    'Runs each profile in a process of its own, all of them once per round, and reports CPU time per unit as the median of the rounds with its bounds, the latency of single events, heap bytes, and how the book stands to one made of Maps and objects on the same events. Ratios can be compared between machines, times cannot.';
  static override examples: Example[] = [
    { description: 'Everything, as a table', command: 'mdx bench' },
    {
      description: 'Receiving, merging and handing over; as root also what needs rights',
      command: 'mdx bench rx merge ring',
    },
    {
      description: 'Journals: writing, verifying, opening one of 100 million events, restarting',
      command: 'mdx bench journal --journal /var/tmp/day',
    },
    { description: 'The book alone', command: 'mdx bench apply-100k churn clusters' },
    {
      description: 'Is this version slower than the last one?',
      command: 'mdx bench --json > new.json; mdx bench --compare old.json --fail-above 10%',
    },
  ];
  static override args: { profile: Arg<string[] | undefined> } = {
    profile: Args.string({
      description: 'what to measure, everything unless given; see --list',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags: {
    list: BooleanFlag<boolean>;
    short: BooleanFlag<boolean>;
    rounds: OptionFlag<number | undefined>;
    events: OptionFlag<number | undefined>;
    'replay-bytes': OptionFlag<number | undefined>;
    data: OptionFlag<string | undefined>;
    journal: OptionFlag<string | undefined>;
    compare: OptionFlag<string | undefined>;
    'fail-above': OptionFlag<number>;
    gate: BooleanFlag<boolean>;
  } = {
    list: Flags.boolean({ summary: 'list the profiles and what they measure', default: false }),
    short: Flags.boolean({
      summary: `a quick look: ${SHORT.rounds} rounds of little work`,
      default: false,
    }),
    rounds: Flags.integer({
      summary: `rounds to measure [${ROUNDS}]`,
      helpValue: 'COUNT',
      min: 1,
      max: 1000,
    }),
    events: Flags.integer({
      summary: `units of one run of what is measured in memory [${EVENTS}]`,
      helpValue: 'COUNT',
      min: 1000,
      max: 20_000_000,
    }),
    'replay-bytes': Flags.custom<number>({
      summary: 'size of the capture that the profile replay makes (kB, MB, GB)',
      helpValue: 'SIZE',
      parse: async (text) => parseSize(text),
    })(),
    data: Flags.string({
      summary: 'folder with dbn/CLX5_mbo.dbn for the profile dbn-apply; $MDX_DATA unless given',
      helpValue: 'DIR',
    }),
    journal: Flags.string({
      summary: 'folder for the journal of journal-open, 100 million events (4 GB), made if missing',
      helpValue: 'DIR',
    }),
    compare: Flags.string({
      summary: 'show the change from an earlier report (made with --json)',
      helpValue: 'FILE',
    }),
    'fail-above': Flags.custom<number>({
      summary: 'with --compare: exit with 1 where something got worse by more than this',
      helpValue: 'PERCENT',
      default: 0.1,
      defaultHelp: async () => '10%',
      parse: async (text) => parsePercent(text),
    })(),
    gate: Flags.boolean({
      summary: 'exit with 1 where a ratio misses its floor',
      default: false,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Bench);
    const { GROUPS, PROFILES } = await import('../core/bench/profiles.ts');
    const names = [...PROFILES.map(({ name }) => name), ...Object.keys(GROUPS)];
    const profiles = args.profile ?? [];
    for (const name of profiles) if (!names.includes(name)) throw await unknownProfile(name, names);
    if (flags.list) {
      await this.#list();
      return;
    }
    const { readReport, compareReports } = await import('../core/bench/compare.ts');
    const earlier = flags.compare === undefined ? null : readReport(flags.compare);
    const { runBench } = await import('../core/bench/bench.ts');
    const progress = await this.startProgress('starting');
    const measured = await runBench({
      profiles,
      rounds: flags.rounds ?? (flags.short ? SHORT.rounds : ROUNDS),
      events: flags.events ?? (flags.short ? SHORT.events : EVENTS),
      replayBytes: flags['replay-bytes'] ?? (flags.short ? SHORT.replayBytes : REPLAY_BYTES),
      data: flags.data ?? process.env['MDX_DATA'] ?? null,
      journal: flags.journal ?? null,
      root: this.config.root,
      version: this.config.version,
      v8Flags: V8_FLAGS,
      progress: (text) => progress.update(() => text),
      stop: () => this.interruption.signal !== null,
    }).finally(() => progress.stop());
    const report = earlier === null ? measured : compareReports(measured, earlier, flags['fail-above']);
    for (const text of report.disagreements) this.caution(text);
    if (report.load.before > report.machine.cores * 0.5) {
      this.caution(`the machine was busy (load ${report.load.before.toFixed(1)}): do not trust the times`);
    }
    await this.printReport(report, (style) => render(report, style));
    const missed = report.results.some(({ verdicts }) => verdicts.some(({ gates, met }) => gates && !met));
    const worse = report.results.some(({ change }) => change?.failed === true);
    if (report.disagreements.length > 0 || worse || (flags.gate && missed)) this.exitWith(EXIT_PROBLEM);
  }

  async #list(): Promise<void> {
    const started = process.hrtime.bigint();
    const { PROFILES } = await import('../core/bench/profiles.ts');
    const profiles = PROFILES.map(({ name, title, unit, against }) => ({
      name,
      title,
      unit,
      against: against?.profile ?? null,
    }));
    const timing = { elapsedNs: process.hrtime.bigint() - started };
    await this.printReport({ command: 'bench', version: this.config.version, profiles, timing }, (style) =>
      table(
        [{ head: 'profile' }, { head: 'unit' }, { head: 'compared with' }, { head: 'what' }],
        profiles.map(({ name, title, unit, against }) => [style.bold(name), unit, against ?? '', title]),
        style,
      ),
    );
  }
}

async function unknownProfile(name: string, names: readonly string[]): Promise<MdxError> {
  const { nearest } = await import('../core/config/nearest.ts');
  const near = nearest(name, names);
  return new MdxError('usage', `${name}: no such profile`, {
    hint: near === null ? 'See mdx bench --list for the names.' : `Did you mean ${near}?`,
  });
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, kb: 1e3, mb: 1e6, gb: 1e9 };

function parseSize(text: string): number {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s*(|kB|MB|GB)$/i.exec(text);
  const bytes = match === null ? 0 : Math.round(Number(match[1]) * SIZE_UNITS[match[2]!.toLowerCase()]!);
  if (bytes >= 1e6 && bytes <= 1e11) return bytes;
  throw new MdxError('usage', `--replay-bytes ${text}: expected a size from 1MB to 100GB such as 256MB`);
}

function parsePercent(text: string): number {
  const match = /^(\d{1,4}(?:\.\d{1,3})?)%?$/.exec(text);
  if (match !== null) return Number(match[1]) / 100;
  throw new MdxError('usage', `--fail-above ${text}: expected a percentage such as 10%`);
}

function render(report: BenchReport, style: Style): string {
  const { machine, load } = report;
  const facts = pairs(
    [
      ['machine', `${machine.cpu} · ${machine.cores} cores · ${(machine.memory / 1e9).toFixed(1)} GB`],
      ['system', `${machine.kernel} · Node ${machine.node}`],
      ['commit', report.commit ?? 'unknown'],
      ['load', `${load.before.toFixed(2)} before · ${load.after.toFixed(2)} after`],
      ['rounds', String(report.rounds)],
    ],
    style,
  );
  const compared = report.results.some(({ change }) => change !== null);
  const columns = [
    { head: 'profile' },
    { head: 'ns/unit', align: 'right' as const },
    { head: 'bounds', align: 'right' as const },
    { head: 'M units/s', align: 'right' as const },
    { head: 'p50 p99 p99.9 ns', align: 'right' as const },
    { head: 'heap B/unit', align: 'right' as const },
    { head: 'ratio' },
    ...(compared ? [{ head: 'change', align: 'right' as const }] : []),
  ];
  const rows = report.results.map((result) => [
    style.bold(result.name),
    result.nsPerUnit.median.toFixed(1),
    `${result.nsPerUnit.min.toFixed(1)}–${result.nsPerUnit.max.toFixed(1)}`,
    (result.unitsPerSecond / 1e6).toFixed(2),
    latencyText(result),
    result.heapBytesPerUnit === null ? '' : result.heapBytesPerUnit.toFixed(3),
    ratioText(result),
    ...(compared ? [changeText(result, style)] : []),
  ]);
  return [facts, table(columns, rows, style), verdicts(report, style), notes(report)]
    .filter((part) => part !== '')
    .join('\n');
}

function latencyText({ latency }: Result): string {
  return latency === null ? '' : `${latency.p50Ns} ${latency.p99Ns} ${latency.p999Ns}`;
}

function ratioText({ ratio, latency, inTurn }: Result): string {
  if (latency !== null && inTurn !== null) {
    return `${(latency.p99Ns / inTurn.latency.p99Ns).toFixed(2)}× the p99 of ${inTurn.what}`;
  }
  if (ratio === null) return '';
  const what = ratio.as === 'speed' ? 'as fast as' : 'the cost of';
  return `${ratio.median.toFixed(2)}× ${what} ${ratio.against}`;
}

function changeText({ change }: Result, style: Style): string {
  if (change === null || change.worse === null) return 'new';
  const percent = `${change.worse > 0 ? '+' : ''}${(change.worse * 100).toFixed(1)}%`;
  const shown = change.of === 'ratio' ? `${percent} of ratio` : percent;
  return change.failed ? style.bad(shown) : shown;
}

function verdicts(report: BenchReport, style: Style): string {
  const rows = report.results.flatMap(({ name, verdicts }) =>
    verdicts.map((verdict) => [
      style.bold(name),
      figure(verdict.value),
      verdict.what,
      figure(verdict.floor),
      figure(verdict.aim),
      verdictText(verdict, style),
    ]),
  );
  if (rows.length === 0) return '';
  return table(
    [
      { head: 'figure' },
      { head: 'measured', align: 'right' },
      { head: '' },
      { head: 'floor', align: 'right' },
      { head: 'aim', align: 'right' },
      { head: '' },
    ],
    rows,
    style,
  );
}

function verdictText({ met }: Verdict, style: Style): string {
  return met ? style.good('kept') : style.bad('missed');
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 1 ? 4 : 2);
}

function notes(report: BenchReport): string {
  const noted = report.results.filter(({ note }) => note !== null);
  return [
    ...noted.map(({ name, note }) => `${name}: ${note}\n`),
    ...report.skipped.map(({ name, reason }) => `${name}: skipped: ${reason}\n`),
  ].join('');
}
