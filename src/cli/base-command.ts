import { Command } from '@oclif/core/command';
import * as Flags from '@oclif/core/flags';
import type { ArgInput, FlagInput, InferredArgs, Input, ParserOutput } from '@oclif/core/interfaces';
import { EXIT_DONE } from './exit-codes.ts';
import { toJson } from './ndjson.ts';
import { Output, type OutputOptions } from './output.ts';
import { type Progress, type ProgressMode, startProgress } from './progress.ts';
import { Interruption } from './signals.ts';
import { type ColorMode, type Style, styleFor } from './style.ts';

/** The widest type that oclif's parser is generic over. */
type Parsed = InferredArgs<ArgInput>;

/** What every command can be told. */
export interface GlobalFlags {
  json: boolean;
  color: string;
  quiet: boolean;
  verbose: boolean;
  progress: string;
}

const AUTO_ALWAYS_NEVER = ['auto', 'always', 'never'] as const;

/**
 * What commands share: global flags, the output, the wish to stop, and the way out.
 *
 * A command parses, opens what it needs, runs a core pipeline, prints a report and sets an exit code with
 * `exitWith`; it never calls `exit` or `error`, which would cut off what was written. Standard output is data
 * only; whatever is said to people beside it goes through `note`, `detail` and `caution` to stderr.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags: FlagInput<GlobalFlags> = {
    json: Flags.boolean<boolean>({
      summary: 'print one JSON document instead of tables',
      default: false,
      helpGroup: 'GLOBAL',
    }),
    color: Flags.string({
      summary: 'colours in what people read',
      options: AUTO_ALWAYS_NEVER,
      default: 'auto',
      helpGroup: 'GLOBAL',
    }) as FlagInput<GlobalFlags>['color'],
    quiet: Flags.boolean<boolean>({
      char: 'q',
      summary: 'nothing on stderr but errors',
      default: false,
      helpGroup: 'GLOBAL',
    }),
    verbose: Flags.boolean<boolean>({
      char: 'v',
      summary: 'more on stderr',
      default: false,
      helpGroup: 'GLOBAL',
    }),
    progress: Flags.string({
      summary: 'show progress on stderr; auto = when stdout and stderr are terminals',
      options: AUTO_ALWAYS_NEVER,
      default: 'auto',
      helpGroup: 'GLOBAL',
    }) as FlagInput<GlobalFlags>['progress'],
  };

  /** A long-running command exits with 0 when it stopped in order at the first signal. */
  static readonly longRunning: boolean = false;

  protected readonly interruption: Interruption = new Interruption();
  protected globals: GlobalFlags = {
    json: false,
    color: 'auto',
    quiet: false,
    verbose: false,
    progress: 'auto',
  };
  /** This run was meant to go on until somebody stops it: like a long-running command it exits with 0 then. */
  protected endsByRequest = false;
  readonly #outputs: Output[] = [];
  #exitCode: number = EXIT_DONE;

  protected override async init(): Promise<void> {
    await super.init();
    this.interruption.watch();
  }

  protected override async parse<F extends Parsed, B extends Parsed, A extends Parsed>(
    options?: Input<F, B, A>,
    argv?: string[],
  ): Promise<ParserOutput<F, B, A>> {
    const result = await super.parse<F, B, A>(options, argv);
    this.globals = result.flags as unknown as GlobalFlags;
    return result;
  }

  /** Sets the exit code of this run; the command goes on and returns as usual. */
  protected exitWith(code: number): void {
    this.#exitCode = code;
  }

  /** Opens stdout or the file of `-o`; finished or discarded with the command. */
  protected openOutput(options: Partial<OutputOptions> = {}): Output {
    const output = Output.open({
      path: null,
      force: false,
      signal: this.interruption.aborted,
      tell: (text) => this.note(text),
      ...options,
    });
    this.#outputs.push(output);
    return output;
  }

  /** Prints the report of a run on stdout: one JSON document with --json, else what `render` makes for people. */
  protected async printReport(report: object, render: (style: Style) => string): Promise<void> {
    const output = this.openOutput();
    output.write(this.globals.json ? `${toJson(report, 2)}\n` : render(this.styleOf(process.stdout)));
    await output.drain();
  }

  /** Says something to people on stderr, unless --quiet. */
  protected note(text: string): void {
    if (!this.globals.quiet) process.stderr.write(`${text}\n`);
  }

  /** Says something on stderr with --verbose. */
  protected detail(text: string): void {
    if (this.globals.verbose && !this.globals.quiet) process.stderr.write(`${text}\n`);
  }

  /** Says on stderr what went wrong without ending the run. */
  protected caution(text: string): void {
    if (!this.globals.quiet)
      process.stderr.write(`${this.styleOf(process.stderr).warn('warning:')} ${text}\n`);
  }

  protected styleOf(stream: { readonly isTTY?: boolean }): Style {
    return styleFor(this.globals.color as ColorMode, stream);
  }

  /** @param isBusy the terminal already shows what is done: rows. */
  protected async startProgress(text: string, isBusy: boolean = false): Promise<Progress> {
    const { quiet, progress } = this.globals;
    return startProgress(quiet || isBusy ? 'never' : (progress as ProgressMode), text);
  }

  /** Errors are shown in one place, by the start sequence (main.ts). */
  protected override async catch(error: Error): Promise<void> {
    throw error;
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    for (const output of this.#outputs) await (error === undefined ? output.finish() : output.abandon());
    for (const { name, bytes, undelivered } of this.#outputs) {
      if (undelivered > 0 && name !== 'stdout') {
        this.note(
          `${name}: the other side left; at least ${undelivered} of ${bytes} bytes were not delivered`,
        );
      }
    }
    if (error !== undefined) return;
    process.exitCode = this.#decideExitCode();
  }

  #decideExitCode(): number {
    const { longRunning } = this.constructor as typeof BaseCommand;
    const isAsked = longRunning || this.endsByRequest;
    if (this.interruption.exitCode !== null && !isAsked) return this.interruption.exitCode;
    return this.#outputs.some((output) => output.closed) ? EXIT_DONE : this.#exitCode;
  }
}
