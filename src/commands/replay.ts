import { countLine } from '../cli/count-line.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_DAMAGED, EXIT_PROBLEM } from '../cli/exit-codes.ts';
import {
  allInstrumentsFlag,
  depthFlag,
  emitFlag,
  filesArg,
  forceFlag,
  formatFlag,
  outputFlag,
  speedFlag,
  strictFlag,
  unbufferedFlag,
  verifyInvariantsFlag,
} from '../cli/flags.ts';
import { inputFlags } from '../cli/input.ts';
import { InputCommand } from '../cli/input-command.ts';
import type { Output } from '../cli/output.ts';
import { replayTables } from '../cli/replay-tables.ts';
import { rowFormatOf, rowWriter } from '../cli/rows.ts';
import { wallClock } from '../cli/wall-clock.ts';
import { MdxError } from '../core/errors.ts';
import type { EventObserver } from '../core/pipeline/books.ts';
import type { InvariantMode } from '../core/pipeline/invariant-watch.ts';
import type { Pacer } from '../core/pipeline/pacer.ts';
import type { RunReport } from '../core/pipeline/report.ts';
import type { RowKind, RowSink } from '../core/pipeline/rows/rows.ts';

/** Builds the books of a capture or file and reports on them. */
export default class Replay extends InputCommand {
  static override summary: string = 'build the full-depth books of captures and files, with a report';
  static override description: string =
    'Reads captures and message files as fast as the machine allows, restores the order of the messages, keeps every order of every book, and reports what was read, what was missing and what the books are at the end; or prints rows with --emit (docs/rows.md).';
  static override examples: Example[] = [
    { description: 'The report of a DBN file as tables', command: 'mdx replay session.dbn.zst' },
    { description: 'The state hash alone', command: 'mdx replay session.dbn --json | jq -r .book.stateHash' },
    {
      description: 'Standard input, one instrument',
      command: 'zstd -dc session.dbn.zst | mdx replay - --symbol CLX5',
    },
    {
      description: 'Best quotes as they change, as CSV',
      command: 'mdx replay session.dbn --emit bbo -o bbo.csv',
    },
  ];
  static override args: { files: typeof filesArg } = { files: filesArg };
  static override flags: typeof inputFlags & {
    strict: typeof strictFlag;
    'verify-invariants': typeof verifyInvariantsFlag;
    'all-instruments': typeof allInstrumentsFlag;
    emit: typeof emitFlag;
    format: typeof formatFlag;
    depth: typeof depthFlag;
    output: typeof outputFlag;
    force: typeof forceFlag;
    unbuffered: typeof unbufferedFlag;
    speed: typeof speedFlag;
  } = {
    ...inputFlags,
    strict: strictFlag,
    'verify-invariants': verifyInvariantsFlag,
    'all-instruments': allInstrumentsFlag,
    emit: emitFlag,
    format: formatFlag,
    depth: depthFlag,
    output: outputFlag,
    force: forceFlag,
    unbuffered: unbufferedFlag,
    speed: speedFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Replay);
    // Loaded here, so that help does not wait for it.
    const { reportOf } = await import('../core/pipeline/report.ts');
    const rows = await this.#openRows(flags);
    const result = await this.runInput(args.files, flags, {
      stopAt: null,
      invariants: flags['verify-invariants'] as InvariantMode,
      observers: rows === null ? [] : [rows.observer],
      pacer: await this.#pacer(flags.speed),
      output: rows?.output ?? null,
      isBusy: rows?.onStdout === true,
    });
    const report = reportOf(result, {
      command: 'replay',
      version: this.config.version,
      allInstruments: flags['all-instruments'],
    });
    // Rows are never mixed with a report: one line beside them has its counts.
    if (rows?.onStdout !== true) {
      await this.printReport(report, (style) => replayTables(report, flags['all-instruments'], style));
    } else if (!rows.output.closed) this.note(countLine(report, rows.count));
    this.exitWith(exitCode(report, flags.strict));
    if (this.interruption.exitCode !== null) this.exitWith(this.interruption.exitCode);
  }

  /** Opens what the rows of `--emit` go to; null where none were asked for. */
  async #openRows(flags: RowFlags): Promise<Rows | null> {
    const { emit, output: path, depth } = flags;
    const onStdout = path === undefined || path === '-';
    if (emit === undefined) {
      const given = ROW_FLAGS.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
      if (given === undefined) return null;
      throw new MdxError('usage', `--${given} is about rows, and without --emit there are none`);
    }
    if (depth !== undefined && emit !== 'depth') {
      throw new MdxError('usage', `--depth is about price levels, and rows of --emit ${emit} have none`);
    }
    if (onStdout && this.globals.json) {
      throw new MdxError('usage', '--json prints a report where --emit writes its rows', {
        hint: 'Name a file for the rows with -o.',
      });
    }
    const { ROW_MAKERS } = await import('../core/pipeline/rows/rows.ts');
    const format = rowFormatOf(flags.format, path);
    const output = this.openOutput({
      path: path ?? null,
      force: flags.force,
      unbuffered: flags.unbuffered || Number.isFinite(flags.speed),
    });
    const style = this.styleOf(onStdout ? process.stdout : {});
    const observe = <K extends RowKind>(kind: K): EventObserver => {
      const write = rowWriter(kind, format, output, style);
      const sink: RowSink<K> = (row) => {
        rows.count += 1;
        write(row);
      };
      return ROW_MAKERS[kind](sink, depth ?? DEPTH_DEFAULT);
    };
    const rows: Rows = { output, onStdout, count: 0, observer: observe(emit as RowKind) };
    return rows;
  }

  /** What plays the input at its own speed; null = as fast as possible. A signal ends its waiting. */
  async #pacer(factor: number): Promise<Pacer | null> {
    if (!Number.isFinite(factor)) return null;
    const { Pacer } = await import('../core/pipeline/pacer.ts');
    return new Pacer(wallClock(this.interruption), factor);
  }
}

/** Where rows go, and what makes them. */
interface Rows {
  readonly output: Output;
  readonly onStdout: boolean;
  /** Rows made so far. */
  count: number;
  readonly observer: EventObserver;
}

/** What rows are asked for, and how. */
interface RowFlags {
  readonly emit: string | undefined;
  readonly format: string | undefined;
  readonly depth: number | undefined;
  readonly output: string | undefined;
  readonly force: boolean;
  readonly unbuffered: boolean;
  readonly speed: number;
}

/** What is meaningless without rows. */
const ROW_FLAGS = ['format', 'depth', 'output', 'force', 'unbuffered'] as const;
const DEPTH_DEFAULT = 10;

function exitCode(report: RunReport, strict: boolean): number {
  if (report.damage.length > 0) return EXIT_DAMAGED;
  if (report.invariants !== null && report.invariants.problems.length > 0) return EXIT_PROBLEM;
  const { malformed } = report.feed;
  const gaps = report.sequence?.channels.some((channel) => channel.gaps.length > 0) ?? false;
  return strict && (malformed > 0 || report.anomalies.rejected > 0 || gaps) ? EXIT_PROBLEM : 0;
}
