import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { MdxError } from '../../core/errors.ts';
import type { Interruption } from '../signals.ts';
import type { Screen, Terminal } from './screen.ts';
import { FRAME_MS, type Watcher } from './watcher.ts';

/** Rows and columns where the terminal does not say how many it has. */
const ROWS_DEFAULT = 24;
const COLUMNS_DEFAULT = 80;

/** A terminal to draw on and to read keys from. */
export interface KeyedTerminal extends Terminal {
  readonly keys: ReadStream;
}

/** The terminal that the program was started on. Throws MdxError `usage` where there is none to draw on and to type on. */
export function terminalOf(flag: string, instead: string, paths: readonly string[]): KeyedTerminal {
  if (process.stdout.isTTY !== true) {
    throw new MdxError('usage', `${flag} needs a terminal to draw on`, { hint: instead });
  }
  if (process.env['TERM'] === 'dumb') {
    throw new MdxError('usage', `${flag} needs a terminal with a cursor to move, and TERM says dumb`, {
      hint: instead,
    });
  }
  const isFree = process.stdin.isTTY === true && !paths.includes('-');
  return {
    keys: isFree ? process.stdin : ownKeys(flag, instead),
    get columns() {
      return process.stdout.columns || COLUMNS_DEFAULT;
    },
    get rows() {
      return process.stdout.rows || ROWS_DEFAULT;
    },
    write: (text) => {
      process.stdout.write(text);
    },
  };
}

/** Keys of the terminal itself, where standard input is something else. */
function ownKeys(flag: string, instead: string): ReadStream {
  try {
    return new ReadStream(openSync('/dev/tty', 'r'));
  } catch (cause) {
    throw new MdxError('usage', `${flag} needs a terminal to read keys from`, { hint: instead, cause });
  }
}

/**
 * Keeps the terminal for a watcher while `run` goes on and until somebody leaves: the other screen, keys one by one, a
 * frame when one is due. However it ends, the terminal is given back as it was.
 * @param keys where keys come from.
 * @param run gets what to await when the input has ended: it resolves when the terminal is given back, or somebody wants
 *   to go back in the input.
 */
export async function watchSession<T>(
  keys: ReadStream,
  watcher: Watcher,
  screen: Screen,
  interruption: Interruption,
  run: (stay: (messages: number) => Promise<void>) => Promise<T>,
): Promise<T> {
  const { stdout } = process;
  const restore = (): void => {
    screen.close();
    keys.setRawMode(false);
  };
  const onInput = (data: Buffer): void => watcher.input(data.toString('utf8'));
  const onResize = (): void => {
    screen.reset();
    watcher.draw();
  };
  const onGone = (): void => watcher.leave();
  const timer = setInterval(() => watcher.draw(), FRAME_MS);
  const close = (): void => {
    clearInterval(timer);
    keys.off('data', onInput).off('end', onGone).pause();
    stdout.off('resize', onResize);
    restore();
    process.off('exit', restore).off('uncaughtException', restore).off('unhandledRejection', restore);
  };
  // Also where a second signal ends the process at once; errors are shown behind it, where they stay.
  process.once('exit', restore);
  process.prependOnceListener('uncaughtException', restore);
  process.prependOnceListener('unhandledRejection', restore);
  try {
    screen.open();
    keys.setRawMode(true);
    keys.on('data', onInput).on('end', onGone).on('error', onGone);
    stdout.on('resize', onResize).on('error', onGone);
    watcher.draw();
    return await run(async (messages) => {
      watcher.end(messages);
      if (interruption.signal === null) {
        await new Promise<void>((resolve) => {
          watcher.onBack = resolve;
          interruption.onRequest(resolve);
        });
      }
      if (interruption.signal !== null) close();
    });
  } finally {
    close();
  }
}
