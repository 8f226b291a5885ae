import { run } from '../pipeline/run.ts';
import { WHOLE_RUN } from '../pipeline/run-defaults.ts';
import { FrameRun } from '../publish/bus.ts';
import type { PriceForm } from '../publish/raw-v1/price.ts';
import { RawV1Publisher } from '../publish/raw-v1/publisher.ts';
import type { FrameHistory } from '../publish/raw-v1/server.ts';
import type { PastFailures } from './past-failures.ts';

/** More frames than the events have that are read between two looks at them. */
const RETAINED_FRAMES: number = 1 << 20;
const RETAINED_BYTES: number = 1 << 26;
const PIECE_BYTES = 1 << 18;

/** How far a reading of the journal has come. */
type Verdict = 'done' | 'gone' | 'late' | 'short';

/**
 * Frames that have left memory, made anew from the journal: the same events lead to the same frames with the same
 * cursors. It is read from an image in front of them; which one that is shows when it is read.
 */
export class JournalHistory implements FrameHistory {
  readonly #directory: string;
  readonly #price: PriceForm;
  /** Number of the last event and the cursor of the next frame, as they are now. */
  readonly #now: () => { readonly event: number; readonly cursor: number };
  readonly #failures: PastFailures;

  constructor(
    directory: string,
    price: PriceForm,
    now: () => { event: number; cursor: number },
    failures: PastFailures,
  ) {
    this.#directory = directory;
    this.#price = price;
    this.#now = now;
    this.#failures = failures;
  }

  async replay(
    from: number,
    to: number,
    take: (bytes: Buffer, frames: number) => Promise<boolean>,
  ): Promise<boolean> {
    try {
      return await this.#search(from, to, take);
    } catch (error) {
      this.#failures.note('raw-v1', error);
      return false;
    }
  }

  async #search(
    from: number,
    to: number,
    take: (bytes: Buffer, frames: number) => Promise<boolean>,
  ): Promise<boolean> {
    const { event, cursor } = this.#now();
    // About so many events lead to the first frame; an image behind it is one too late.
    let beginAt = Math.floor((event * from) / Math.max(1, cursor));
    for (;;) {
      const verdict = await this.#read(beginAt, from, to, take);
      if (verdict !== 'late') return verdict === 'done' || verdict === 'gone';
      if (beginAt === 0) return false;
      beginAt = Math.floor(beginAt / 2);
    }
  }

  async #read(
    beginAt: number,
    from: number,
    to: number,
    take: (bytes: Buffer, frames: number) => Promise<boolean>,
  ): Promise<Verdict> {
    const publisher = new RawV1Publisher({
      price: this.#price,
      retainedFrames: RETAINED_FRAMES,
      retainedBytes: RETAINED_BYTES,
    });
    const { bus } = publisher;
    const piece = new FrameRun();
    let at = from;
    let verdict: Verdict = 'short';
    const show = async (): Promise<void> => {
      if (!publisher.isReady || verdict !== 'short') return;
      if (bus.oldest > at) {
        verdict = 'late';
        return;
      }
      while (at < to && bus.run(at, PIECE_BYTES, piece)) {
        if (piece.to > to) piece.cutAt(to);
        if (!(await take(piece.bytes(), piece.to - piece.from))) {
          verdict = 'gone';
          return;
        }
        at = piece.to;
      }
      if (at >= to) verdict = 'done';
    };
    await run({
      ...WHOLE_RUN,
      paths: [this.#directory],
      observers: [publisher],
      follow: true,
      ...(beginAt > 0 ? { beginAt } : {}),
      stop: () => verdict !== 'short',
      breathe: show,
    });
    await show();
    return verdict;
  }
}
