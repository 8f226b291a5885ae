import { statSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Arg, BooleanFlag, OptionFlag } from '@oclif/core/interfaces';
import { BaseCommand } from '../cli/base-command.ts';
import type { Example } from '../cli/definition.ts';
import { EXIT_DAMAGED, EXIT_PROBLEM } from '../cli/exit-codes.ts';
import { eventLine, frameLine, jsonLine, rangeOf, writeDump } from '../cli/journal-dump.ts';
import { grouped } from '../cli/numbers.ts';
import { verifyTables } from '../cli/verify-tables.ts';
import { MdxError } from '../core/errors.ts';
import type { EventRange, EventRow, FrameRow } from '../core/journal/dump.ts';
import type { Verified, VerifyOptions } from '../core/journal/verify.ts';
import type { VerifyReport } from '../core/journal/verify-report.ts';
import type { RestartResult } from '../core/journal/verify-restart.ts';

/** Says whether a journal can be trusted. */
export default class VerifyJournal extends BaseCommand {
  static override summary: string = 'check a journal, from its bytes to its books';
  static override description: string =
    'Reads all segments of a journal, or one file of events or a snapshot: both sums of every frame, their order, and the books. Every image is loaded and its events are applied: what checkpoints, closes and the next image say the books are has to be what they are. The verdict is pass; torn, where the last frame was being written when its writer ended and nothing promised is missing (exit code 0, with --strict 1); fail, where books are not what they should be (1); or damaged, where bytes are not what was written (3). Nothing is changed without --repair.';
  static override examples: Example[] = [
    { description: 'Is all of a day there, and right?', command: 'mdx verify-journal day/' },
    {
      description: 'After a crash: cut off what was being written, without a question',
      command: 'mdx verify-journal day/ --repair --yes',
    },
    {
      description: 'Fail unless the books end as another run ended',
      command:
        "mdx verify-journal day/ --expect-hash $(mdx replay day.pcap --json | jq -r '.book.stateHash')",
    },
    {
      description: 'The events around one, as they were written',
      command: 'mdx verify-journal day/ --dump --range 1200..1210',
    },
    {
      description: 'What could not be checked, and why',
      command: 'mdx verify-journal day/ --json | jq .checks',
    },
  ];
  static override args: { journal: Arg<string> } = {
    journal: Args.string({
      name: 'journal',
      description: 'directory of a journal, or a file of it, of events or of a snapshot',
      required: true,
      ignoreStdin: true,
    }) as Arg<string>,
  };
  static override flags: {
    'from-snapshot': OptionFlag<string | undefined>;
    'expect-hash': OptionFlag<bigint | undefined>;
    repair: BooleanFlag<boolean>;
    yes: BooleanFlag<boolean>;
    dump: BooleanFlag<boolean>;
    range: OptionFlag<EventRange | undefined>;
    format: OptionFlag<string | undefined>;
    jobs: OptionFlag<number>;
    strict: BooleanFlag<boolean>;
  } = {
    'from-snapshot': Flags.string({
      summary: 'also restart from this snapshot: do the events behind it lead to the same books?',
      helpValue: 'FILE',
    }),
    'expect-hash': Flags.custom<bigint>({
      summary: 'fail unless the books have this state hash in the end',
      helpValue: 'HASH',
      parse: async (text) => {
        if (/^0x[0-9a-f]{16}$/i.test(text)) return BigInt(text);
        throw new MdxError(
          'usage',
          `--expect-hash ${text}: expected 0x and 16 hexadecimal digits, as reports print it`,
        );
      },
    })(),
    repair: Flags.boolean({ summary: 'cut off a torn tail, after asking; nothing else', default: false }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask', default: false }),
    dump: Flags.boolean({
      summary: 'print what is in it instead: its frames, or with --range events',
      default: false,
    }),
    range: Flags.custom<EventRange>({
      summary: 'with --dump: the events with these numbers, as their records say them',
      helpValue: 'FIRST..LAST',
      parse: async (text) => rangeOf(text),
    })(),
    format: Flags.string({
      summary: 'form of --dump; pretty unless given',
      options: ['pretty', 'ndjson'],
    }),
    jobs: Flags.integer({
      summary: 'threads, each for one segment at a time; 0 = one per processor',
      helpValue: 'COUNT',
      default: 0,
      min: 0,
      max: 256,
    }),
    strict: Flags.boolean({
      summary: 'exit with 1 also for a torn tail, and where numbers of messages go back',
      default: false,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VerifyJournal);
    const started = process.hrtime.bigint();
    const path = args.journal;
    const { NODE_DISK: disk } = await import('../core/journal/node-disk.ts');
    const { bootId, thisMachine } = await import('../core/journal/machine.ts');
    const { JournalLock } = await import('../core/journal/lock.ts');
    const { FEEDS } = await import('../core/feeds/registry.ts');
    const isDirectory = isDirectoryAt(path);
    if (flags.repair && !isDirectory)
      throw new MdxError('usage', `--repair ${path}: only the directory of a journal can be repaired`);
    if (!flags.dump && (flags.range !== undefined || flags.format !== undefined)) {
      const which = flags.range === undefined ? '--format' : '--range';
      throw new MdxError('usage', `${which}: it says what --dump prints, and --dump is not there`);
    }
    if (flags.dump) {
      await this.#dump(path, isDirectory, flags);
      return;
    }
    const machine = thisMachine(bootId());
    const holder = isDirectory ? JournalLock.holder(disk, path, machine) : null;
    if (flags.repair && holder !== null) JournalLock.take(disk, path, machine);
    const options = {
      disk,
      path,
      isDirectory,
      isLive: holder !== null,
      bootId: machine.self.bootId,
      rulesOf: (name: string) => FEEDS.find((feed) => feed.name === name)?.rules ?? null,
      jobs: flags.jobs,
    };
    let found = await this.#verify(options);
    if (found === null) return;
    let repaired: VerifyReport['repaired'] = null;
    const { tornTail, damage } = found.judgement;
    if (
      flags.repair &&
      tornTail !== null &&
      damage.length === 0 &&
      (await this.#mayCut(tornTail, flags.yes))
    ) {
      const { repairJournal } = await import('../core/journal/repair.ts');
      repairJournal(disk, path, machine, tornTail, found.durable);
      const { segment, offset, bytes } = tornTail;
      repaired = { segment, offset: String(offset), bytes: String(bytes) };
      found = await this.#verify(options);
      if (found === null) return;
    }
    const restart = await this.#restart(flags['from-snapshot'], found, options);
    if (this.interruption.signal !== null) return;
    const { verifyReport } = await import('../core/journal/verify-report.ts');
    const report = verifyReport(found, {
      version: this.config.version,
      path,
      isLive: options.isLive,
      expectedHash: flags['expect-hash'] ?? null,
      restart,
      repaired,
      elapsedNs: Number(process.hrtime.bigint() - started),
    });
    await this.printReport(report, (style) => verifyTables(report, style));
    this.#conclude(report, flags);
  }

  async #dump(path: string, isDirectory: boolean, flags: DumpFlags): Promise<void> {
    const { NODE_DISK: disk } = await import('../core/journal/node-disk.ts');
    const { segmentsAt } = await import('../core/journal/verify.ts');
    const { eventRows, frameRows } = await import('../core/journal/dump.ts');
    const { directory, files } = segmentsAt(disk, path, isDirectory);
    const output = this.openOutput();
    const style = this.styleOf(process.stdout);
    const isJson = flags.format === 'ndjson';
    const stop = (): boolean => this.interruption.signal !== null;
    if (flags.range === undefined) {
      const line = (row: FrameRow): string => (isJson ? jsonLine(row) : frameLine(row, style));
      await writeDump(frameRows(disk, directory, files), output, line, stop);
    } else {
      const line = (row: EventRow): string => (isJson ? jsonLine(row) : eventLine(row, style));
      await writeDump(eventRows(disk, directory, files, flags.range), output, line, stop);
    }
  }

  async #verify(options: Omit<VerifyOptions, 'progress' | 'stop'>): Promise<Verified | null> {
    const { verify } = await import('../core/journal/verify.ts');
    const progress = await this.startProgress('reading the journal');
    return verify({
      ...options,
      progress: (bytes, total) => progress.update(() => progressText(bytes, total)),
      stop: () => this.interruption.signal !== null,
    }).finally(() => progress.stop());
  }

  async #restart(
    snapshot: string | undefined,
    found: Verified,
    options: Omit<VerifyOptions, 'progress' | 'stop'>,
  ): Promise<RestartResult | null> {
    if (snapshot === undefined) return null;
    if (isDirectoryAt(snapshot))
      throw new MdxError(
        'input-directory',
        `reading ${snapshot}: a snapshot was expected, and it is a directory`,
      );
    const { verifyRestart } = await import('../core/journal/verify-restart.ts');
    const progress = await this.startProgress('restarting from the snapshot');
    const stop = (): boolean => this.interruption.signal !== null;
    return verifyRestart(snapshot, found, { ...options, stop }).finally(() => progress.stop());
  }

  /** Asks whoever sits at the terminal. */
  async #mayCut(
    { name, offset, bytes }: NonNullable<Verified['judgement']['tornTail']>,
    yes: boolean,
  ): Promise<boolean> {
    if (yes) return true;
    if (process.stdin.isTTY !== true || process.stderr.isTTY !== true)
      throw new MdxError('usage', '--repair: there is no terminal to ask at', {
        hint: '--yes repairs without asking.',
      });
    const asking = createInterface({ input: process.stdin, output: process.stderr });
    const what = offset === 0 ? `Remove ${name}` : `Cut ${name} off at byte ${grouped(offset)}`;
    try {
      const answer = await asking.question(
        `${what}, with ${grouped(bytes)} bytes that are no whole frame? [y/N] `,
      );
      return /^y(es)?$/i.test(answer.trim());
    } finally {
      asking.close();
    }
  }

  #conclude(
    report: VerifyReport,
    { strict, repair }: { readonly strict: boolean; readonly repair: boolean },
  ): void {
    const { verdict, tornTail, durable, nonMonotonic, isBeingWritten } = report;
    if (tornTail !== null && !isBeingWritten) {
      const { segment, offset, bytes } = tornTail;
      this.caution(`segment ${segment} is torn at byte ${offset}: ${bytes} bytes were being written`);
    }
    if (durable?.failed === true)
      this.caution(
        `what stood behind event ${durable.event} was never promised: a write failed, or a tail was cut off`,
      );
    if (nonMonotonic > 0) this.caution(`${nonMonotonic} events whose message number goes back`);
    if (repair && verdict === 'damaged')
      this.caution('nothing was repaired: only a torn tail can be cut off');
    if (verdict === 'damaged') this.exitWith(EXIT_DAMAGED);
    else if (verdict === 'fail') this.exitWith(EXIT_PROBLEM);
    else if (strict && (verdict === 'torn' || nonMonotonic > 0)) this.exitWith(EXIT_PROBLEM);
  }
}

interface DumpFlags {
  readonly range?: EventRange | undefined;
  readonly format?: string | undefined;
}

function isDirectoryAt(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new MdxError('input-missing', `reading ${path}: it does not exist`);
    throw new MdxError('input-unreadable', `reading ${path}: ${message}`, { cause: error });
  }
}

function progressText(bytes: number, total: number): string {
  const width = 24;
  const share = total === 0 ? 1 : Math.min(1, bytes / total);
  const full = Math.round(share * width);
  const bar = '█'.repeat(full) + '░'.repeat(width - full);
  return `${bar} ${Math.floor(share * 100)}% of ${(total / 1e6).toFixed(0)} MB`;
}
