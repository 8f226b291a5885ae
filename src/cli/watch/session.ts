import { MdxError } from '../../core/errors.ts';
import type { Interruption } from '../signals.ts';
import type { Screen, Terminal } from './screen.ts';
import { FRAME_MS, type Watcher } from './watcher.ts';

/** Rows and columns where the terminal does not say how many it has. */
const ROWS_DEFAULT = 24;
const COLUMNS_DEFAULT = 80;

/** The terminal that the program was started on. Throws MdxError `usage` where there is none to show and to type on. */
export function terminalOf(flag: string, instead: string, paths: readonly string[]): Terminal {
  if (process.stdout.isTTY !== true || process.stdin.isTTY !== true) {
    throw new MdxError('usage', `${flag} needs a terminal to show on and to read keys from`, {
      hint: instead,
    });
  }
  if (paths.includes('-')) {
    throw new MdxError('usage', `${flag} reads keys from standard input, so the file cannot come from there`);
  }
  return {
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

/**
 * Keeps the terminal for a watcher while `run` goes on and until somebody leaves: the other screen, keys one by one, a
 * frame when one is due. However it ends, the terminal is given back as it was.
 * @param run gets what to await when the input has ended: it resolves when the terminal is given back.
 */
export async function watchSession<T>(
  watcher: Watcher,
  screen: Screen,
  interruption: Interruption,
  run: (stay: (messages: number) => Promise<void>) => Promise<T>,
): Promise<T> {
  const { stdin, stdout } = process;
  const restore = (): void => {
    screen.close();
    stdin.setRawMode(false);
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
    stdin.off('data', onInput).off('end', onGone).pause();
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
    stdin.setRawMode(true);
    stdin.on('data', onInput).on('end', onGone);
    stdout.on('resize', onResize).on('error', onGone);
    watcher.draw();
    return await run(async (messages) => {
      watcher.end(messages);
      if (interruption.signal === null) await new Promise<void>((resolve) => interruption.onRequest(resolve));
      close();
    });
  } finally {
    close();
  }
}
