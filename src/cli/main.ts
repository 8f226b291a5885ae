import { readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Config } from '@oclif/core/config';
import type { LoadOptions, PJSON } from '@oclif/core/interfaces';
import { MdxError } from '../core/errors.ts';
import { describeError, errorJson, errorText } from './describe-error.ts';
import { EXIT_DONE, EXIT_OUTPUT } from './exit-codes.ts';
import { nearest } from './nearest.ts';
import { outputFailed } from './output.ts';
import { overview } from './overview.ts';
import { type ColorMode, styleFor } from './style.ts';

export interface StartOptions {
  /** Folder of the package. */
  readonly root: string;
  /** Its package.json. */
  readonly pjson: PJSON;
  /** The command line without node and script. */
  readonly argv: readonly string[];
  /** Take the commands from src, not from dist. */
  readonly fromSources: boolean;
  /** Folder of the commands under `root`, for tests that bring their own. */
  readonly commands?: string;
}

/**
 * The start sequence, in place of oclif's: runs one command, shows its error if it threw one, waits until
 * stdout and stderr were taken by their readers, however slow, and only then leaves.
 */
export async function start(options: StartOptions): Promise<void> {
  const streams = watchStandardStreams();
  const leaveFor = (error: unknown): void => void fail(error, options.argv).then(() => leave(streams));
  process.once('uncaughtException', leaveFor);
  process.once('unhandledRejection', leaveFor);
  try {
    await run(options);
  } catch (error) {
    await fail(error, options.argv);
  }
  await leave(streams);
}

async function run(options: StartOptions): Promise<void> {
  const { root, fromSources } = options;
  const argv = options.argv[0] === 'help' ? [...options.argv.slice(1), '--help'] : options.argv;
  const id = argv.find((word) => !word.startsWith('-')) ?? null;
  const wantsHelp = beforeDashes(argv).some((word) => word === '--help' || word === '-h');
  const target = options.commands ?? (fromSources ? './src/commands' : './dist/commands');
  const ids = fromSources ? idsOfFolder(join(root, target)) : null;
  if (ids !== null && id !== null && !ids.includes(id)) throw unknownCommand(id, ids);

  // oclif turns a command that does not load into a warning; this throws what is wrong with it.
  if (fromSources && id !== null) await import(pathToFileURL(join(root, target, `${id}.ts`)).href);

  const pjson = structuredClone(options.pjson);
  // From sources, loading only the file of the command that runs saves what a manifest saves in a package.
  const globPatterns = fromSources ? [id === null ? '*.ts' : `${id}.ts`] : ['*.js'];
  pjson.oclif.commands = { strategy: 'pattern', target, globPatterns };
  const loadOptions: LoadOptions = { root, pjson, ignoreManifest: fromSources };
  const config = await Config.load(loadOptions);

  if (id === null) {
    const unknown = beforeDashes(argv).find((word) => !['--help', '-h', '--no-color'].includes(word));
    if (unknown !== undefined) {
      throw new MdxError('usage', `${unknown}: expected a command first`, { hint: 'See mdx --help.' });
    }
    process.stdout.write(overview(config.commands, config.version, styleFor('auto', process.stdout)));
    return;
  }
  const command = config.findCommand(id);
  if (command === undefined) throw unknownCommand(id, config.commandIDs);
  if (wantsHelp) {
    const { Help } = await import('@oclif/core/help');
    await new Help(config, pjson.oclif.helpOptions).showCommandHelp(command);
    return;
  }
  const rest = argv.toSpliced(argv.indexOf(id), 1);
  await config.runCommand(id, rest, command);
}

function idsOfFolder(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => parse(name).name);
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

/** Shows an error: on stdout as a document with --json, else on stderr as text; sets the exit code. */
async function fail(error: unknown, argv: readonly string[]): Promise<void> {
  const words = beforeDashes(argv);
  const report = describeError(error, words.find((word) => !word.startsWith('-')) ?? null);
  process.exitCode = report.exit;
  if (words.includes('--json')) {
    process.stdout.write(errorJson(report));
    return;
  }
  const at = words.indexOf('--color');
  const color = words.find((word) => word.startsWith('--color='))?.slice('--color='.length) ?? words[at + 1];
  const mode: ColorMode = color === 'always' || color === 'never' ? color : 'auto';
  process.stderr.write(
    errorText(report, styleFor(mode, process.stderr), words.includes('--verbose') || words.includes('-v')),
  );
}

/** What the standard streams ran into. */
interface StreamTrouble {
  readerLeft: boolean;
  failure: Error | null;
}

/**
 * A reader that left is no error, on stderr nothing is. Other trouble of stdout is reported at the end. These
 * listeners replace those of oclif, which throws in the middle of an event.
 */
function watchStandardStreams(): StreamTrouble {
  const trouble: StreamTrouble = { readerLeft: false, failure: null };
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') trouble.readerLeft = true;
    else trouble.failure ??= error;
  });
  process.stderr.on('error', () => {});
  return trouble;
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
