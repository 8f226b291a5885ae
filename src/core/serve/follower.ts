import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ByteWindow } from '../binary/byte-window.ts';
import { MdxError } from '../errors.ts';
import type { Feed } from '../feeds/feed.ts';
import type { ByteRing } from '../packet/byte-ring.ts';
import type { EventObserver, RunFacts } from '../pipeline/books.ts';
import type { ByteSource } from '../pipeline/byte-source.ts';
import { Interrupted, roomOf } from '../pipeline/raw-source.ts';
import { run } from '../pipeline/run.ts';
import { WHOLE_RUN } from '../pipeline/run-defaults.ts';

/** Name of the engine where its events are read. */
const ENGINE = 'the engine';
/** Longest stretch of work between two turns of the event loop: clients have theirs in between. */
const TURN_MS_MAX = 4;
const WAIT_MS = 1000;
/** Bytes that are read at a time: work of less than such a stretch, most of the time. */
const READ_BYTES = 1 << 16;

/**
 * What sees the events of a follower; `flush` comes whenever nothing more is at hand. `start` comes again, with other
 * books, where the follower was cut off: what is between the last event and these books is missing.
 */
export interface Publisher extends EventObserver {
  flush(): void;
}

/** Starts the publishers of one segment, once the image that it may begin with is whole. */
class Start implements EventObserver {
  readonly #publishers: readonly Publisher[];
  #feed: Feed | null = null;
  #run: RunFacts | null = null;
  #isDone = false;

  constructor(publishers: readonly Publisher[]) {
    this.#publishers = publishers;
  }

  start(feed: Feed, run: RunFacts): void {
    this.#feed = feed;
    this.#run = run;
  }

  records(): void {
    if (!this.#isDone) this.#start();
  }

  flush(): void {
    if (!this.#isDone && this.#run !== null && this.#run.imageEvent > 0) this.#start();
    for (const publisher of this.#publishers) publisher.flush();
  }

  #start(): void {
    this.#isDone = true;
    for (const publisher of this.#publishers) publisher.start?.(this.#feed!, this.#run!);
  }
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
    const room = roomOf(window).subarray(0, READ_BYTES);
    if (performance.now() - this.#turnAt > TURN_MS_MAX) {
      this.#onIdle();
      await nextTurn();
      this.#turnAt = performance.now();
    }
    let count = this.#ring.take(room);
    while (count === 0 && !this.#ring.hasEnded && !this.#ring.isCut && !this.#isStopped()) {
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
 * Follows the engine: builds books of its own from the events of a tap, and shows them to publishers. Where it is cut off
 * it begins anew, with the books that come then. Resolves when the engine has ended; rejects with MdxError where its stream
 * is damaged.
 */
export async function follow(
  ring: ByteRing,
  publishers: readonly Publisher[],
  isStopped: () => boolean = () => false,
): Promise<void> {
  for (;;) {
    const start = new Start(publishers);
    const flush = (): void => start.flush();
    const { damage } = await run({
      ...WHOLE_RUN,
      paths: [ENGINE],
      observers: [start],
      led: publishers,
      open: () => new RingSource(ring, flush, isStopped).begin(),
      stop: isStopped,
    });
    flush();
    if (ring.hasEnded || isStopped()) return;
    if (!ring.isCut) throw new MdxError('internal', `the events of the engine: ${damage[0]?.problem}`);
    ring.askAnew();
  }
}
