import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteWindow } from '../binary/byte-window.ts';
import type { ByteRing } from '../packet/byte-ring.ts';
import type { EventObserver } from '../pipeline/books.ts';
import type { ByteSource } from '../pipeline/byte-source.ts';
import { Interrupted, roomOf } from '../pipeline/raw-source.ts';
import { type RunResult, run } from '../pipeline/run.ts';
import { WHOLE_RUN } from '../pipeline/run-defaults.ts';

/** Name of the engine where its events are read. */
const ENGINE = 'the engine';
/** Longest stretch of work between two turns of the event loop: clients have theirs in between. */
const TURN_MS_MAX = 4;
const WAIT_MS = 1000;

/** What sees the events of a follower; `flush` comes whenever nothing more is at hand. */
export interface Publisher extends EventObserver {
  flush(): void;
}

/** The events that a tap brings, as bytes. */
class RingSource implements ByteSource {
  readonly path: string = ENGINE;
  readonly total = null;
  bytes = 0;
  readonly #ring: ByteRing;
  readonly #onIdle: () => void;
  readonly #isStopped: () => boolean;
  #turnAt: number = performance.now();

  constructor(ring: ByteRing, onIdle: () => void, isStopped: () => boolean) {
    this.#ring = ring;
    this.#onIdle = onIdle;
    this.#isStopped = isStopped;
  }

  /** Waits for the first event. Rejects with Interrupted where the engine ends without one: then it has said nothing. */
  async begin(): Promise<this> {
    while (this.#ring.waiting === 0) {
      if (this.#ring.hasEnded || this.#isStopped()) throw new Interrupted();
      await this.#ring.wait(WAIT_MS);
    }
    return this;
  }

  async fill(window: ByteWindow): Promise<boolean> {
    const room = roomOf(window);
    if (performance.now() - this.#turnAt > TURN_MS_MAX) {
      this.#onIdle();
      await nextTurn();
      this.#turnAt = performance.now();
    }
    let count = this.#ring.take(room);
    while (count === 0 && !this.#ring.hasEnded && !this.#isStopped()) {
      this.#onIdle();
      await this.#ring.wait(WAIT_MS);
      this.#turnAt = performance.now();
      count = this.#ring.take(room);
    }
    this.bytes += count;
    window.commit(count);
    if (count === 0) window.ended = true;
    return count > 0;
  }

  async close(): Promise<void> {}
}

/**
 * Follows the engine: builds books of its own from the events of a tap, and shows them to publishers. Resolves when the
 * engine has ended; rejects with MdxError where its stream is damaged.
 */
export function follow(
  ring: ByteRing,
  publishers: readonly Publisher[],
  isStopped: () => boolean = () => false,
): Promise<RunResult> {
  const flush = (): void => {
    for (const publisher of publishers) publisher.flush();
  };
  return run({
    ...WHOLE_RUN,
    paths: [ENGINE],
    observers: publishers,
    open: () => new RingSource(ring, flush, isStopped).begin(),
    stop: isStopped,
  });
}
