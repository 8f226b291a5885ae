import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { EventObserver } from '../../core/pipeline/books.ts';
import type { Clock, Pacer } from '../../core/pipeline/pacer.ts';
import type { RunResult } from '../../core/pipeline/run.ts';
import type { Progress } from '../../core/pipeline/run-options.ts';
import type { StepGate } from '../../core/pipeline/step-gate.ts';
import type { Until } from '../../core/pipeline/until.ts';
import { bookFilter } from '../input.ts';
import type { Interruption } from '../signals.ts';
import type { Style } from '../style.ts';
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
  /** Parts of the input come from a recovery source. */
  readonly isRecovered: boolean;
}

/** Somebody watches the run and may hold it. */
export interface Watching {
  readonly gate: StepGate;
  readonly breathe: (standing: Progress) => Promise<void>;
  /**
   * The input has ended after so many messages, or somebody wants to go back in it. @returns true: it is to be read again;
   * false: the terminal is free again.
   */
  readonly readsAgain: (messages: number) => Promise<boolean>;
}

/** What a run that is watched is made with. */
export interface WatchedRun {
  readonly observers: readonly EventObserver[];
  readonly pacer: Pacer | null;
  readonly watching: Watching;
}

/**
 * Shows a run in the terminal until somebody leaves. Throws MdxError `usage` where there is no terminal.
 * @param run reads the input.
 */
export async function watch(
  options: WatchOptions,
  run: (watched: WatchedRun) => Promise<RunResult>,
): Promise<RunResult> {
  const { flag, instead, paths, style, interruption, speed, symbols, instruments } = options;
  const terminal = terminalOf(flag, instead, paths);
  // Loaded here, so that help does not wait for them.
  const { Pacer } = await import('../../core/pipeline/pacer.ts');
  const { StepGate } = await import('../../core/pipeline/step-gate.ts');
  const { Tape } = await import('../../core/pipeline/tape.ts');
  const gate: StepGate = new StepGate(options.startsPaused ? 'hold' : 'run', options.point, isJournal(paths));
  const pacer = Number.isFinite(speed) ? new Pacer(clockOf(gate), speed) : null;
  const tape = new Tape();
  const screen = new Screen(terminal);
  const watcher = new Watcher({
    terminal,
    screen,
    style,
    gate,
    tape,
    pacer,
    file: paths.length === 1 ? basename(paths[0]!) : `${basename(paths[0]!)} and ${paths.length - 1} more`,
    speed: pacer === null ? 'full speed' : `× ${speed}`,
    chosen: bookFilter(symbols, instruments),
    depth: options.depth ?? null,
    noWayBack: noWayBack(paths, options.isRecovered),
    now: () => performance.now(),
    onQuit: () => {
      if (interruption.signal === null) interruption.request('SIGINT');
    },
  });
  interruption.onRequest(() => gate.close());
  return watchSession(terminal.keys, watcher, screen, interruption, (stay) =>
    run({
      observers: watcher.observers,
      pacer,
      watching: {
        gate,
        breathe: (standing) => watcher.breathe(standing),
        readsAgain: async (messages) => {
          // At the end of the input a last few events come without a breath.
          await gate.settle();
          if (!gate.isRewinding || interruption.signal !== null) await stay(messages);
          if (!gate.isRewinding || interruption.signal !== null) return false;
          watcher.restart();
          return true;
        },
      },
    }),
  );
}

/** Is the input one journal? */
function isJournal(paths: readonly string[]): boolean {
  return paths.length === 1 && statSync(paths[0]!, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Why an input cannot be read again; null = it can. */
function noWayBack(paths: readonly string[], isRecovered: boolean): string | null {
  if (paths.includes('-')) return 'no way back: standard input can be read once';
  if (isRecovered) return 'no way back: what recovery brings can be read once';
  const stream = paths.find((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() !== true && stat?.isDirectory() !== true;
  });
  return stream === undefined ? null : `no way back: ${stream} can be read once`;
}

/** The machine's clock. Nobody sleeps on it while the run is paused: then keys count, and not time. */
function clockOf(gate: StepGate): Clock {
  return {
    now: () => Number(process.hrtime.bigint()),
    sleep: (ns) =>
      new Promise((resolve) => {
        if (gate.pace !== 'run' || gate.isClosed || gate.isRewinding) return resolve();
        // Timers hold 2^31 ms at most; a longer sleep is 24 days away.
        const timer = setTimeout(resolve, Math.min(Math.ceil(ns / 1e6), 0x7fffffff));
        gate.onGo = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
  };
}
