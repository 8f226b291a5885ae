import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { standingText } from '../cli/count-line.ts';
import type { Example } from '../cli/definition.ts';
import { diffTables } from '../cli/diff-tables.ts';
import { EXIT_DAMAGED, EXIT_PROBLEM } from '../cli/exit-codes.ts';
import { depthFlag } from '../cli/flags.ts';
import { inputOptions, type ReadFlags, readFlags } from '../cli/input.ts';
import { InputCommand } from '../cli/input-command.ts';
import { MdxError } from '../core/errors.ts';
import type { AlignBy } from '../core/pipeline/diff/alignment.ts';
import type { DiffReport } from '../core/pipeline/diff/diff-report.ts';
import type { DiffResult } from '../core/pipeline/diff/diff-run.ts';
import type { MatchBy } from '../core/pipeline/diff/pairs.ts';
import type { SideOptions } from '../core/pipeline/diff/side-options.ts';

/** Levels shown around each that differs, and instruments whose books are shown, unless asked otherwise. */
const AROUND = 3;
const SHOWN = 3;

const input = (name: string, description: string): Arg<string> =>
  Args.string({ name, description, required: true, ignoreStdin: true });

/** Says whether two inputs are the same market, and where they first are not. */
export default class Diff extends InputCommand {
  static override summary: string = 'compare two sessions book by book, and show where they first differ';
  static override description: string =
    'Reads two inputs of any kind side by side and compares every book after every group of events: side, price and quantity in the order of the queue, with --ids also the ids of the orders. Groups are aligned by their message numbers where both are of one feed that numbers its messages, by venue time otherwise. For each instrument that differs the first group after which it does is named, and both books are shown. What one input has before the other began or after it ended is reported and is no difference. Exits with 1 where books differ (docs/diff.md).';
  static override examples: Example[] = [
    { description: 'Is the conversion the same market?', command: 'mdx diff session.pcap session.dbn.zst' },
    {
      description: 'Two vendors, instruments by name, the ids of the orders too',
      command: 'mdx diff one.dbn other.dbn --by symbol --align time --ids',
    },
    {
      description: 'The first group after which one instrument differs, for a script',
      command: "mdx diff a.pcap b.pcap --symbol AAPL --json | jq '.differences[0].group'",
    },
    {
      description: 'A journal and what it was made of',
      command: 'mdx diff session.pcap journal/ && echo the same',
    },
  ];
  static override args: { a: Arg<string>; b: Arg<string> } = {
    a: input('a', 'capture, file, journal or stream; - is standard input'),
    b: input('b', 'what it is compared with'),
  };
  static override flags: typeof readFlags & {
    align: OptionFlag<string>;
    by: OptionFlag<string>;
    ids: BooleanFlag<boolean>;
    show: OptionFlag<number>;
    depth: typeof depthFlag;
    strict: BooleanFlag<boolean>;
  } = {
    ...readFlags,
    align: Flags.string({
      summary: 'what groups of both sides have in common: their message number or their venue time',
      options: ['auto', 'position', 'time'],
      default: 'auto',
    }),
    by: Flags.string({
      summary:
        'what instruments of both sides have in common; auto = their number in one feed, else the symbol',
      options: ['auto', 'instrument', 'symbol'],
      default: 'auto',
    }),
    ids: Flags.boolean({ summary: 'the ids of the orders have to be the same, too', default: false }),
    show: Flags.integer({
      summary: 'differing instruments whose books are shown; both inputs are read again for them',
      helpValue: 'COUNT',
      default: SHOWN,
      min: 0,
      max: 1000,
    }),
    depth: depthFlag,
    strict: Flags.boolean({
      summary: 'exit with 1 also for instruments that only one side has, and lost ranges',
      default: false,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Diff);
    // Loaded here, so that help does not wait for it.
    const { diffReport } = await import('../core/pipeline/diff/diff-report.ts');
    const result = await this.#diff([args.a, args.b], flags);
    for (const side of result.sides) this.tellProblems(side);
    if (this.interruption.exitCode !== null) {
      this.exitWith(this.interruption.exitCode);
      return;
    }
    const report = diffReport(result, {
      version: this.config.version,
      withIds: flags.ids,
      around: flags.depth ?? AROUND,
    });
    if (result.isOnce && report.differences.length > 0 && flags.show > 0) {
      this.note('A stream can be read once, so the books are not shown.');
    }
    await this.printReport(report, (style) => diffTables(report, style));
    const code = exitCode(report, flags.strict);
    if (code !== 0) this.exitWith(code);
  }

  async #diff(paths: readonly [string, string], flags: DiffFlags): Promise<DiffResult> {
    const { diff } = await import('../core/pipeline/diff/diff-run.ts');
    if (paths[0] === '-' && paths[1] === '-') {
      throw new MdxError('usage', 'standard input (-) can be read once, and it was given for both sides');
    }
    const side = async (path: string): Promise<SideOptions> => ({
      ...(await inputOptions([path], flags)),
      tell: (text) => this.note(text),
    });
    const sides = [await side(paths[0]), await side(paths[1])] as const;
    const progress = await this.startProgress('comparing');
    let line = (): string => 'nothing read yet';
    // Without a listener SIGUSR2 ends the process.
    process.on('SIGUSR2', () => this.note(line()));
    return diff({
      sides,
      align: flags.align === 'auto' ? null : (flags.align as AlignBy),
      by: flags.by === 'auto' ? null : (flags.by as MatchBy),
      withIds: flags.ids,
      show: flags.show,
      signal: this.interruption.aborted,
      stop: () => this.interruption.signal !== null,
      progress: (standing) => {
        line = () => standing.flatMap((each) => (each === null ? [] : [standingText(each)])).join(' | ');
        progress.update(line);
      },
    }).finally(() => progress.stop());
  }
}

interface DiffFlags extends ReadFlags {
  readonly align: string;
  readonly by: string;
  readonly ids: boolean;
  readonly show: number;
}

function exitCode({ a, b, verdict, instruments }: DiffReport, strict: boolean): number {
  if (a.damage.length + b.damage.length > 0) return EXIT_DAMAGED;
  if (verdict === 'different') return EXIT_PROBLEM;
  const apart = instruments.onlyA + instruments.onlyB + instruments.notCompared;
  return strict && apart + a.lostRanges + b.lostRanges > 0 ? EXIT_PROBLEM : 0;
}
