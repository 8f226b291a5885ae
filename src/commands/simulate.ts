import { extname } from 'node:path';
import * as Flags from '@oclif/core/flags';
import type { BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { dateFlag, forceFlag, outputFlag, parseDuration } from '../cli/flags.ts';
import type { Output } from '../cli/output.ts';
import type { Style } from '../cli/style.ts';
import { pairs, table } from '../cli/table.ts';
import { MdxError } from '../core/errors.ts';
import type { Impairments } from '../core/simulate/impairment.ts';
import type { LineValues } from '../core/simulate/line-values.ts';
import type { SimulateReport } from '../core/simulate/report.ts';
import type { LineOutput, Profile, Simulation, SimulationFormat } from '../core/simulate/simulation.ts';

/** Actions between two looks at the reader, the clock and the signals. */
const ACTIONS_PER_STEP = 4096;
const RATE_MAX = 10_000_000;
const SEED_MAX = 0xffffffff;

const perLine = (summary: string, helpValue: string): OptionFlag<string[] | undefined> =>
  Flags.string({ summary, helpValue, multiple: true, multipleNonGreedy: true, helpGroup: 'LINES' });

/** Makes a session at a made-up exchange, and the truth about it. */
export default class Simulate extends BaseCommand {
  static override summary: string =
    'make a session of a seeded exchange, as a capture or DBN, and the truth about it';
  static override description: string =
    'Writes what a made-up exchange sends in a trading day: ITCH 5.0 in MoldUDP64 packets on one or two lines, or DBN. Lines can lose, double, reorder and damage packets. The truth tells the final books order by order and what each line carried. The same seed and flags always give the same bytes.';
  static override examples: Example[] = [
    { description: 'A session straight into a replay', command: 'mdx simulate -o - | mdx replay -' },
    {
      description: 'Two lossy lines and the truth about them',
      command: 'mdx simulate -o a.pcap --line-b b.pcap --truth truth.json --loss 0.01 --reorder B=0.02',
    },
    {
      description: 'The public event fixture as DBN',
      command: 'mdx simulate --profile fixture-64x64 -o fixture.dbn',
    },
  ];
  static override flags: SimulateFlagDefinitions = {
    output: outputFlag,
    force: forceFlag,
    'line-b': Flags.string({ summary: 'write the second line of packets to this file', helpValue: 'FILE' }),
    truth: Flags.string({ summary: 'write the truth to this file, as JSON', helpValue: 'FILE' }),
    format: Flags.string({
      summary: 'form of the session; by the extension of -o unless given, else pcap',
      options: ['pcap', 'pcapng', 'dbn'],
    }),
    profile: Flags.string({
      summary: 'what is simulated: a trading day, or the public event fixture of 64 × 64 or 64 × 128 orders',
      options: ['exchange', 'fixture-64x64', 'fixture-64x128'],
      default: 'exchange',
    }),
    seed: count('seed', 'decides everything that is random', 1, 0, SEED_MAX),
    date: dateFlag,
    instruments: count('instruments', 'instruments that are traded', 8, 1, 65_535),
    messages: count('messages', 'messages between the open and the close', 100_000, 0, 1e12),
    'orders-live': count(
      'orders-live',
      'orders in the books once they have filled up',
      10_000,
      1,
      10_000_000,
    ),
    zipf: Flags.custom<number>({
      summary: "exponent of the instruments' activity; 0 = all alike",
      helpValue: 'NUMBER',
      default: 1,
      parse: async (text) => {
        const exponent = /^\d(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
        if (exponent <= 4) return exponent;
        throw new MdxError('usage', `--zipf ${text}: expected a number from 0 to 4`);
      },
    })(),
    mix: Flags.string({
      summary: 'weights of add, delete, replace, modify, reduce, execute, trade, break',
      helpValue: 'NAME=WEIGHT,…',
    }),
    bursts: Flags.string({
      summary: 'share of the messages that come in bursts, at most 0.95',
      helpValue: 'SHARE',
      default: '0.3',
    }),
    rate: count('rate', 'messages per second, on average', 100_000, 1, RATE_MAX),
    loss: perLine('share of the packets that are lost; A=SHARE or B=SHARE for one line', 'SHARE'),
    'loss-burst': perLine('mean number of packets lost in a row', 'COUNT'),
    dup: perLine('share of the packets that come twice', 'SHARE'),
    reorder: perLine('share of the packets that come late', 'SHARE'),
    'reorder-depth': perLine('most packets that a late one comes behind (4)', 'COUNT'),
    skew: perLine('how much later a line arrives (ns, us, ms, s)', 'DURATION'),
    corrupt: perLine('share of the packets that are damaged', 'SHARE'),
    'corrupt-part': perLine(
      'what damage hits: framing, so that a reader sees it, or message',
      'framing|message',
    ),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Simulate);
    // Loaded here, so that help does not wait for it.
    const { Simulation } = await import('../core/simulate/simulation.ts');
    const { simulateReport } = await import('../core/simulate/report.ts');
    const format = this.#format(flags);
    const profile = await profileOf(flags);
    const impairments = await impairmentsOf(flags, format);
    const started = process.hrtime.bigint();
    const output = this.#open(flags.output ?? '-', flags.force);
    const lineB = flags['line-b'] === undefined ? null : this.#open(flags['line-b'], flags.force);
    const truth = flags.truth === undefined ? null : this.#open(flags.truth, flags.force);
    const simulation = new Simulation({
      profile,
      seed: flags.seed,
      date: flags.date ?? DATE_DEFAULT,
      a: lineOutput(output, format, impairments.A),
      b: lineB === null ? null : lineOutput(lineB, formatOfB(flags['line-b']!, flags.format), impairments.B),
    });
    await this.#play(simulation, [output, ...(lineB === null ? [] : [lineB])]);
    const written = [
      { path: flags.output ?? '-', bytes: output.bytes },
      ...(lineB === null ? [] : [{ path: flags['line-b']!, bytes: lineB.bytes }]),
    ];
    const report = simulateReport(simulation, {
      version: this.config.version,
      profile: flags.profile,
      format,
      written,
      elapsedNs: process.hrtime.bigint() - started,
    });
    if (truth !== null) {
      const { truthText } = await import('../core/simulate/truth.ts');
      for (const text of truthText(simulation, truthHead(report, profile, impairments))) {
        truth.write(text);
        await truth.drain();
      }
    }
    if (written[0]!.path === '-') this.note(oneLine(report));
    else await this.printReport(report, (style) => render(report, style));
    if (this.interruption.exitCode !== null) this.exitWith(this.interruption.exitCode);
  }

  /** Runs it to its end, or to where the reader leaves or somebody asks to stop. */
  async #play(simulation: Simulation, outputs: readonly Output[]): Promise<void> {
    const progress = await this.startProgress('simulating');
    try {
      this.interruption.onRequest(() => simulation.end());
      while (simulation.step(ACTIONS_PER_STEP)) {
        for (const output of outputs) await output.drain();
        if (outputs[0]!.closed) simulation.end();
        progress.update(`simulating: ${simulation.actions.toLocaleString('en')} messages`);
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
    const isFixture = flags.profile !== 'exchange';
    const format = flags.format ?? (path === '-' ? (isFixture ? 'dbn' : 'pcap') : formatOf(path));
    if (isFixture && format !== 'dbn') {
      throw new MdxError('usage', `--profile ${flags.profile}: ITCH cannot say it, only DBN can`, {
        hint: 'Use --format dbn, or a file that ends in .dbn.',
      });
    }
    return format as SimulationFormat;
  }

  #open(path: string, force: boolean): Output {
    return this.openOutput({ path, force });
  }
}

/** A Monday. */
const DATE_DEFAULT = '2026-01-05';

interface SimulateFlags {
  output: string | undefined;
  force: boolean;
  'line-b': string | undefined;
  truth: string | undefined;
  format: string | undefined;
  profile: string;
  seed: number;
  date: string | undefined;
  instruments: number;
  messages: number;
  'orders-live': number;
  zipf: number;
  mix: string | undefined;
  bursts: string;
  rate: number;
  loss: string[] | undefined;
  'loss-burst': string[] | undefined;
  dup: string[] | undefined;
  reorder: string[] | undefined;
  'reorder-depth': string[] | undefined;
  skew: string[] | undefined;
  corrupt: string[] | undefined;
  'corrupt-part': string[] | undefined;
}

type SimulateFlagDefinitions = {
  [K in keyof SimulateFlags]: SimulateFlags[K] extends boolean
    ? BooleanFlag<boolean>
    : OptionFlag<SimulateFlags[K]>;
};

function count(
  flag: string,
  summary: string,
  fallback: number,
  min: number,
  max: number,
): OptionFlag<number> {
  return Flags.custom<number>({
    summary,
    helpValue: 'COUNT',
    default: fallback,
    parse: async (text) => {
      const { parseCount } = await import('../core/simulate/line-values.ts');
      return parseCount(flag, text, min, max);
    },
  })();
}

function formatOf(path: string): SimulationFormat {
  const extension = extname(path).slice(1);
  if (extension === 'pcap' || extension === 'pcapng' || extension === 'dbn') return extension;
  throw new MdxError('usage', `writing ${path}: its extension names no format`, {
    hint: 'Use .pcap, .pcapng or .dbn, or say it with --format.',
  });
}

function formatOfB(path: string, format: string | undefined): SimulationFormat {
  return (format as SimulationFormat | undefined) ?? formatOf(path);
}

function lineOutput(output: Output, format: SimulationFormat, impairments: Impairments): LineOutput {
  return { format, impairments, sink: (chunk) => output.write(chunk) };
}

async function profileOf(flags: SimulateFlags): Promise<Profile> {
  const { MIX_DEFAULT } = await import('../core/simulate/exchange.ts');
  const { parseShare, parseWeights } = await import('../core/simulate/line-values.ts');
  const { BURSTS_MAX } = await import('../core/simulate/clock.ts');
  const fixture = /^fixture-(\d+)x(\d+)$/.exec(flags.profile);
  if (fixture !== null) {
    return { kind: 'fixture', instruments: Number(fixture[1]), ordersEach: Number(fixture[2]) };
  }
  const { instruments, messages, zipf, rate } = flags;
  if (messages / rate > SECONDS_MAX) {
    throw new MdxError(
      'usage',
      `--messages ${messages} --rate ${rate}: the day would last ${Math.ceil(messages / rate)} s, at most ${SECONDS_MAX}`,
      { hint: `Use a --rate of at least ${Math.ceil(messages / SECONDS_MAX)}.` },
    );
  }
  return {
    kind: 'exchange',
    instruments,
    messages,
    ordersLive: flags['orders-live'],
    zipf,
    mix: flags.mix === undefined ? MIX_DEFAULT : parseWeights('mix', flags.mix, MIX_DEFAULT),
    bursts: parseShare('bursts', flags.bursts, BURSTS_MAX),
    rate,
  };
}

/** Longest trading phase, so that it ends on its day. */
const SECONDS_MAX = 43_200;

async function impairmentsOf(
  flags: SimulateFlags,
  format: SimulationFormat,
): Promise<LineValues<Impairments>> {
  const { lineValues, parseCount, parseShare } = await import('../core/simulate/line-values.ts');
  const { PERFECT, REORDER_DEPTH_MAX } = await import('../core/simulate/impairment.ts');
  if (format === 'dbn') refuseLines(flags);
  const shares = (flag: 'loss' | 'dup' | 'reorder' | 'corrupt'): LineValues<number> =>
    lineValues(flags[flag], 0, (text) => parseShare(flag, text, 1));
  const loss = shares('loss');
  const lossBurst = lineValues(flags['loss-burst'], PERFECT.lossBurst, (text) =>
    parseCount('loss-burst', text, 1, 1_000_000),
  );
  const duplicates = shares('dup');
  const reorder = shares('reorder');
  const depth = lineValues(flags['reorder-depth'], PERFECT.reorderDepth, (text) =>
    parseCount('reorder-depth', text, 1, REORDER_DEPTH_MAX),
  );
  const skew = lineValues(flags.skew, 0, (text) => parseDuration('skew', text));
  const corrupt = shares('corrupt');
  const part = lineValues(flags['corrupt-part'], PERFECT.corruptPart, parsePart);
  const of = (line: 'A' | 'B'): Impairments => ({
    loss: loss[line],
    lossBurst: lossBurst[line],
    duplicates: duplicates[line],
    reorder: reorder[line],
    reorderDepth: depth[line],
    skewNs: skew[line],
    corrupt: corrupt[line],
    corruptPart: part[line],
  });
  return { A: of('A'), B: of('B') };
}

function parsePart(text: string): Impairments['corruptPart'] {
  if (text === 'framing' || text === 'message') return text;
  throw new MdxError('usage', `--corrupt-part ${text}: expected framing or message`);
}

/** DBN has no packets that could go wrong. */
function refuseLines(flags: SimulateFlags): void {
  const names = [
    'line-b',
    'loss',
    'loss-burst',
    'dup',
    'reorder',
    'reorder-depth',
    'skew',
    'corrupt',
    'corrupt-part',
  ] as const;
  const given = names.filter((name) => flags[name] !== undefined);
  if (given.length === 0) return;
  throw new MdxError('usage', `--${given[0]} is about lines of packets, and DBN has none`);
}

function truthHead(report: SimulateReport, profile: Profile, impairments: LineValues<Impairments>): object {
  const { kind: _, ...parameters } = profile;
  const { command, version, seed, date, session, messages } = report;
  return {
    command,
    version,
    profile: report.profile,
    format: report.format,
    seed,
    date,
    session,
    parameters: { ...parameters, ...(session === null ? {} : { impairments }) },
    messages,
  };
}

function oneLine({ messages, books, lines }: SimulateReport): string {
  const packets = lines.map((line) => ` · ${line.name} ${line.written} packets`).join('');
  return `${messages} messages · ${books.orders} orders in ${books.instruments} books${packets}`;
}

function render(report: SimulateReport, style: Style): string {
  const { messages, books, timing, outputs, lines } = report;
  const facts = pairs(
    [
      ['session', `${report.profile} · seed ${report.seed} · ${report.date}`],
      ['messages', String(messages)],
      ['books', `${books.instruments} · orders ${books.orders}`],
      ...outputs.map(({ path, bytes }) => ['written', `${path} · ${bytes} bytes`] as const),
      ['speed', `${timing.messagesPerSecond} messages/s`],
    ],
    style,
  );
  if (lines.length === 0) return facts;
  const right = (head: string): { head: string; align: 'right' } => ({ head, align: 'right' });
  const heads = ['packets', 'lost', 'doubled', 'late', 'damaged', 'messages'];
  const rows = lines.map((line) => [
    line.name,
    ...[line.written, line.lost, line.duplicated, line.reordered, line.corrupted, line.messages].map(String),
  ]);
  return `${facts}\n${table([{ head: 'line' }, ...heads.map(right)], rows, style)}`;
}
