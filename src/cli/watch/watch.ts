import type { EventObserver } from '../../core/pipeline/books.ts';
import type { Pacer } from '../../core/pipeline/pacer.ts';
import type { StepGate } from '../../core/pipeline/step-gate.ts';
import type { Until } from '../../core/pipeline/until.ts';
import { bookFilter } from '../input.ts';
import type { Watching } from '../input-command.ts';
import type { Interruption } from '../signals.ts';
import type { Style } from '../style.ts';
import { wallClock } from '../wall-clock.ts';
import { Screen } from './screen.ts';
import { terminalOf, watchSession } from './session.ts';
import { Watcher } from './watcher.ts';

export interface WatchOptions {
  /** The flag that asked for it, and what to do without a terminal; for errors. */
  readonly flag: string;
  readonly instead: string;
  readonly paths: readonly string[];
  readonly style: Style;
  readonly interruption: Interruption;
  /** Times real time; Infinity = as fast as possible. */
  readonly speed: number;
  readonly symbols: string[] | undefined;
  readonly instruments: bigint[] | undefined;
  readonly depth: number | undefined;
  /** Nothing has happened yet when it is shown first. */
  readonly startsPaused: boolean;
  /** Pauses in front of the first event later than this. */
  readonly point: Until | null;
}

/** What a run that is watched is made with. */
export interface WatchedRun {
  readonly observers: readonly EventObserver[];
  readonly pacer: Pacer | null;
  readonly watching: Watching;
}

/**
 * Shows a run in the terminal until somebody leaves. Throws MdxError `usage` where there is no terminal.
 * @param run reads the input; answers how many messages it had.
 */
export async function watch(
  options: WatchOptions,
  run: (watched: WatchedRun) => Promise<number>,
): Promise<void> {
  const { flag, instead, paths, style, interruption, speed, symbols, instruments } = options;
  const terminal = terminalOf(flag, instead, paths);
  // Loaded here, so that help does not wait for them.
  const { Pacer } = await import('../../core/pipeline/pacer.ts');
  const { StepGate } = await import('../../core/pipeline/step-gate.ts');
  const { Tape } = await import('../../core/pipeline/tape.ts');
  const pacer = Number.isFinite(speed) ? new Pacer(wallClock(interruption), speed) : null;
  const gate: StepGate = new StepGate(options.startsPaused ? 'hold' : 'run', options.point);
  const tape = new Tape();
  const screen = new Screen(terminal);
  const watcher = new Watcher({
    terminal,
    screen,
    style,
    gate,
    tape,
    pacer,
    file: paths.length === 1 ? paths[0]! : `${paths[0]} and ${paths.length - 1} more`,
    speed: pacer === null ? 'at full speed' : `× ${speed}`,
    chosen: bookFilter(symbols, instruments),
    depth: options.depth ?? null,
    now: () => performance.now(),
    onQuit: () => {
      if (interruption.signal === null) interruption.request('SIGINT');
    },
  });
  interruption.onRequest(() => gate.close());
  await watchSession(watcher, screen, interruption, () =>
    run({
      observers: [watcher, tape],
      pacer,
      watching: { gate, breathe: (standing) => watcher.breathe(standing) },
    }),
  );
}
