import { MdxError } from '../../core/errors.ts';
import type { Interruption } from '../signals.ts';
import type { Style } from '../style.ts';
import { keysOf } from '../watch/keys.ts';
import { Screen } from '../watch/screen.ts';
import type { KeyedTerminal } from '../watch/session.ts';
import type { Look, Looker } from './look.ts';
import { topLines } from './view.ts';

const LEAVE: ReadonlySet<string> = new Set(['q', 'ctrl-c', 'ctrl-d']);

/**
 * Shows a server on a terminal until somebody leaves. A server that does not answer, or not any more, is said and asked
 * again: it may be starting. However it ends, the terminal is given back as it was.
 */
export async function topSession(
  terminal: KeyedTerminal,
  looker: Looker,
  everyMs: number,
  style: Style,
  interruption: Interruption,
): Promise<void> {
  const { keys } = terminal;
  const screen = new Screen(terminal);
  const leaving = new AbortController();
  const gone = aborted(leaving.signal);
  gone.catch(() => {});
  let last: Look | null = null;
  let trouble: string | null = null;
  const draw = (): void => {
    const { columns, rows } = terminal;
    const lines = last === null ? [] : topLines(last, looker.url, columns, rows - 2, style);
    while (lines.length < rows - 1) lines.push('');
    screen.draw([...lines, footOf(trouble, style).slice(0, trouble === null ? undefined : columns)]);
  };
  const leave = (): void => leaving.abort();
  const onInput = (data: Buffer): void => {
    if (keysOf(data.toString('utf8')).some((key) => LEAVE.has(key))) leave();
  };
  const onResize = (): void => {
    screen.reset();
    draw();
  };
  const restore = (): void => {
    screen.close();
    keys.setRawMode(false);
  };
  process.once('exit', restore);
  interruption.onRequest(leave);
  if (interruption.signal !== null) leave();
  try {
    screen.open();
    keys.setRawMode(true);
    keys.on('data', onInput).on('end', leave).on('error', leave);
    process.stdout.on('resize', onResize).on('error', leave);
    while (!leaving.signal.aborted) {
      try {
        last = await Promise.race([looker.look(), gone]);
        trouble = null;
      } catch (error) {
        if (!(error instanceof MdxError)) throw error;
        trouble = error.message;
      }
      draw();
      await Promise.race([pause(everyMs), gone]);
    }
  } catch (error) {
    // Whoever left did not wait for an answer.
    if (!leaving.signal.aborted) throw error;
  } finally {
    keys.off('data', onInput).off('end', leave).off('error', leave).pause();
    process.stdout.off('resize', onResize).off('error', leave);
    restore();
    process.off('exit', restore);
  }
}

function footOf(trouble: string | null, style: Style): string {
  return trouble === null ? `${style.bold('q')} ${style.dim('leave')}` : style.bad(trouble);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
