import { extname, resolve } from 'node:path';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { settingOf } from '../cli/line-flags.ts';
import type { Output } from '../cli/output.ts';
import { LINE_FLAGS, type SimulateFlags, settingsOf, simulateFlags } from '../cli/simulate-flags.ts';
import type { Style } from '../cli/style.ts';
import { pairs, table } from '../cli/table.ts';
import { MdxError } from '../core/errors.ts';
import type { Impairments } from '../core/simulate/impairment.ts';
import type { SimulateReport } from '../core/simulate/report.ts';
import type { Profile, Simulation, SimulationFeed, SimulationFormat } from '../core/simulate/simulation.ts';

/** Actions between two looks at the reader, the clock and the signals. */
const ACTIONS_PER_STEP = 4096;
/** A Monday. */
const DATE_DEFAULT = '2026-01-05';
/** Longest trading phase, so that it ends on its day. */
const SECONDS_MAX = 43_200;

/** Makes a session at a made-up exchange, and the truth about it. */
export default class Simulate extends BaseCommand {
  static override summary: string =
    'make a session of a seeded exchange, as a capture or DBN, and the truth about it';
  static override description: string =
    'Writes what a made-up exchange sends in a trading day: ITCH 5.0 in MoldUDP64 packets, EOBI 14.1 with snapshots, or FAST-like packets on one or two lines, or DBN. Lines can lose, double, reorder and damage packets. The truth tells the final books order by order and what each line carried. The same flags always give the same bytes; the day is 2026-01-05 unless --date says another.';
  static override examples: Example[] = [
    { description: 'A session straight into a replay', command: 'mdx simulate -o - | mdx replay -' },
    {
      description: 'Two lines that lose packets, and the truth about them',
      command: 'mdx simulate -o a.pcap --line-b b.pcap --truth truth.json --loss A=0.01 --loss B=0.02',
    },
    {
      description: 'A day as Eurex sends it, a snapshot every tenth of a second',
      command: 'mdx simulate --feed eobi --snapshot-interval 100ms -o eobi.pcap',
    },
    {
      description: 'The public event fixture as DBN',
      command: 'mdx simulate --profile fixture-64x64 -o fixture.dbn',
    },
    {
      description: 'The public fixture of EOBI packets, straight into a replay',
      command: 'mdx simulate --feed eobi --profile fixture-64x64 --packets 1024 -o - | mdx replay -',
    },
  ];
  static override flags: typeof simulateFlags = simulateFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(Simulate);
    // Loaded here, so that help does not wait for it.
    const { Simulation } = await import('../core/simulate/simulation.ts');
    const { simulateReport } = await import('../core/simulate/report.ts');
    const format = this.#format(flags);
    refuseUnfit(flags, format);
    const feed = (flags.feed ?? 'itch') as SimulationFeed;
    const profile = await profileOf(flags);
    const impairments = { A: await impairmentsOf(flags, 'A'), B: await impairmentsOf(flags, 'B') };
    const files = this.#open(flags, format);
    const started = process.hrtime.bigint();
    const [a, b = null] = files.lines.map(({ output, format, line }) => ({
      format,
      impairments: impairments[line],
      sink: (chunk: Uint8Array): void => output.write(chunk),
    }));
    const simulation = new Simulation({
      profile,
      feed,
      snapshotNs: flags['snapshot-interval'],
      seed: flags.seed,
      date: flags.date ?? DATE_DEFAULT,
      a: a!,
      b,
    });
    await this.#play(
      simulation,
      files.lines.map(({ output }) => output),
    );
    const report = simulateReport(simulation, {
      version: this.config.version,
      profile: flags.profile,
      format,
      written: files.lines.map(({ path, output }) => ({ path, bytes: output.bytes })),
      elapsedNs: process.hrtime.bigint() - started,
    });
    if (files.truth !== null)
      await writeTruth(files.truth, simulation, truthHead(report, profile, impairments));
    if (files.lines[0]!.path === '-') this.note(oneLine(report));
    else await this.printReport(report, (style) => render(report, style));
  }

  /** Runs it to its end, or to where the reader leaves or somebody asks to stop: then the session closes early. */
  async #play(simulation: Simulation, outputs: readonly Output[]): Promise<void> {
    const progress = await this.startProgress('simulating');
    this.interruption.onRequest(() => simulation.end());
    try {
      while (simulation.step(ACTIONS_PER_STEP)) {
        for (const output of outputs) await output.drain();
        if (outputs[0]!.closed) simulation.end();
        progress.update(() => `simulating: ${simulation.actions.toLocaleString('en')} messages`);
      }
    } finally {
      progress.stop();
    }
  }

  #format(flags: SimulateFlags): SimulationFormat {
    const path = flags.output ?? '-';
    if (path === '-' && process.stdout.isTTY === true) {
      throw new MdxError('usage', 'writing a session to a terminal: it is binary', {
        hint: 'Name a file with -o, or pipe it into another command, such as mdx replay -.',
      });
    }
    if (path === '-' && this.globals.json) {
      throw new MdxError('usage', '--json prints a report where -o - writes the session', {
        hint: 'Name a file with -o.',
      });
    }
    if (flags['output-format'] !== undefined) return flags['output-format'] as SimulationFormat;
    if (path === '-') return flags.profile === 'exchange' || flags.feed !== undefined ? 'pcap' : 'dbn';
    return formatOf(path);
  }

  #open(flags: SimulateFlags, format: SimulationFormat): Files {
    const { output = '-', force, truth } = flags;
    const lineB = flags['line-b'];
    const paths = [output, lineB, truth].filter((path) => path !== undefined).map((path) => resolve(path));
    if (lineB === '-' || truth === '-' || new Set(paths).size < paths.length) {
      throw new MdxError('usage', 'the two lines and the truth each need a file of their own');
    }
    const lines: LineFile[] = [
      { line: 'A', path: output, format, output: this.openOutput({ path: output, force }) },
    ];
    if (lineB !== undefined) {
      const formatB = (flags['output-format'] as SimulationFormat | undefined) ?? formatOf(lineB);
      if (formatB === 'dbn')
        throw new MdxError('usage', `--line-b ${lineB}: a line of packets is pcap or pcapng`);
      lines.push({
        line: 'B',
        path: lineB,
        format: formatB,
        output: this.openOutput({ path: lineB, force }),
      });
    }
    return { lines, truth: truth === undefined ? null : this.openOutput({ path: truth, force }) };
  }
}

interface LineFile {
  readonly line: 'A' | 'B';
  readonly path: string;
  readonly format: SimulationFormat;
  readonly output: Output;
}

interface Files {
  readonly lines: readonly LineFile[];
  readonly truth: Output | null;
}

function formatOf(path: string): SimulationFormat {
  const extension = extname(path).slice(1);
  if (extension === 'pcap' || extension === 'pcapng' || extension === 'dbn') return extension;
  throw new MdxError('usage', `writing ${path}: its extension names no format`, {
    hint: 'Use .pcap, .pcapng or .dbn, or say it with --output-format.',
  });
}

/** Refuses what the format cannot say. */
function refuseUnfit(flags: SimulateFlags, format: SimulationFormat): void {
  const { feed = 'itch', packets } = flags;
  const isFixture = flags.profile !== 'exchange';
  if (format === 'dbn' && flags.feed !== undefined) {
    throw new MdxError('usage', `--feed ${flags.feed} is about packets, and DBN has none`);
  }
  if (format !== 'dbn' && isFixture && feed !== 'eobi') {
    const name = feed === 'itch' ? 'ITCH' : 'the FAST-like format';
    throw new MdxError('usage', `--profile ${flags.profile}: ${name} cannot say it, DBN and EOBI can`, {
      hint: 'Use --output-format dbn, a file that ends in .dbn, or --feed eobi.',
    });
  }
  if (packets !== undefined && !(isFixture && format !== 'dbn')) {
    throw new MdxError('usage', '--packets is about the fixture as EOBI', {
      hint: 'Use it with --feed eobi --profile fixture-64x64.',
    });
  }
  if (flags['snapshot-interval'] !== undefined && (feed !== 'eobi' || isFixture)) {
    throw new MdxError('usage', '--snapshot-interval is about snapshots, and only a day as EOBI has them');
  }
  const lineFlag = LINE_FLAGS.find((flag) => flags[flag] !== undefined);
  if (format === 'dbn' && lineFlag !== undefined) {
    throw new MdxError('usage', `--${lineFlag} is about lines of packets, and DBN has none`);
  }
  const flagOfB = LINE_FLAGS.find((flag) => settingsOf(flags, flag).some(({ line }) => line === 'B'));
  if (flags['line-b'] === undefined && flagOfB !== undefined) {
    throw new MdxError('usage', `--${flagOfB} B=…: there is no line B`, {
      hint: 'Name its file with --line-b.',
    });
  }
}

async function profileOf(flags: SimulateFlags): Promise<Profile> {
  const { MIX_DEFAULT, parseMix } = await import('../core/simulate/mix.ts');
  const fixture = /^fixture-(\d+)x(\d+)$/.exec(flags.profile);
  if (fixture !== null) {
    const [, instruments, ordersEach] = fixture.map(Number);
    return {
      kind: 'fixture',
      instruments: instruments!,
      ordersEach: ordersEach!,
      packets: flags.packets ?? 512,
    };
  }
  const { messages, zipf, rate, bursts, mix } = flags;
  if (messages / rate > SECONDS_MAX) {
    throw new MdxError(
      'usage',
      `--messages ${messages} --rate ${rate}: the day would last ${Math.ceil(messages / rate)} s, at most ${SECONDS_MAX}`,
      { hint: `Use a --rate of at least ${Math.ceil(messages / SECONDS_MAX)}.` },
    );
  }
  return {
    kind: 'exchange',
    instruments: flags['instrument-count'],
    messages,
    ordersLive: flags['orders-live'],
    zipf,
    mix: mix === undefined ? MIX_DEFAULT : parseMix(mix),
    bursts,
    rate,
  };
}

async function impairmentsOf(flags: SimulateFlags, line: 'A' | 'B'): Promise<Impairments> {
  const { PERFECT } = await import('../core/simulate/impairment.ts');
  return {
    loss: settingOf(flags.loss, line, PERFECT.loss),
    lossBurst: settingOf(flags['loss-burst'], line, PERFECT.lossBurst),
    duplicates: settingOf(flags.dup, line, PERFECT.duplicates),
    reorder: settingOf(flags.reorder, line, PERFECT.reorder),
    reorderDepth: settingOf(flags['reorder-depth'], line, PERFECT.reorderDepth),
    skewNs: settingOf(flags.skew, line, PERFECT.skewNs),
    corrupt: settingOf(flags.corrupt, line, PERFECT.corrupt),
    corruptPart: settingOf(flags['corrupt-part'], line, PERFECT.corruptPart),
  };
}

async function writeTruth(output: Output, simulation: Simulation, head: object): Promise<void> {
  const { truthText } = await import('../core/simulate/truth.ts');
  for (const text of truthText(simulation, head)) {
    output.write(text);
    await output.drain();
  }
}

/** What was asked for, and what came of it, in front of the truth. */
function truthHead(
  report: SimulateReport,
  profile: Profile,
  impairments: Record<'A' | 'B', Impairments>,
): object {
  const { kind: _, ...parameters } = profile;
  const { command, version, format, feed, seed, date, session, lines, messages } = report;
  return {
    command,
    version,
    profile: report.profile,
    format,
    feed,
    seed,
    date,
    session,
    parameters,
    impairments: Object.fromEntries(lines.map(({ name }) => [name, impairments[name[0] as 'A' | 'B']])),
    messages,
  };
}

function oneLine({ messages, books, lines }: SimulateReport): string {
  const packets = lines.map((line) => ` · line ${line.name} ${line.written} packets`).join('');
  return `${messages} messages · ${books.orders} orders in ${books.instruments} books${packets}`;
}

function render(report: SimulateReport, style: Style): string {
  const { messages, books, timing, outputs, lines } = report;
  const facts = pairs(
    [
      ['session', `${report.profile} · ${report.feed} · seed ${report.seed} · ${report.date}`],
      ['messages', String(messages)],
      ['books', `${books.instruments} · orders ${books.orders}`],
      ...outputs.map(({ path, bytes }) => ['written', `${path} · ${bytes} bytes`] as const),
      ['speed', `${timing.messagesPerSecond} messages/s`],
    ],
    style,
  );
  if (lines.length === 0) return facts;
  const heads = ['packets', 'lost', 'doubled', 'late', 'damaged', 'messages'];
  const rows = lines.map((line) => [
    line.name,
    ...[line.written, line.lost, line.duplicated, line.reordered, line.corrupted, line.messages].map(String),
  ]);
  const columns = heads.map((head) => ({ head, align: 'right' as const }));
  return `${facts}\n${table([{ head: 'line' }, ...columns], rows, style)}`;
}
