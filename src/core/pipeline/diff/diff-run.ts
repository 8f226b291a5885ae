import { setImmediate as nextTurn } from 'node:timers/promises';
import { type RunResult, run } from '../run.ts';
import type { Progress } from '../run-options.ts';
import { type BookShot, shootBooks } from './book-shots.ts';
import { BookWatch } from './book-watch.ts';
import { type CompareChoices, Comparer } from './comparer.ts';
import type { Marks } from './marks.ts';
import { KEPT_EVENT, KEPT_FIELDS, type Pair } from './pairs.ts';
import type { SideOptions, Stopping } from './side-options.ts';

type Side = 0 | 1;
const NAMES = ['A', 'B'] as const;
/** Steps of a side that wait before the other has its turn. */
const STEPS_PER_TURN = 1024;
/** Breaths between two looks at signals, timers and sockets. */
const BREATHS_PER_TURN = 64;

export interface DiffOptions extends CompareChoices, Stopping {
  readonly sides: readonly [SideOptions, SideOptions];
  /** The ids of orders have to be the same, too. */
  readonly withIds: boolean;
  /** Differing instruments whose books are shown. */
  readonly show: number;
  /** Is told how far both sides are. */
  readonly progress: (standing: readonly [Progress | null, Progress | null]) => void;
}

/** A pair of books that differ, and both as they were when they first did. */
export interface Difference {
  readonly pair: Pair;
  /** Null where they were not asked for, or cannot be read again. */
  readonly shots: readonly [BookShot, BookShot] | null;
}

export interface DiffResult {
  readonly sides: readonly [RunResult, RunResult];
  readonly comparer: Comparer;
  /** How far the sides came. */
  readonly marks: readonly [Marks, Marks];
  /** In the order in which they were found. */
  readonly differences: readonly Difference[];
  /** A side is a stream that cannot be read again, so no books are shown. */
  readonly isOnce: boolean;
  readonly elapsedNs: number;
}

/**
 * Reads two inputs side by side and compares their books after every group of events; those that are first different are
 * then read again up to there, to be shown.
 */
export async function diff(options: DiffOptions): Promise<DiffResult> {
  const started = process.hrtime.bigint();
  const pass = new DiffPass(options);
  const sides = await pass.run();
  const { comparer } = pass;
  const differing = comparer.pairs.list
    .filter(({ found, books }) => found !== null && books[0] !== null && books[1] !== null)
    .sort((a, b) => a.found!.order - b.found!.order);
  const isOnce = options.sides.some(({ paths }) => paths.some((path) => !isFile(path)));
  const shown = isOnce || options.stop() ? [] : differing.slice(0, options.show);
  const shots = await Promise.all(
    ([0, 1] as const).map((side) =>
      shootBooks(
        options.sides[side],
        shown.map((pair) => ({
          book: pair.books[side]!,
          event: pair.found!.kept[side * KEPT_FIELDS + KEPT_EVENT]!,
        })),
        options,
      ),
    ),
  );
  const differences = differing.map((pair, at) => {
    const a = shots[0]![at];
    const b = shots[1]![at];
    return { pair, shots: a === undefined || b === undefined ? null : ([a, b] as const) };
  });
  const elapsedNs = Number(process.hrtime.bigint() - started);
  return { sides, comparer, marks: pass.marks, differences, isOnce, elapsedNs };
}

/** What can be read twice. */
function isFile(path: string): boolean {
  return path !== '-' && !/^[a-z+]+:/.test(path);
}

/** The pass over both inputs: the side that is behind has its turn. */
class DiffPass {
  readonly comparer: Comparer;
  readonly #options: DiffOptions;
  readonly #watches: readonly [BookWatch, BookWatch];
  readonly #standing: [Progress | null, Progress | null] = [null, null];
  readonly #wake: [(() => void) | null, (() => void) | null] = [null, null];
  #breaths = 0;
  #failed = false;

  constructor(options: DiffOptions) {
    this.#options = options;
    const { withIds } = options;
    this.#watches = [new BookWatch(NAMES[0], withIds), new BookWatch(NAMES[1], withIds)];
    this.comparer = new Comparer(this.#watches, options);
  }

  get marks(): readonly [Marks, Marks] {
    return [this.#watches[0].marks, this.#watches[1].marks];
  }

  async run(): Promise<readonly [RunResult, RunResult]> {
    const [a, b] = await Promise.allSettled([this.#read(0), this.#read(1)]);
    if (a.status === 'rejected') throw a.reason as Error;
    if (b.status === 'rejected') throw b.reason as Error;
    return [a.value, b.value];
  }

  async #read(side: Side): Promise<RunResult> {
    const { sides, signal, stop } = this.#options;
    try {
      const result = await run({
        ...sides[side],
        observers: [this.#watches[side]],
        invariants: 'off',
        stopAt: null,
        pacer: null,
        steps: null,
        signal,
        stop: () => this.#failed || stop(),
        breathe: (progress) => this.#breathe(side, progress),
      });
      this.#watches[side].finish(result.books);
      this.comparer.end(side);
      return result;
    } catch (error) {
      this.#failed = true;
      throw error;
    } finally {
      this.#wakeAll();
    }
  }

  /** Compares what has come, and waits while the other side is behind. */
  async #breathe(side: Side, progress: Progress): Promise<void> {
    const { comparer } = this;
    this.#standing[side] = progress;
    comparer.take();
    this.#breaths += 1;
    if (this.#breaths % BREATHS_PER_TURN === 0) {
      this.#options.progress(this.#standing);
      await nextTurn();
    }
    while (!this.#failed && !this.#options.stop() && comparer.mustWait(side, STEPS_PER_TURN)) {
      const waiting = new Promise<void>((resolve) => {
        this.#wake[side] = resolve;
      });
      this.#wakeUp(side === 0 ? 1 : 0);
      await waiting;
    }
    const other: Side = side === 0 ? 1 : 0;
    if (this.#wake[other] !== null && !comparer.mustWait(other, STEPS_PER_TURN)) this.#wakeUp(other);
  }

  #wakeUp(side: Side): void {
    const wake = this.#wake[side];
    this.#wake[side] = null;
    wake?.();
  }

  #wakeAll(): void {
    this.#wakeUp(0);
    this.#wakeUp(1);
  }
}
