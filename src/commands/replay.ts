import { copyLine, countLine } from '../cli/count-line.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_DAMAGED, EXIT_PROBLEM } from '../cli/exit-codes.ts';
import {
  allInstrumentsFlag,
  depthFlag,
  emitFlag,
  filesArg,
  followFlag,
  forceFlag,
  lossyFlag,
  outputFlag,
  replayFormatFlag,
  sizeScaleFlag,
  speedFlag,
  stepFlag,
  strictFlag,
  unbufferedFlag,
  upgradeFlag,
  verifyInvariantsFlag,
} from '../cli/flags.ts';
import { ingestTables, ingestTarget, sendToIngest } from '../cli/ingest-target.ts';
import { type InputFlags, inputFlags } from '../cli/input.ts';
import { InputCommand, type Writing } from '../cli/input-command.ts';
import { JOURNAL_FLAGS, journalFlags, resumeFlag } from '../cli/journal-flags.ts';
import { isLiveInput } from '../cli/live-input.ts';
import { isCapture } from '../cli/output-form.ts';
import {
  type OutputFlags,
  type OutputPlan,
  openConversion,
  outputPlan,
  outputReport,
} from '../cli/replay-output.ts';
import { packetTables, replayTables } from '../cli/replay-tables.ts';
import type { ResumedJournal, ResumeReport, Telling } from '../cli/resumed-journal.ts';
import { wallClock } from '../cli/wall-clock.ts';
import { type WireDestination, type WireFlags, wireDestinations, wireFlags } from '../cli/wire-flags.ts';
import { wireTables } from '../cli/wire-tables.ts';
import type { CaptureForm } from '../core/convert/packet-copy.ts';
import { MdxError } from '../core/errors.ts';
import type { InvariantMode } from '../core/pipeline/invariant-watch.ts';
import type { RecoveryReport } from '../core/pipeline/merge/merge-report.ts';
import type { Pacer } from '../core/pipeline/pacer.ts';
import type { RunReport } from '../core/pipeline/report.ts';

/** Builds the books of a capture or file and reports on them. */
export default class Replay extends InputCommand {
  static override summary: string = 'build the full-depth books of captures and files, with a report';
  static override description: string =
    'Reads captures and message files as fast as the machine allows, restores the order of the messages, keeps every order of every book, and reports what was read, what was missing and what the books are at the end; prints rows with --emit (docs/rows.md), or converts it with -o (docs/convert.md). With --to it sends the datagrams onto the wire instead (docs/replay-wire.md), or the records of DBN files to a server of events (docs/ingest.md).';
  static override examples: Example[] = [
    { description: 'The report of a DBN file as tables', command: 'mdx replay session.dbn.zst' },
    { description: 'All segments of a journal', command: 'mdx replay journal/' },
    { description: 'The state hash alone', command: 'mdx replay session.dbn --json | jq -r .book.stateHash' },
    {
      description: 'Standard input, one instrument',
      command: 'zstd -dc session.dbn.zst | mdx replay - --symbol CLX5',
    },
    {
      description: 'Step through a file, group by group of events',
      command: 'mdx replay session.dbn --step --symbol CLX5',
    },
    {
      description: 'Best quotes as they change, as CSV',
      command: 'mdx replay session.dbn --emit bbo -o bbo.csv',
    },
    {
      description: 'Every event as a line of JSON',
      command: 'mdx replay session.pcap -o events.ndjson',
    },
    {
      description: 'A capture that begins in the middle: its session from the first message on',
      command: 'mdx replay late.pcap --recovery tcp://127.0.0.1:9001 --rebuild',
    },
    {
      description: 'A capture as a DBN file of order-by-order records',
      command: 'mdx replay session.pcap -o session.dbn.zst',
    },
    {
      description: 'The events of a capture for another process',
      command: 'mdx replay session.pcap -o - --format events | mdx book -',
    },
    {
      description: 'A journal of the events: what survives a crash, and can be verified',
      command: 'mdx replay session.pcap -o journal/',
    },
    {
      description: 'The first packets to one group of a capture',
      command: 'mdx replay day.pcap -o part.pcapng --group 233.54.12.111 --limit 1000',
    },
    {
      description: 'Onto the wire as it was captured, but for losses',
      command: 'mdx replay day.pcap --speed 1 --to udp://239.10.10.1:5001 --loss 0.01',
    },
    {
      description: 'The records of a DBN file to a server of events',
      command: 'mdx replay session.dbn --to ingest://127.0.0.1:9000?source=GLBX.MDP3',
    },
    {
      description: 'What such senders send, until three sources have said goodbye',
      command: "mdx replay 'ingest+listen://127.0.0.1:9000?sources=3'",
    },
  ];
  static override args: { files: typeof filesArg } = { files: filesArg };
  static override flags: typeof inputFlags & {
    strict: typeof strictFlag;
    'verify-invariants': typeof verifyInvariantsFlag;
    'all-instruments': typeof allInstrumentsFlag;
    emit: typeof emitFlag;
    format: typeof replayFormatFlag;
    depth: typeof depthFlag;
    output: typeof outputFlag;
    force: typeof forceFlag;
    'size-scale': typeof sizeScaleFlag;
    lossy: typeof lossyFlag;
    upgrade: typeof upgradeFlag;
    unbuffered: typeof unbufferedFlag;
    speed: typeof speedFlag;
    step: typeof stepFlag;
    resume: typeof resumeFlag;
    follow: typeof followFlag;
  } & typeof journalFlags &
    typeof wireFlags = {
    ...inputFlags,
    strict: strictFlag,
    'verify-invariants': verifyInvariantsFlag,
    'all-instruments': allInstrumentsFlag,
    emit: emitFlag,
    format: replayFormatFlag,
    depth: depthFlag,
    output: outputFlag,
    force: forceFlag,
    'size-scale': sizeScaleFlag,
    lossy: lossyFlag,
    upgrade: upgradeFlag,
    unbuffered: unbufferedFlag,
    speed: speedFlag,
    step: stepFlag,
    resume: resumeFlag,
    follow: followFlag,
    ...journalFlags,
    ...wireFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Replay);
    const server = ingestTarget(flags.to);
    if (server !== null) {
      await this.#sendRecords(args.files, flags, server);
      return;
    }
    const destinations = wireDestinations(flags);
    if (destinations !== null) {
      await this.#send(args.files, flags, destinations);
      return;
    }
    if (flags.step) {
      await this.#step(args.files, flags);
      return;
    }
    // Loaded here, so that help does not wait for it.
    const { reportOf } = await import('../core/pipeline/report.ts');
    const plan = outputPlan(flags, this.globals.json);
    if (plan !== null && isCapture(plan.form)) {
      await this.#copy(args.files, flags, plan.form, plan.path);
      return;
    }
    const resumed = plan?.resumes === true ? await this.#resume(plan.path!, args.files, flags) : null;
    const writing = resumed?.writing ?? (plan === null ? null : await this.#open(plan, args.files, flags));
    const onStdout = plan !== null && plan.path === null;
    const result = await this.runInput(args.files, flags, {
      stopAt: null,
      invariants: flags['verify-invariants'] as InvariantMode,
      observers: writing === null ? [] : [writing.conversion],
      pacer: await this.#pacer(flags.speed),
      writing,
      isBusy: onStdout,
      resume: resumed?.resumption ?? null,
      follow: flags.follow,
      endsOpen: plan?.form === 'journal',
    });
    writing?.conversion.finish();
    const resume = resumed === null ? null : await this.#resumeReport(plan!.path!, resumed);
    const report: RunReport & { readonly recovery?: RecoveryReport; readonly resume?: ResumeReport } = {
      ...reportOf(result, {
        command: 'replay',
        version: this.config.version,
        allInstruments: flags['all-instruments'],
      }),
      ...(this.recovery === null ? {} : { recovery: this.recovery }),
      ...(resume === null ? {} : { resume }),
      ...(plan === null || writing === null || onStdout ? {} : { output: outputReport(plan, writing) }),
    };
    // What is written is never mixed with a report: one line beside it has its counts.
    if (!onStdout) {
      await this.printReport(report, (style) => replayTables(report, flags['all-instruments'], style));
    } else if (!writing!.output.closed) {
      this.note(countLine(report, writing!.conversion.written, UNITS[plan.form] ?? 'rows'));
    }
    const code = exitCode(report, flags.strict);
    if (code !== 0) this.exitWith(code);
    // What goes on and on is stopped in order.
    const { exitCode: interrupted } = this.interruption;
    if (interrupted !== null && !flags.follow) this.exitWith(interrupted);
  }

  /** Copies the packets that the flags choose; no books are built. */
  async #copy(
    paths: readonly string[],
    flags: ReplayFlags,
    form: CaptureForm,
    path: string | null,
  ): Promise<void> {
    const unfit = UNFIT_TO_COPY.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
    const given = Number.isFinite(flags.speed) ? 'speed' : unfit;
    if (given !== undefined || flags['verify-invariants'] !== 'off') {
      throw new MdxError(
        'usage',
        `--${given ?? 'verify-invariants'} is about messages and books, and packets are copied without a look at them`,
      );
    }
    const { packetReport } = await import('../core/convert/packet-copy.ts');
    const output = this.openOutput({ path, force: flags.force, unbuffered: flags.unbuffered });
    const result = await this.copyInput(paths, flags, form, output, path === null);
    const { version } = this.config;
    const report = packetReport(result, { command: 'replay', version, path: path ?? '-', format: form });
    if (path !== null) await this.printReport(report, (style) => packetTables(report, style));
    else if (!output.closed) this.note(copyLine(report));
    if (report.damage.length > 0) this.exitWith(EXIT_DAMAGED);
    if (this.interruption.exitCode !== null) this.exitWith(this.interruption.exitCode);
  }

  /** Sends the packets that the flags choose; no books are built. */
  async #send(
    paths: readonly string[],
    flags: ReplayFlags,
    destinations: readonly WireDestination[],
  ): Promise<void> {
    const unfit = UNFIT_TO_SEND.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
    if (unfit !== undefined || flags['verify-invariants'] !== 'off') {
      throw new MdxError(
        'usage',
        `--${unfit ?? 'verify-invariants'} is about what is written, messages or books, and packets are sent without a look at them`,
      );
    }
    const report = await this.sendInput(paths, flags, destinations);
    for (const { path, offset, problem } of report.damage) {
      this.caution(`${path}: damaged at byte ${offset}: ${problem}`);
    }
    const { lines } = report.wire;
    if (lines.every(({ datagrams }) => datagrams === 0)) this.caution('there was nothing to send');
    await this.printReport(report, (style) => wireTables(report, style));
    if (report.damage.length > 0) this.exitWith(EXIT_DAMAGED);
    else if (lines.some(({ sendErrors }) => sendErrors > 0)) this.exitWith(EXIT_PROBLEM);
  }

  /** Sends the records of DBN files to a server of events. */
  async #sendRecords(paths: readonly string[], flags: ReplayFlags, to: string): Promise<void> {
    const unfit = UNFIT_FOR_RECORDS.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
    if (unfit !== undefined || flags['verify-invariants'] !== 'off') {
      throw new MdxError(
        'usage',
        `--${unfit ?? 'verify-invariants'} has no meaning where records are sent as they are`,
      );
    }
    const progress = await this.startProgress('sending');
    const report = await sendToIngest(paths, to, {
      version: this.config.version,
      recordsMax: flags.limit ?? Number.POSITIVE_INFINITY,
      pacer: await this.#pacer(flags.speed),
      waiting: { signal: this.interruption.aborted, tell: (text) => this.note(text) },
      stop: () => this.interruption.signal !== null,
      breathe: async (records) => progress.update(() => `${records} records`),
    }).finally(() => progress.stop());
    for (const { path, offset, problem } of report.damage) {
      this.caution(`${path}: damaged at byte ${offset}: ${problem}`);
    }
    await this.printReport(report, (style) => ingestTables(report, style));
    if (report.damage.length > 0) this.exitWith(EXIT_DAMAGED);
    else if (this.interruption.exitCode !== null) this.exitWith(this.interruption.exitCode);
  }

  /** Shows one of the books, group by group. */
  async #step(paths: readonly string[], flags: ReplayFlags): Promise<void> {
    const unfit = UNFIT_TO_STEP.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
    if (unfit !== undefined || this.globals.json) {
      throw new MdxError(
        'usage',
        `--step shows a book in the terminal; --${unfit ?? 'json'} is for what is written`,
      );
    }
    const { damage, invariants } = await this.watchInput(paths, flags, {
      flag: '--step',
      instead: 'Use --emit events for what happens as rows.',
      speed: flags.speed,
      depth: flags.depth,
      startsPaused: true,
      point: null,
      follow: flags.follow,
      invariants: flags['verify-invariants'] as InvariantMode,
    });
    if (damage.length > 0) this.exitWith(EXIT_DAMAGED);
    else if ((invariants?.problems.length ?? 0) > 0) this.exitWith(EXIT_PROBLEM);
  }

  async #open(
    plan: OutputPlan,
    inputs: readonly string[],
    flags: OutputFlags & { readonly speed: number; readonly follow: boolean },
  ): Promise<Writing> {
    if (plan.form === 'journal') {
      const { openJournal } = await import('../cli/journal-target.ts');
      const existing = flags.force ? 'replace' : 'refuse';
      const tell = (text: string): void => this.caution(text);
      return openJournal(plan.path!, flags, existing, this.config.version, tell, isLive(inputs, flags));
    }
    const output = this.openOutput({
      path: plan.path,
      force: flags.force,
      unbuffered: flags.unbuffered || flags.follow || Number.isFinite(flags.speed),
    });
    const style = this.styleOf(plan.path === null ? process.stdout : {});
    return { output, conversion: await openConversion(plan, output, style, this.config.version) };
  }

  /** Opens the journal that the run goes on with. */
  async #resume(directory: string, inputs: readonly string[], flags: ReplayFlags): Promise<ResumedJournal> {
    const { resumeJournal } = await import('../cli/resumed-journal.ts');
    return resumeJournal(directory, flags, this.config.version, this.#telling(), isLive(inputs, flags));
  }

  async #resumeReport(directory: string, resumed: ResumedJournal): Promise<ResumeReport> {
    const { resumeReport, tellResumed } = await import('../cli/resumed-journal.ts');
    const report = resumeReport(directory, resumed);
    if (resumed.resumption !== null) tellResumed(report, this.#telling());
    return report;
  }

  #telling(): Telling {
    return { note: (text) => this.note(text), caution: (text) => this.caution(text) };
  }

  /** What plays the input at its own speed; null = as fast as possible. A signal ends its waiting. */
  async #pacer(factor: number): Promise<Pacer | null> {
    if (!Number.isFinite(factor)) return null;
    const { Pacer } = await import('../core/pipeline/pacer.ts');
    return new Pacer(wallClock(this.interruption), factor);
  }
}

/** Do events come as they happen? */
function isLive(inputs: readonly string[], { follow }: { readonly follow: boolean }): boolean {
  return follow || inputs.some(isLiveInput);
}

/** What is counted where it is not rows. */
const UNITS: Readonly<Record<string, string>> = { dbn: 'records', events: 'events', journal: 'events' };

/** What is written where nothing is written. */
const UNFIT_TO_STEP = [
  'emit',
  'output',
  'format',
  'force',
  'unbuffered',
  'size-scale',
  'lossy',
  'upgrade',
  'strict',
  'all-instruments',
  'resume',
  ...JOURNAL_FLAGS,
] as const;

/** What is meaningless where packets are copied. */
const UNFIT_TO_COPY = [
  'recovery',
  'rebuild',
  'symbol',
  'instrument',
  'instruments',
  'date',
  'strict',
  'all-instruments',
  'follow',
] as const;

/** What is meaningless where packets are sent. */
const UNFIT_TO_SEND = [
  ...UNFIT_TO_COPY,
  'step',
  'emit',
  'output',
  'format',
  'force',
  'unbuffered',
  'depth',
  'size-scale',
  'lossy',
  'upgrade',
  'resume',
  'follow',
  ...JOURNAL_FLAGS,
] as const;

/** What is meaningless where records are sent to a server of events. */
const UNFIT_FOR_RECORDS = [
  ...UNFIT_TO_SEND,
  'to-a',
  'to-b',
  'pps',
  'mbps',
  'loop',
  'loss',
  'loss-burst',
  'dup',
  'reorder',
  'reorder-depth',
  'corrupt',
  'port',
  'group',
  'snapshot',
  'from',
  'until',
] as const;

interface ReplayFlags extends InputFlags, OutputFlags, WireFlags {
  readonly speed: number;
  readonly step: boolean;
  readonly follow: boolean;
  readonly strict: boolean;
  readonly 'verify-invariants': string;
  readonly 'all-instruments': boolean;
}

function exitCode(report: RunReport, strict: boolean): number {
  if (report.damage.length > 0) return EXIT_DAMAGED;
  if (report.invariants !== null && report.invariants.problems.length > 0) return EXIT_PROBLEM;
  const { malformed } = report.feed;
  const gaps = report.sequence?.channels.some((channel) => channel.gaps.length > 0) ?? false;
  return strict && (malformed > 0 || report.anomalies.rejected > 0 || gaps) ? EXIT_PROBLEM : 0;
}
