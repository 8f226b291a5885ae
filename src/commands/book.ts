import { bookRows } from '../cli/book-rows.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_DAMAGED } from '../cli/exit-codes.ts';
import {
  allInstrumentsFlag,
  atFlag,
  compatFlag,
  depthFlag,
  filesArg,
  followFlag,
  forceFlag,
  formatFlag,
  ordersFlag,
  outputFlag,
  speedFlag,
  watchFlag,
} from '../cli/flags.ts';
import { type InputFlags, inputFlags } from '../cli/input.ts';
import { InputCommand } from '../cli/input-command.ts';
import { type BookOfLevels, ladder, queues, titleOf } from '../cli/ladder.ts';
import { toJson } from '../cli/ndjson.ts';
import { timeText } from '../cli/numbers.ts';
import { isSnapshot, type RowFormat, rowFormatOf } from '../cli/output-form.ts';
import { QUOTES_MAX, quotesTable } from '../cli/quotes.ts';
import { checkSnapshot, saveSnapshot } from '../cli/snapshot-file.ts';
import type { Style } from '../cli/style.ts';
import { MdxError } from '../core/errors.ts';
import type { RunReport } from '../core/pipeline/report.ts';
import type { RunResult } from '../core/pipeline/run.ts';
import type { Until } from '../core/pipeline/until.ts';

/** Levels of each side for people, unless asked otherwise; machines get all. */
const DEPTH_PEOPLE = 10;
/** Where it goes to no terminal. */
const COLUMNS_DEFAULT = 100;

/** Shows books as they are at the end or at a point of the input. */
export default class Book extends InputCommand {
  static override summary: string = 'show the book at the end of captures and files, or at a point in them';
  static override description: string =
    'Builds the books as mdx replay does and shows them: a ladder for people, or levels as JSON, NDJSON or CSV. With -o FILE.snap they are written as a snapshot. With --at they are shown after the last whole group of events up to a point, which is inclusive: a time of arrival or of the venue, a message number, or an event of a journal. Where there are several books and none is chosen, people get the best prices of each.';
  static override examples: Example[] = [
    { description: 'The book at the end of a file', command: 'mdx book session.dbn.zst' },
    {
      description: 'One instrument at a time of arrival, five levels deep',
      command: 'mdx book capture.pcap --symbol AAPL --at 2026-01-05T14:30:00Z --depth 5',
    },
    {
      description: 'Watch a book at ten times its own speed',
      command: 'mdx book session.dbn --watch --speed 10 --symbol CLX5',
    },
    {
      description: 'A journal of any length, to the nanosecond',
      command: 'mdx book journal/ --at 2026-01-05T14:30:00.000000001Z',
    },
    {
      description: 'Every order in its queue after message 12,000, as CSV',
      command: 'mdx book session.dbn --at "#12000" --orders --format csv',
    },
    {
      description: 'The books of a raw-v1 server, over both of its lines, until Ctrl-C',
      command: 'mdx book ws://127.0.0.1:9081/ws ws://127.0.0.1:9082/ws',
    },
    {
      description: 'All books as a snapshot file, which every command reads',
      command: 'mdx book session.pcap -o close.snap',
    },
  ];
  static override args: { files: typeof filesArg } = { files: filesArg };
  static override flags: typeof inputFlags & {
    at: typeof atFlag;
    depth: typeof depthFlag;
    orders: typeof ordersFlag;
    'all-instruments': typeof allInstrumentsFlag;
    format: typeof formatFlag;
    output: typeof outputFlag;
    force: typeof forceFlag;
    compat: typeof compatFlag;
    watch: typeof watchFlag;
    follow: typeof followFlag;
    speed: typeof speedFlag;
  } = {
    ...inputFlags,
    at: atFlag,
    depth: depthFlag,
    orders: ordersFlag,
    'all-instruments': allInstrumentsFlag,
    format: formatFlag,
    output: outputFlag,
    force: forceFlag,
    compat: compatFlag,
    watch: watchFlag,
    follow: followFlag,
    speed: speedFlag,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Book);
    if (flags.watch) {
      await this.#watch(args.files, flags);
      return;
    }
    if (Number.isFinite(flags.speed)) throw new MdxError('usage', '--speed is about --watch');
    if (flags.follow) throw new MdxError('usage', '--follow is about --watch');
    // Loaded here, so that help does not wait for it.
    const { reportOf } = await import('../core/pipeline/report.ts');
    const format = this.#format(flags.format, flags.output);
    if (flags.compat !== undefined && format !== 'snapshot') {
      throw new MdxError('usage', '--compat is about snapshots, and what is written is none', {
        hint: 'Write one with -o FILE.snap.',
      });
    }
    if (format === 'snapshot') {
      await this.#save(args.files, flags);
      return;
    }
    const output = this.openOutput({ path: flags.output ?? null, force: flags.force });
    const result = await this.runInput(args.files, flags, {
      stopAt: flags.at ?? null,
      seeks: true,
      invariants: 'off',
      observers: [],
      pacer: null,
      writing: null,
      isBusy: false,
    });
    const isChosen = flags.symbol !== undefined || flags.instrument !== undefined;
    const report = {
      ...reportOf(result, {
        command: 'book',
        version: this.config.version,
        allInstruments: flags['all-instruments'],
        depth: {
          levels: flags.depth ?? (format === 'pretty' ? DEPTH_PEOPLE : Number.POSITIVE_INFINITY),
          queues: flags.orders,
        },
      }),
      ...(this.recovery === null ? {} : { recovery: this.recovery }),
    };
    if (flags.at !== undefined) this.#tellPoint(result, report);
    if (format === 'json') output.write(`${toJson(report, 2)}\n`);
    else if (format === 'pretty') {
      const toFile = flags.output !== undefined && flags.output !== '-';
      const view = { isChosen, queues: flags.orders, columns: process.stdout.columns ?? COLUMNS_DEFAULT };
      output.write(render(report, view, this.styleOf(toFile ? {} : process.stdout)));
    } else {
      for (const line of bookRows(report, format, flags.orders)) {
        output.write(line);
        await output.drain();
      }
    }
    if (report.damage.length > 0) this.exitWith(EXIT_DAMAGED);
    if (this.interruption.exitCode !== null) this.exitWith(this.interruption.exitCode);
  }

  /** Writes the books as a snapshot. */
  async #save(paths: readonly string[], flags: BookFlags): Promise<void> {
    const unfit = UNFIT_TO_SAVE.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
    if (unfit !== undefined) {
      throw new MdxError('usage', `--${unfit} is about what is printed, and a snapshot has all of each book`);
    }
    const path = checkSnapshot(flags);
    const { reportOf } = await import('../core/pipeline/report.ts');
    const { SnapshotOutput } = await import('../core/convert/snapshot-output.ts');
    const snapshot = new SnapshotOutput();
    const result = await this.runInput(paths, flags, {
      ...{ stopAt: flags.at ?? null, seeks: true, invariants: 'off' as const },
      ...{ observers: [snapshot], pacer: null, writing: null, isBusy: false },
    });
    const { version } = this.config;
    const report = reportOf(result, { command: 'book', version, allInstruments: flags['all-instruments'] });
    if (flags.at !== undefined) this.#tellPoint(result, report);
    const isWhole = result.damage.length === 0 && this.interruption.exitCode === null;
    const output = isWhole ? await saveSnapshot(path, flags.compat, result, snapshot, version) : null;
    if (output === null) this.caution(`${path} was not written: its books would not be what was asked for`);
    else this.note(`${path}: ${output.written} orders and price levels, ${asOfText(report)}`);
    if (this.globals.json) {
      const document = { ...report, ...(output === null ? {} : { output }) };
      await this.printReport(document, () => '');
    }
    if (result.damage.length > 0) this.exitWith(EXIT_DAMAGED);
    if (this.interruption.exitCode !== null) this.exitWith(this.interruption.exitCode);
  }

  /** Shows one of the books while the input goes on. */
  async #watch(paths: readonly string[], flags: BookFlags): Promise<void> {
    const unfit = UNFIT_TO_WATCH.find((flag) => flags[flag] !== undefined && flags[flag] !== false);
    if (unfit !== undefined || this.globals.json) {
      throw new MdxError(
        'usage',
        `--watch shows a book in the terminal; --${unfit ?? 'json'} is for what is printed`,
      );
    }
    const { damage } = await this.watchInput(paths, flags, {
      flag: '--watch',
      instead: 'Use mdx replay --emit depth for the levels as rows.',
      speed: flags.speed,
      depth: flags.depth,
      startsPaused: false,
      point: flags.at ?? null,
      follow: flags.follow,
      invariants: 'off',
    });
    if (damage.length > 0) this.exitWith(EXIT_DAMAGED);
  }

  #format(asked: string | undefined, path: string | undefined): RowFormat | 'json' | 'snapshot' {
    if (isSnapshot(asked, path)) return 'snapshot';
    if (this.globals.json) {
      if (asked === undefined) return 'json';
      throw new MdxError('usage', `--json and --format ${asked} are two forms of the same`);
    }
    return asked === undefined && (path === undefined || path === '-') ? 'pretty' : rowFormatOf(asked, path);
  }

  /** Says where the input does not reach the point that was asked for. */
  #tellPoint({ stopped, inputs }: RunResult, { asOf, inputs: [first] }: RunReport): void {
    if (stopped === null) {
      const end = inputs.at(-1)?.lastTime ?? null;
      const when = end === null ? '' : `, at ${timeText(end)}`;
      this.note(`The input ends before the point of --at${when}: shown is its end.`);
    } else if (asOf === null && first?.image === undefined) {
      const start = inputs[0]?.firstTime ?? null;
      const when = start === null ? '' : `, which begins at ${timeText(start)}`;
      this.note(
        `The point of --at is before the first whole group of the input${when}: the books are empty.`,
      );
    }
  }
}

/** What is shown where nothing is shown. */
const UNFIT_TO_SAVE = ['orders', 'depth'] as const;

/** What is printed where nothing is printed. */
const UNFIT_TO_WATCH = ['orders', 'format', 'output', 'force', 'compat', 'all-instruments'] as const;

interface BookFlags extends InputFlags {
  readonly follow: boolean;
  readonly at: Until | undefined;
  readonly depth: number | undefined;
  readonly speed: number;
  readonly orders: boolean;
  readonly format: string | undefined;
  readonly output: string | undefined;
  readonly force: boolean;
  readonly compat: string | undefined;
  readonly 'all-instruments': boolean;
}

interface View {
  /** Books were chosen by name: each is shown whole. */
  readonly isChosen: boolean;
  readonly queues: boolean;
  readonly columns: number;
}

function render(report: RunReport, view: View, style: Style): string {
  const books = report.instruments as readonly BookOfLevels[];
  const when = `${style.dim(asOfText(report))}\n`;
  if (books.length === 0) return `${when}${style.dim('no book has orders')}\n`;
  if (books.length > 1 && !view.isChosen) {
    const quotes = quotesTable(books, QUOTES_MAX, 'see --json, or --format csv', style);
    return `${when}\n${quotes}\n${style.dim('Choose a book with --symbol or --instrument to see its levels.')}\n`;
  }
  const texts = books.map((book) => {
    const levels = view.queues ? queues(book, style) : ladder(book, view.columns, style);
    return `\n${titleOf(book, style)}\n${levels}`;
  });
  return `${when}${texts.join('')}`;
}

function asOfText({ asOf, inputs }: RunReport): string {
  if (asOf === null) {
    const image = inputs.find((input) => input.image !== undefined)?.image;
    if (image === undefined) return 'before the first event';
    const when = image.written === null ? '' : `, written ${timeText(BigInt(image.written))}`;
    return `after event ${image.event}${when}`;
  }
  const { channel, sequence, receiveTime, venueTime } = asOf;
  const time = timeText(BigInt(receiveTime ?? venueTime));
  return sequence === null ? `after ${time}` : `after ${time}, #${channel}/${sequence}`;
}
