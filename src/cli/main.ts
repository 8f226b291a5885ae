import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PJSON } from '@oclif/core/interfaces';
import { nearest } from '../core/config/nearest.ts';
import { MdxError } from '../core/errors.ts';
import { CommandSet } from './command-set.ts';
import { describeError, type ErrorReport, errorJson, errorText } from './describe-error.ts';
import { EXIT_DONE, EXIT_OUTPUT } from './exit-codes.ts';
import { helpText, helpWidth, overview } from './help.ts';
import { Output, outputFailed } from './output.ts';
import { type ColorMode, styleFor } from './style.ts';
import { setV8Flags } from './v8-flags.ts';

export interface StartOptions {
  /** Folder of the package. */
  readonly root: string;
  /** Its package.json. */
  readonly pjson: PJSON;
  /** The command line without node and script. */
  readonly argv: readonly string[];
  /** Folder of the commands where it is not the program's own: tests bring theirs. */
  readonly commands?: string;
}

/**
 * The start sequence, in place of oclif's: runs one command, shows its error if it threw one, waits until
 * stdout and stderr were taken by their readers, however slow, and only then leaves.
 */
export async function start(options: StartOptions): Promise<void> {
  const trouble: StreamTrouble = { readerLeft: false, failure: null };
  watchStandardStreams(trouble);
  const leaveFor = (error: unknown): void => void fail(error, options.argv).then(() => leave(trouble));
  process.once('uncaughtException', leaveFor);
  process.once('unhandledRejection', leaveFor);
  try {
    await run(options, trouble);
  } catch (error) {
    await fail(error, options.argv);
  }
  await leave(trouble);
}

async function run(options: StartOptions, trouble: StreamTrouble): Promise<void> {
  const argv = options.argv[0] === 'help' ? [...options.argv.slice(1), '--help'] : [...options.argv];
  const commands = new CommandSet(options.commands);
  const words = beforeDashes(argv);
  const id = commandOf(argv);
  const wantsHelp = words.includes('--help') || words.includes('-h');
  if (id === null) {
    const unknown = words.find((word) => word !== '--help' && word !== '-h');
    if (unknown !== undefined) {
      throw new MdxError('usage', `${unknown}: expected a command first`, { hint: 'See mdx --help.' });
    }
    const style = styleFor('auto', process.stdout);
    await print(
      overview(await commands.definitions(), options.pjson.version, style, helpWidth(process.stdout)),
    );
    return;
  }
  if (!commands.ids.includes(id)) throw unknownCommand(id, commands.ids);
  if (wantsHelp) {
    const style = styleFor(colorOf(words), process.stdout);
    await print(helpText(await commands.definition(id), helpWidth(process.stdout), style));
    return;
  }
  const command = await commands.load(id);
  setV8Flags();
  watchStandardStreams(trouble);
  command.id = id;
  const rest = argv.toSpliced(argv.indexOf(id), 1);
  // There are no plugins, so nobody's folders are searched for them.
  const { root, pjson } = options;
  await command.run(rest, { root, pjson, userPlugins: false, devPlugins: false });
}

async function print(text: string): Promise<void> {
  const output = Output.open({ path: null, force: false });
  output.write(text);
  await output.finish();
}

/** The first word that is no flag, null where there is none. */
function commandOf(argv: readonly string[]): string | null {
  return beforeDashes(argv).find((word) => !word.startsWith('-')) ?? null;
}

function unknownCommand(id: string, ids: readonly string[]): MdxError {
  const near = nearest(id, ids);
  return new MdxError('command-unknown', `mdx ${id}: no such command`, {
    hint: near === null ? 'See mdx --help for the list.' : `Did you mean mdx ${near}?`,
  });
}

function beforeDashes(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('--');
  return at === -1 ? argv : argv.slice(0, at);
}

function colorOf(words: readonly string[]): ColorMode {
  const at = words.indexOf('--color');
  const color = words.find((word) => word.startsWith('--color='))?.slice('--color='.length) ?? words[at + 1];
  return color === 'always' || color === 'never' ? color : 'auto';
}

/** Shows an error: on stdout as a document with --json, else on stderr as text; sets the exit code. */
async function fail(error: unknown, argv: readonly string[]): Promise<void> {
  const words = beforeDashes(argv);
  const report = describeError(error, commandOf(argv));
  process.exitCode = report.exit;
  const text = (shown: ErrorReport): string => {
    const style = styleFor(colorOf(words), process.stderr);
    return errorText(shown, style, words.includes('--verbose') || words.includes('-v'));
  };
  if (!words.includes('--json')) {
    process.stderr.write(text(report));
    return;
  }
  try {
    await print(errorJson(report));
  } catch (printing) {
    const instead = describeError(printing, null);
    process.exitCode = instead.exit;
    process.stderr.write(text(instead));
  }
}

/** What the standard streams ran into. */
interface StreamTrouble {
  readerLeft: boolean;
  failure: Error | null;
}

/**
 * A reader that left is no error, on stderr nothing is. Other trouble of stdout is reported at the end. Called
 * again when a command was loaded: oclif comes with it, and its listener throws in the middle of an event.
 */
function watchStandardStreams(trouble: StreamTrouble): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') trouble.readerLeft = true;
    else trouble.failure ??= error;
  });
  process.stderr.removeAllListeners('error');
  process.stderr.on('error', () => {});
}

/** Waits until what was written is with its reader, and leaves. */
async function leave(trouble: StreamTrouble): Promise<void> {
  await drained(process.stdout);
  if (trouble.failure !== null && process.exitCode !== EXIT_OUTPUT) {
    process.stderr.write(`error: ${outputFailed('stdout', trouble.failure).message}\n`);
    process.exitCode = EXIT_OUTPUT;
  }
  await drained(process.stderr);
  process.exit(process.exitCode ?? EXIT_DONE);
}

/** Resolves when a stream's reader has everything, or is gone; errors have been told by then. */
async function drained(stream: NodeJS.WriteStream): Promise<void> {
  await nextTurn();
  if (stream.writableLength === 0 || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    stream.write('', () => resolve());
  });
}
